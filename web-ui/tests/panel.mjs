// The panel in a real browser. What it is told by is in rig.mjs.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { acts } from './panel_acts.mjs';
import { charts } from './panel_charts.mjs';
import { classes } from './panel_classes.mjs';
import { keys } from './panel_keys.mjs';
import { lost } from './panel_lost.mjs';
import { pages } from './panel_pages.mjs';
import { recorded } from './panel_recordings.mjs';
import { settings } from './panel_settings.mjs';
import { states } from './panel_states.mjs';
import { timeline } from './panel_timeline.mjs';
import { browser, channel, closes, open, orders, page, until, url } from './rig.mjs';
import { small, targets } from './targets.mjs';

const axe = await readFile(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const PAGES = [
  'on-air',
  'wall',
  'sources',
  'destinations',
  'recordings',
  'timeline',
  'classes',
  'configuration',
  'diagnostics',
  'settings',
];
/** Those with a name of something, and those that only a box with users has. */
const MORE = ['users', `channels/${channel}`, 'classes/talk-720p30'];
const SESSION = /\/api\/v1\/session$/;
const shot = open('/', { width: 1920, height: 1080 }, false);

const tile = (of = channel) => page.locator(`.tile[data-channel="${of}"]`);
const place = (key) => tile().locator(`.bus button[data-place="${key}"]`);
const verb = (name, of = channel) => tile(of).locator(`.verbs button.${name}`);
const tally = (of = channel) => tile(of).locator('.tally').textContent();
const said = (of = channel) => tile(of).locator('.message').textContent();
const band = () => page.locator('[data-band="lost"]');

const standing = (key, word) =>
  until(
    () => place(key).locator('.state').textContent(),
    (text) => text.includes(word),
    `${key} is ${word}`,
  );

const told = (word, of = channel) =>
  until(
    () => said(of),
    (text) => text.includes(word),
    `said ${word}`,
  );

/** Whether `done` comes true within some seconds. */
async function soon(done) {
  for (let look = 0; look < 200; look += 1) {
    if (await done()) return true;
    await page.waitForTimeout(50);
  }
  return false;
}

/**
 * Two steps that belong together in time. A machine that stands still meanwhile lets the first one run out, and nothing
 * is sent: then both are done again.
 */
async function inTime(steps, done, what) {
  for (let attempt = 0; attempt < 8; attempt += 1) {
    if (
      (await steps().then(
        () => true,
        () => false,
      )) &&
      (await soon(done))
    )
      return;
  }
  throw new Error(`${what}: not in eight attempts`);
}

/** Enter twice, further apart than a bounce. */
const enterTwice = (locator) => async () => {
  await locator.focus();
  await page.keyboard.press('Enter');
  await page.waitForTimeout(450);
  await page.keyboard.press('Enter');
};

/** What is armed, for as long as it is. */
const brief = { timeout: 3000 };

const isTally = (word) => until(tally, (text) => text === word, word);

/** No violation of WCAG 2.2 AA in what is shown now, and nothing too small to be hit. */
async function accessible(what, at = page) {
  await at.evaluate(axe);
  // What a frame that stays in its place covers just now is seen by scrolling.
  await at.evaluate(() => window.scrollTo(0, 0));
  const found = await at.evaluate(async () => {
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
    const { violations } = await globalThis.axe.run(document, { runOnly: { type: 'tag', values: tags } });
    return violations.map(
      (one) =>
        `${one.id}: ${one.nodes
          .map((node) => `${node.html} ${node.failureSummary}`)
          .slice(0, 3)
          .join(' | ')}`,
    );
  });
  assert.deepEqual(found, [], what);
  assert.deepEqual(await small(at), [], `${what}: too small`);
}

/** To a page, and until it has what it asks for. */
async function go(name) {
  await page.evaluate((to) => {
    location.hash = `#/${to}`;
  }, name);
  if (PAGES.includes(name)) await page.locator(`.rail a[aria-current="page"][href="#/${name}"]`).waitFor();
}

/** Every page, as it is with its documents. */
async function everyPage(look) {
  for (const name of [...PAGES, ...MORE]) {
    await go(name);
    await until(
      () => page.locator('main [aria-busy="true"]').count(),
      (many) => many === 0,
      `${name} has loaded`,
    );
    await look(name);
  }
}

test('On Air shows every channel, its picture with its age, its level and its parts', async () => {
  await tile().waitFor();
  const known = await (await fetch(`${url}/api/v1/channels`)).json();
  await page.locator('[data-band="open"]', { hasText: 'nobody has to sign in' }).waitFor();
  const shown = await page.locator('.tile').evaluateAll((all) => all.map((one) => one.dataset.channel));
  assert.deepEqual(
    shown,
    known.map((one) => one.id),
  );
  await isTally('ON AIR');
  await tile().locator('.picture img').waitFor();
  await until(
    () => tile().locator('.age').textContent(),
    (text) => / s$/.test(text),
    'the age of the picture',
  );
  await until(
    () => tile().locator('.figures').textContent(),
    (text) => /M-?\d+\.\d.*S-?\d+\.\d.*I-?\d+\.\d/.test(text),
    'loudness',
  );
  await until(
    () =>
      tile()
        .locator('canvas.bars')
        .evaluate((node) => {
          const { data } = node.getContext('2d').getImageData(0, 0, node.width, node.height);
          return data.some((value) => value > 0);
        }),
    Boolean,
    'the meter is drawn',
  );
  assert.match(await tile().locator('.chips').textContent(), /Source.*Sound.*Encoder.*Destinations \d+\/\d+/);
  assert.match(await page.locator('.link').textContent(), /live/);
  assert.equal(await band().count(), 0);
  await shot('on-air-dark');
  await accessible('On Air');
});

test('by keyboard alone: choose a channel, put a source next, take it; nothing lights up before the engine says so', async () => {
  await standing('source-cam-1', 'ON AIR');
  await until(() => verb('take').isDisabled(), Boolean, 'nothing is next');
  let pass;
  const held = new Promise((resolve) => {
    pass = resolve;
  });
  const asked = new Promise((resolve) => {
    page.route(`**/channels/${channel}/preview`, async (route) => {
      resolve(route.request().postDataJSON());
      await held;
      await route.continue();
    });
  });
  await page.keyboard.press('F6');
  assert.equal(await page.evaluate(() => document.activeElement?.dataset.channel), channel);
  await page.keyboard.press('F7');
  assert.deepEqual(await asked, { source: 'clip' });
  await until(said, (text) => /sent|NOT CONFIRMED/.test(text), 'the order is on its way');
  assert.equal(await place('source-clip').locator('.state').textContent(), '');
  assert.equal(await tile().locator('.bus button:enabled, .verbs .take:enabled').count(), 0);
  assert.ok(await verb('slate').isEnabled(), 'the way out waits for nothing');
  pass();
  await standing('source-clip', 'NEXT');
  await page.unroute(`**/channels/${channel}/preview`);
  assert.equal(await tally(), 'ON AIR');
  await until(() => verb('take').isEnabled(), Boolean, 'it can be taken');
  await shot('next');
  const isOnAir = async () => (await place('source-clip').locator('.state').textContent()).includes('ON AIR');
  // Chosen once more: what is next already is armed without an order.
  const takes = async () => {
    await page.keyboard.press('Escape');
    await place('source-clip').focus();
    await page.keyboard.press('Enter');
    await page.waitForTimeout(450);
    await page.keyboard.press('F8');
  };
  await inTime(takes, isOnAir, 'chosen and taken');
  await told('confirmed after');
});

test('a take of what was not just put next asks for a confirmation in another place', async () => {
  // What was on air is next, and nobody has chosen it: one press is not enough, and a double click is one press.
  await until(() => verb('take').isEnabled(), Boolean, 'something is next');
  const before = orders.length;
  const confirm = tile().locator('.armed .confirm');
  const keep = tile().getByRole('button', { name: 'Keep' });
  const gone = async () => (await confirm.count()) === 0;
  const look = async () => {
    await verb('take').dblclick();
    await confirm.waitFor(brief);
    await shot('armed');
    await accessible('armed');
    await keep.click(brief);
  };
  await inTime(look, gone, 'armed and kept');
  assert.deepEqual(orders.slice(before), [], 'nothing is sent by one press, or by a double click');
  const takes = async () => {
    await verb('take').focus();
    await page.keyboard.press('Enter');
    await confirm.waitFor(brief);
    assert.ok(await confirm.evaluate((node) => node === document.activeElement), 'the keyboard is at the confirmation');
    await page.waitForTimeout(450);
    await page.keyboard.press('Enter');
  };
  await inTime(takes, () => orders.length > before, 'armed and confirmed');
  assert.deepEqual(orders.slice(before), [`${channel}/take`]);
  await told('confirmed after');
  await standing('source-cam-1', 'ON AIR');
});

test('a take airs what was seen next, not what another operator has put there meanwhile', async () => {
  await until(() => verb('take').isEnabled(), Boolean, 'something is next');
  const other = () =>
    fetch(`${url}/api/v1/channels/${channel}/preview`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ show: 'slate' }),
    });
  const asked = [];
  // Between the press here and its arrival there.
  await page.route(`**/channels/${channel}/take`, async (route) => {
    asked.push(route.request().postDataJSON());
    assert.equal((await other()).status, 200);
    await route.continue();
  });
  const takes = async () => {
    await place('source-clip').focus();
    await page.keyboard.press('Enter');
    await page.waitForTimeout(450);
    await page.keyboard.press('F8');
  };
  await inTime(takes, () => asked.length > 0, 'chosen and taken');
  await told('the slate is in preview');
  assert.deepEqual(asked[0].expect, { show: 'source', source: 'clip' });
  await standing('source-cam-1', 'ON AIR');
  await standing('slate', 'NEXT');
  await accessible('a take that was refused');
  await page.unroute(`**/channels/${channel}/take`);
  await place('source-clip').click();
  await standing('source-clip', 'NEXT');
});

