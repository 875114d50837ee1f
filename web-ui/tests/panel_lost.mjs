// What is not heard of any more is LAST KNOWN: a daemon that stands still, is killed, is started anew, and a network that is
// cut. Nothing can be pressed meanwhile; it comes back by itself, and is right then. Part of panel.mjs, whose tools it uses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browser, channel, freezes, kills, page, pid, startAgain, until, url } from './rig.mjs';
import { wire } from './wire.mjs';

const SESSION = /\/api\/v1\/session$/;

/** The parts of a panel that a silence is about. */
function panel(at) {
  const tile = at.locator(`.tile[data-channel="${channel}"]`);
  const band = at.locator('[data-band="lost"]');
  const returned = at.locator('[data-band="returned"]');
  return {
    tile,
    band,
    returned,
    ready: async () => {
      await until(() => tile.locator('.verbs button.slate').isEnabled(), Boolean, 'controls are there');
      await tile.locator('.picture img').waitFor();
    },
    tally: (word) =>
      until(
        () => tile.locator('.tally').textContent(),
        (text) => text === word,
        word,
      ),
    /** All that is promised of a panel that hears nothing. */
    lost: async () => {
      await band.waitFor();
      assert.match(await band.textContent(), /LAST KNOWN.*may still be on air/s);
      assert.match(await at.title(), /LAST KNOWN/);
      assert.equal(await at.locator('.tile button:enabled:visible').count(), 0);
      assert.match(await tile.locator('.age').textContent(), /STALE/);
    },
    back: async () => {
      await band.waitFor({ state: 'hidden' });
      await until(() => tile.locator('.verbs button.slate').isEnabled(), Boolean, 'controls are back');
    },
  };
}

/** A browser without network opens nothing; what it has open is left to the network. */
async function gone(line, at) {
  await at.context().setOffline(true);
  line.tear();
}

async function told(verb) {
  const answer = await fetch(`${url}/api/v1/channels/${channel}/${verb}`, { method: 'POST' });
  assert.equal(answer.status, 200, verb);
}

export function lost({ everyPage, go, accessible, shot }) {
  test('a frozen daemon is LAST KNOWN on every page, nothing can be pressed, and it comes back', freezes, async () => {
    const here = panel(page);
    await page.route(SESSION, (route) => route.fulfill({ json: { access: 'login', name: 'ada', role: 'admin' } }));
    await page.reload();
    await page.locator('.person', { hasText: 'ada' }).waitFor();
    await here.ready();
    process.kill(pid, 'SIGSTOP');
    try {
      await here.lost();
      for (const name of [...everyPage, 'users', `channels/${channel}`, 'classes/talk-720p30']) {
        await go(name);
        await here.band.waitFor();
        await shot(`last-known-${name.replace('/', '-')}`);
        await accessible(`${name}, last known`);
      }
    } finally {
      process.kill(pid, 'SIGCONT');
      await go('on-air');
    }
    await here.back();
    await here.returned.waitFor();
    await accessible('returned');
    await page.getByRole('button', { name: 'Seen' }).click();
    await page.unroute(SESSION);
    await page.reload();
  });

  // Both ends think that they are connected, or the browser knows that it has no network.
  for (const [name, cut] of [
    ['nothing comes through', (line) => [line.cut, line.mend]],
    ['this computer has none', (line, at) => [() => gone(line, at), () => at.context().setOffline(false)]],
  ]) {
    test(`a network that is cut (${name}) is LAST KNOWN, and what happened meanwhile is shown`, async () => {
      const line = await wire(url);
      const other = await browser.newPage({ reducedMotion: 'reduce', locale: 'en-GB' });
      try {
        await other.goto(line.url);
        const there = panel(other);
        await there.ready();
        await there.tally('ON AIR');
        const [off, on] = cut(line, other);
        await off();
        await there.lost();
        await told('slate');
        assert.equal(await there.tile.locator('.tally').textContent(), 'ON AIR', 'what was last known stays');
        await on();
        await there.back();
        await there.tally('SLATE');
        await there.returned.getByText('ON AIR → SLATE').waitFor();
        await told('release');
        await there.tally('ON AIR');
      } finally {
        await other.close();
        line.close();
      }
    });
  }

  test('a daemon that was killed is LAST KNOWN until another one is up, and what changed is told', kills, async () => {
    const here = panel(page);
    await here.ready();
    process.kill(pid, 'SIGKILL');
    await here.lost();
    assert.ok((await page.locator('.tile').count()) > 0, 'what was last known stays');
    await startAgain();
    await here.back();
    await until(
      () => here.returned.textContent(),
      (text) => /The daemon was started anew/.test(text),
      'what changed meanwhile',
    );
  });

  test('a daemon that is started anew at once is followed by itself', kills, async () => {
    const here = panel(page);
    await here.ready();
    await startAgain();
    // The new one's word, not the old one's: it is the only one that can have heard this.
    await told('slate');
    await here.tally('SLATE');
    await here.back();
    await told('release');
    await here.tally('ON AIR');
  });
}
