// Every page in every state that it can be in: nothing there, not there yet, a problem, no right, frozen. Disconnected is in
// panel_lost.mjs. Part of panel.mjs, whose tools it uses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channel, orders, page, until, url } from './rig.mjs';

/** What pages ask for beside the stream. */
const LISTS =
  /\/api\/v1\/(config|destinations|devices|stream-classes(?:\/[^?]+)?|recordings|recording-jobs|sessions|users|tokens|audit|timeline|notify|images|surfaces(?:\/buttons)?|certificate)(\?.*)?$/;
const SESSION = /\/api\/v1\/session$/;
const STREAM = /\/api\/v1\/events\?/;
const CLASS = 'classes/talk-720p30';
/** Pages with documents of their own, and how many parts of each are such. */
const ASKING = {
  sources: 3,
  destinations: 1,
  recordings: 2,
  timeline: 1,
  configuration: 1,
  settings: 5,
  users: 4,
  [CLASS]: 1,
};

const problem = (status, code, more) => ({
  status,
  contentType: 'application/problem+json',
  body: JSON.stringify({ title: 'No', detail: 'why', code, status, ...more }),
});

export function states({ everyPage, go, accessible, shot, inTime, brief, tile }) {
  const names = [...everyPage, 'users', `channels/${channel}`, CLASS];

  /** As a box with users, whose admin looks. */
  async function asAdmin(role = 'admin') {
    await page.route(SESSION, (route) => route.fulfill({ json: { access: 'login', name: 'ada', role } }));
  }

  async function back() {
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    await page.goto(`${url}/#/on-air`);
    await page.reload();
    await tile().waitFor();
  }

  /** Looks at every page; `sign` is what a part of it shows in that state. */
  async function visit(state, sign) {
    await page.reload();
    await page.locator('.link.is-live').waitFor();
    await page.locator('.rail a[href="#/users"]').waitFor();
    for (const name of names) {
      await go(name);
      await until(
        () => page.locator(`main ${sign}`).count(),
        (many) => many >= (ASKING[name] ?? 0),
        `${name}: ${state}`,
      );
      await accessible(`${name}, ${state}`);
    }
  }

  test('pages that wait for their documents, that get a problem, or none for this role', async () => {
    await asAdmin();
    const waiting = [];
    await page.route(LISTS, (route) => {
      waiting.push(route);
    });
    await visit('loading', '[aria-busy="true"]');
    await page.unroute(LISTS);
    for (const route of waiting) await route.abort().catch(() => {});
    await page.route(LISTS, (route) => route.fulfill(problem(500, 'internal')));
    await visit('a problem', '.trouble');
    await page.unroute(LISTS);
    await page.route(LISTS, (route) => route.fulfill(problem(403, 'forbidden')));
    await visit('no right', '.empty');
    await back();
  });

  test('the clock says at the top whether anything keeps it right', async () => {
    const status = await (await fetch(`${url}/api/v1/status`)).json();
    const kept = { program: 'chrony', source: '192.0.2.1', stratum: 2, offset_ms: 0.1 };
    for (const [clock, word] of [
      [{ ...kept, synchronised: true, error_ms: 0.4 }, '✓ synchronised'],
      [{ ...kept, synchronised: true, error_ms: 250 }, '▲ may be off by 250 ms'],
      [{ ...kept, synchronised: false, error_ms: 0 }, '▲ NOT SYNCHRONISED'],
      [null, '○ synchronisation not known'],
    ]) {
      const data = JSON.stringify({ ...status, clock });
      const stream = { contentType: 'text/event-stream', body: `retry: 500\nevent: snapshot\ndata: ${data}\n\n` };
      await page.route(STREAM, (route) => route.fulfill(stream));
      await page.reload();
      await page.locator('.top .sync', { hasText: word }).waitFor();
      await accessible(`a clock: ${word}`);
      await page.unroute(STREAM);
    }
    await back();
  });

  test('pages with nothing to show', async () => {
    await asAdmin();
    const status = await (await fetch(`${url}/api/v1/status`)).json();
    const none = JSON.stringify({ ...status, channels: [] });
    const stream = { contentType: 'text/event-stream', body: `retry: 500\nevent: snapshot\ndata: ${none}\n\n` };
    await page.route(STREAM, (route) => route.fulfill(stream));
    await page.route(/\/api\/v1\/events\/recent/, (route) => route.fulfill({ json: { items: [], next_cursor: null } }));
    await page.route(LISTS, (route) => {
      const path = new URL(route.request().url()).pathname;
      // What a class is, is never empty; its versions are.
      if (/\/(config|stream-classes\/[^/]+)$/.test(path)) return route.continue();
      if (/\/(versions|recordings|recording-jobs)$/.test(path))
        return route.fulfill({ json: { items: [], next_cursor: null } });
      if (path.endsWith('/surfaces')) return route.fulfill({ json: { tsl: [], osc: null } });
      if (path.endsWith('/buttons')) return route.fulfill({ json: { items: [] } });
      if (path.endsWith('/certificate')) return route.fulfill({ json: { encrypted: false, certificates: [] } });
      if (path.endsWith('/devices')) return route.fulfill({ json: { capture: [], sound: [], nodes: [] } });
      return route.fulfill({ json: /\/(audit|timeline|alarms)$/.test(path) ? { items: [] } : [] });
    });
    await page.reload();
    await page.locator('.link.is-live').waitFor();
    await page.locator('.rail a[href="#/users"]').waitFor();
    // A configuration is never empty.
    for (const name of names.filter((one) => one !== 'configuration')) {
      await go(name);
      await page.locator('main .empty').first().waitFor();
      await accessible(`${name}, empty`);
    }
    await back();
  });

  test('frozen: every page says so, a stop is held, and the glass is for who may break it', async () => {
    const freeze = { reason: 'Cup final', by: 'ada' };
    const put = (method, headers = {}) =>
      fetch(`${url}/api/v1/freeze`, {
        method,
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(method === 'PUT' ? freeze : {}),
      });
    assert.equal((await put('PUT')).status, 200);
    const band = page.locator('[data-band="freeze"]', { hasText: 'Cup final' });
    const glass = page.locator('[data-band="glass"]');
    const stop = page.locator('button.stop');
    /** Stopped in two places, as far as this panel knows. */
    const held = async () => {
      await go(`channels/${channel}`);
      await until(() => stop.isEnabled(), Boolean, 'stop possible');
      const press = async () => {
        await stop.click(brief);
        await page.waitForTimeout(450);
        await tile().locator('.armed .confirm').click(brief);
      };
      await inTime(press, async () => (await glass.count()) > 0, 'held');
      await until(
        () => glass.textContent(),
        (text) => /FROZEN: Stop .* was not done\. Held by ada since .* UTC.*Cup final/.test(text),
        'who holds it, and since when',
      );
    };
    for (const role of ['operator', 'engineer']) {
      await asAdmin(role);
      await page.reload();
      await page.locator('.person', { hasText: role }).waitFor();
      for (const name of role === 'operator' ? names : []) {
        await go(name);
        await band.waitFor();
        await accessible(`${name}, frozen`);
      }
      await held();
      await shot(`glass-${role}`);
      await accessible(`the glass, for an ${role}`);
      if (role === 'operator') {
        await glass.getByText('Only the role engineer').waitFor();
        assert.equal(await glass.locator('input, .confirm').count(), 0);
        await glass.getByRole('button', { name: 'Close' }).click();
        await glass.waitFor({ state: 'hidden' });
        assert.equal(await tile().locator('.tally').textContent(), 'ON AIR');
      }
      await page.unroute(SESSION);
    }
    const reasons = [];
    page.on('request', (request) => {
      const reason = request.headers().override;
      if (reason) reasons.push(decodeURIComponent(reason));
    });
    const before = orders.length;
    await page.getByLabel('Why it cannot wait').fill('Rauch im Studio');
    await glass.getByRole('button', { name: /Break the glass: Stop/ }).click();
    await until(
      () => tile().locator('.tally').textContent(),
      (text) => text === 'OFF AIR',
      'stopped all the same',
    );
    // Once more with the confirmation that the daemon asks for, and that was given.
    assert.deepEqual(reasons, Array(2).fill('Rauch im Studio'));
    assert.deepEqual(orders.slice(before), Array(2).fill(`${channel}/stop`));
    const asked = await (await put('DELETE', { confirm: 'ask' })).json();
    assert.equal((await put('DELETE', { confirm: asked.confirm.token })).status, 200);
    await band.waitFor({ state: 'hidden' });
    await tile().locator('.verbs button.start').click();
    await until(
      () => tile().locator('.tally').textContent(),
      (text) => text === 'ON AIR',
      'on air again',
    );
    await back();
  });
}