test('the slate wants to be held, or pressed twice by keyboard', async () => {
  await until(() => verb('slate').isEnabled(), Boolean, 'slate possible');
  const before = orders.length;
  // At once: no machine is so slow that this is a hold.
  await verb('slate').evaluate((node) => {
    const about = { bubbles: true, button: 0 };
    node.dispatchEvent(new PointerEvent('pointerdown', about));
    node.dispatchEvent(new PointerEvent('pointerup', about));
  });
  await page.waitForTimeout(700);
  assert.deepEqual(orders.slice(before), [], 'a touch is not enough');
  await verb('slate').hover();
  await page.mouse.down();
  await isTally('SLATE');
  await page.mouse.up();
  assert.deepEqual(orders.slice(before), [`${channel}/slate`]);
  await shot('slate');
  await accessible('on slate');
  await until(() => verb('release').isEnabled(), Boolean, 'release possible');
  await verb('release').click();
  await isTally('ON AIR');
  await inTime(enterTwice(verb('slate')), async () => (await tally()) === 'SLATE', 'slate by keyboard');
  await until(() => verb('release').isEnabled(), Boolean, 'release possible');
  await verb('release').click();
  await isTally('ON AIR');
});

test('a locked surface holds everything but the slate', async () => {
  await page.locator('.surface .lock').click();
  assert.equal(await tile().locator('.bus button:enabled').count(), 0);
  await until(() => verb('slate').isEnabled(), Boolean, 'the slate stays');
  const unlocked = async () => (await tile().locator('.bus button:enabled').count()) > 0;
  await inTime(enterTwice(page.locator('.surface .lock.on')), unlocked, 'unlocked');
});

