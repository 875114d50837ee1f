// Every control of every page is reached by Tab, in the order in which it stands, and none holds the keyboard. Part of
// panel.mjs, whose tools it uses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channel, page, until, url } from './rig.mjs';

const SESSION = /\/api\/v1\/session$/;

/** Numbers what can be reached, in the order of the document; how many that are, and what is out of order. */
const number = () =>
  page.evaluate(() => {
    const kinds = 'a[href], button, input, select, textarea, summary, video, [tabindex]';
    const all = [...document.querySelectorAll(kinds)].filter((one) => {
      return one.tabIndex >= 0 && !one.matches(':disabled') && one.checkVisibility({ visibilityProperty: true });
    });
    for (const old of document.querySelectorAll('[data-walk]')) delete old.dataset.walk;
    all.forEach((one, place) => {
      one.dataset.walk = String(place);
    });
    all[0]?.focus();
    const ahead = all.filter((one) => one.tabIndex > 0).map((one) => one.outerHTML.slice(0, 120));
    return { many: all.length, ahead };
  });

/** What of them can still be reached, and has not been. */
const missed = (reached) =>
  page.evaluate((known) => {
    const all = [...document.querySelectorAll('[data-walk]')];
    const left = all.filter((one) => !known.includes(Number(one.dataset.walk)) && !one.matches(':disabled'));
    return left.map((one) => one.outerHTML.slice(0, 160));
  }, reached);

const here = () =>
  page.evaluate(() => {
    const at = document.activeElement;
    return at === null || at === document.body ? 'out' : (at.dataset.walk ?? 'other');
  });

/** From the first control until the keyboard leaves the page, or is at its beginning again. */
async function walk(name) {
  const { many, ahead } = await number();
  assert.deepEqual(ahead, [], `${name}: nothing jumps ahead in the order`);
  assert.ok(many > 0, `${name} has controls`);
  const reached = [0];
  for (let step = 0; step < 2 * many + 30; step += 1) {
    await page.keyboard.press('Tab');
    const at = await here();
    if (at === 'out' || at === '0') {
      assert.deepEqual(await missed(reached), [], `${name}: not reached`);
      assert.deepEqual(
        reached,
        [...reached].sort((a, b) => a - b),
        `${name}: in the order in which they stand`,
      );
      return;
    }
    if (at !== 'other') reached.push(Number(at));
  }
  throw new Error(`${name}: the keyboard never leaves; it was at ${reached.slice(-5)} of ${many}`);
}

export function keys({ everyPage, go }) {
  test('every control of every page is reached by keyboard, in its order, and none holds it', async () => {
    await page.route(SESSION, (route) => route.fulfill({ json: { access: 'login', name: 'ada', role: 'admin' } }));
    await page.reload();
    await page.locator('.person', { hasText: 'ada' }).waitFor();
    for (const name of [...everyPage, 'users', `channels/${channel}`, 'classes/talk-720p30']) {
      await go(name);
      await until(
        () => page.locator('main [aria-busy="true"]').count(),
        (many) => many === 0,
        `${name} has loaded`,
      );
      await walk(name);
    }
    // With what opens: a recording, and the list of alarms.
    await go('recordings');
    await page.locator('section[aria-labelledby="recordings"] button[aria-expanded="false"]').first().click();
    await page.locator('tr.opened').waitFor();
    await walk('an opened recording');
    await page.locator('.strip summary').click();
    await walk('the list of alarms');
    await page.unroute(SESSION);
    await page.goto(`${url}/#/on-air`);
    await page.reload();
    await page.locator('.link.is-live').waitFor();
  });
}