/** Off air, and a destination has not got everything: seen on both pages, and ended by who confirms it. */
async function theRest() {
  const rest = page.locator(`[data-rest="${channel}"]`);
  const question = page.locator('[data-band="consent"]');
  const shows = () =>
    until(
      () => rest.textContent(),
      (text) => /still get what they have not got.*origin-a: 44(\.0)? s, even in 1 min 30 s/s.test(text),
      'how much is left, and until when',
    );
  await shows();
  await page.locator('section[aria-labelledby="destinations"] tr', { hasText: 'even in 1 min 30 s' }).waitFor();
  await shot('rest');
  await accessible('what is left, on the page of the channel');
  await go('destinations');
  await shows();
  await page.locator('section[aria-labelledby="all"] tr', { hasText: 'even in 1 min 30 s' }).first().waitFor();
  await accessible('what is left, on the page of destinations');
  const button = rest.getByRole('button');
  await button.click();
  await question.waitFor();
  assert.match(await question.textContent(), /is delivered no more, until it is on air again/);
  await question.getByRole('button', { name: 'Keep' }).click();
  await shows();
  const given = orders.length;
  const gone = async () => (await rest.count()) === 0;
  const ends = async () => {
    await button.click(brief);
    await question.waitFor(brief);
    await page.waitForTimeout(450);
    await question.locator('.confirm').click(brief);
  };
  await inTime(ends, gone, 'given up');
  assert.ok(orders.slice(given).every((one) => one === `${channel}/stop`));
  await go(`channels/${channel}`);
}

test('stop is on the channel’s own page, in two places', async () => {
  await go(`channels/${channel}`);
  const stop = page.locator('button.stop');
  await until(() => stop.isEnabled(), Boolean, 'stop possible');
  await shot('channel');
  await accessible('channel');
  const before = orders.length;
  const ends = async () => {
    await stop.dblclick(brief);
    await tile().locator('.armed .confirm').waitFor(brief);
    assert.deepEqual(orders.slice(before), []);
    await page.waitForTimeout(450);
    await tile().locator('.armed .confirm').click(brief);
  };
  await inTime(ends, async () => (await tally()) === 'OFF AIR', 'stopped');
  // The daemon asks for a confirmation, and gets the one that was given.
  assert.deepEqual(orders.slice(before), Array(2).fill(`${channel}/stop`));
  await accessible('off air');
  await theRest();
  await until(() => verb('start').isEnabled(), Boolean, 'start possible');
  await verb('start').click();
  await isTally('ON AIR');
});

test('every page in both colours and both languages, at a desk and on a phone', async () => {
  const colours = page.locator('.surface button').nth(1);
  await page.route(SESSION, (route) => route.fulfill({ json: { access: 'login', name: 'ada', role: 'admin' } }));
  await page.reload();
  await page.locator('.person', { hasText: 'ada' }).waitFor();
  const looks = (colour) => async (name) => {
    await shot(`${name.replace('/', '-')}-${colour}`);
    await accessible(`${name}, ${colour}`);
  };
  await everyPage(looks('dark'));
  await colours.click();
  await page.locator('.surface select').selectOption('de');
  assert.equal(await page.locator('html').getAttribute('lang'), 'de');
  await everyPage(looks('light'));
  await page.setViewportSize({ width: 390, height: 844 });
  await everyPage(async (name) => {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 0, `${name}: ${wide} px too wide`);
    assert.deepEqual(await small(page), [], `${name}, on a phone: too small`);
    await shot(`${name.replace('/', '-')}-phone`);
  });
  await colours.click();
  await page.locator('.surface select').selectOption('en');
  await page.setViewportSize({ width: 1920, height: 1080 });
  await page.unroute(SESSION);
  await go('on-air');
  await page.reload();
  await tile().waitFor();
});

targets(tile);

timeline({ go, shot, accessible });

states({ everyPage: PAGES, go, accessible, shot, inTime, brief, tile });

acts({ go, shot, accessible, inTime, brief });

recorded({ go, shot, accessible, inTime, brief });

charts({ go, shot, accessible });

pages({ go, shot, accessible, inTime, brief });

classes({ go, shot, accessible, inTime, brief });

settings({ go, shot, accessible, inTime, brief });

test('the key map is on the screen', async () => {
  await page.keyboard.press('F1');
  await page.locator('dialog.sheet').waitFor();
  await accessible('the key map');
  await page.keyboard.press('Escape');
  await page.locator('dialog.sheet').waitFor({ state: 'hidden' });
});

keys({ everyPage: PAGES, go });

lost({ everyPage: PAGES, go, accessible, shot });

test('before the first word nothing looks alive, and who may not see is told so', async () => {
  const other = await browser.newPage({ reducedMotion: 'reduce' });
  other.setDefaultTimeout(30_000);
  await other.route('**/api/v1/events?*', () => {});
  await other.goto(url);
  await other.getByText('Waiting for the daemon').waitFor();
  assert.equal(await other.locator('.tile').count(), 0);
  await accessible('waiting', other);
  await other.unroute('**/api/v1/events?*');
  const no = {
    status: 401,
    contentType: 'application/problem+json',
    body: '{"title":"No","detail":"","code":"no_session","status":401}',
  };
  await other.route('**/api/v1/**', (route) => route.fulfill(no));
  await other.goto(`${url}/?again`);
  await other.getByText('NOT SIGNED IN').first().waitFor();
  await accessible('not signed in', other);
  await other.close();
});

closes();
