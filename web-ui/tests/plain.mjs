// The plain page in a real browser. What it is told by is in rig.mjs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channel, closes, freezes, kills, open, orders, page, pid, startAgain, until, url } from './rig.mjs';

const shot = open('/panel/plain', { width: 1280, height: 900 }, true);

const card = () => page.locator(`[data-channel="${channel}"]`);
const button = (verb) => card().locator(`.commands button.${verb}`);
const tally = () => card().locator('.tally');
const said = () => card().locator('.message');

test('shows every channel that the daemon has', async () => {
  await card().waitFor();
  await page.locator('#open-band').waitFor();
  const known = await (await fetch(`${url}/api/v1/channels`)).json();
  const shown = await page.locator('.card').evaluateAll((all) => all.map((one) => one.dataset.channel));
  assert.deepEqual(
    shown,
    known.map((one) => one.id),
  );
  await until(
    () => tally().textContent(),
    (text) => text === 'ON AIR',
    'on air',
  );
  assert.match(await card().locator('.facts').textContent(), /Order.*on air.*State.*running.*Health/s);
  await card().locator('.stage .picture img').waitFor();
  await until(
    () => card().locator('.stage .age').textContent(),
    (text) => /old/.test(text),
    'the age of the picture',
  );
  assert.match(await page.locator('#link').textContent(), /live/);
  assert.ok(await page.locator('#band').isHidden());
  await shot('panel-1280');
});

test('updates by itself', async () => {
  const frames = async () =>
    Number((await card().locator('.program').textContent()).match(/([\d,]+) frames/)[1].replaceAll(',', ''));
  const first = await frames();
  await until(frames, (now) => now > first, 'frames advance');
});

test('a command is pending until the engine has confirmed it', async () => {
  await button('slate').click();
  await until(
    () => tally().textContent(),
    (text) => text === 'SLATE',
    'slate',
  );
  await until(
    () => said().textContent(),
    (text) => text.includes('✓'),
    'confirmation',
  );
  await until(() => button('release').isEnabled(), Boolean, 'release possible');
  await shot('panel-slate');
  await button('release').click();
  await until(
    () => tally().textContent(),
    (text) => text === 'ON AIR',
    'on air again',
  );
});

const place = (key) => card().locator(`.bus button[data-place="${key}"]`);
const stands = (key) => place(key).locator('.state').textContent();
const stepOf = (step) => card().locator(`.transition button.${step}`);

/** Waits until a place of the bus says of itself what it should. */
const standing = (key, word) =>
  until(
    () => stands(key),
    (text) => text.includes(word),
    `${key} is ${word}`,
  );

test('a source is put next, then taken: two presses, each shown when the worker reports it', async () => {
  const [first] = (await (await fetch(`${url}/api/v1/channels/${channel}`)).json()).report.sources;
  const source = `source-${first.id}`;
  await standing(source, 'ON AIR');
  await until(() => place('slate').isEnabled(), Boolean, 'something can be put next');
  assert.ok(await stepOf('take').isDisabled(), 'nothing is next, so there is nothing to take');

  // The order is held up on its way: nothing may look done, and nothing else may be pressed.
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
  await place('slate').click();
  assert.deepEqual(await asked, { show: 'slate' });
  await until(
    () => said().textContent(),
    (text) => /Putting Slate next …/.test(text),
    'the order is pending',
  );
  assert.equal(await stands('slate'), '');
  assert.equal(await card().locator('.bus button:enabled, .transition button:enabled').count(), 0);
  pass();
  await standing('slate', 'NEXT');
  await page.unroute(`**/channels/${channel}/preview`);
  await card().locator('.desk .picture img').waitFor();
  assert.equal(await tally().textContent(), 'ON AIR', 'what is next is not on air');
  await until(() => stepOf('take').isEnabled(), Boolean, 'it can be taken');
  await shot('panel-next');

  await stepOf('take').click();
  await standing('slate', 'ON AIR');
  await until(
    () => tally().textContent(),
    (text) => text === 'SLATE',
    'the slate is on air',
  );
  await standing('auto', 'NEXT');

  await until(() => place(source).isEnabled(), Boolean, 'the source can be put next');
  await place(source).focus();
  await page.keyboard.press('Enter');
  await standing(source, 'NEXT');
  await until(() => stepOf('dissolve').isEnabled(), Boolean, 'it can be dissolved to');
  const transition = page.waitForRequest((request) => request.url().endsWith(`/${channel}/take`));
  await stepOf('dissolve').click();
  assert.deepEqual((await transition).postDataJSON(), { transition: { kind: 'dissolve', duration_ms: 500 } });
  await standing(source, 'ON AIR');
  await standing('slate', 'NEXT');
  await until(
    () => said().textContent(),
    (text) => text.includes('✓'),
    'confirmation',
  );
  assert.equal(await tally().textContent(), 'ON AIR');
  await until(() => button('release').isEnabled(), Boolean, 'release possible');
  await button('release').click();
  await standing('auto', 'ASKED');
});

test('stop takes two steps in two places', async () => {
  const before = orders.length;
  await until(() => button('stop').isEnabled(), Boolean, 'stop possible');
  await button('stop').dblclick();
  const confirm = card().locator('.arm .confirm');
  await confirm.waitFor();
  await shot('panel-armed');
  await card().getByRole('button', { name: 'Keep on air' }).click();
  assert.ok(await confirm.isHidden());
  await button('stop').click();
  await until(
    () => said().textContent(),
    (text) => text.includes('not confirmed in time'),
    'the arm runs out',
  );
  assert.ok(await confirm.isHidden());
  assert.deepEqual(orders.slice(before), [], 'nothing may be sent by one step');
  assert.equal(await tally().textContent(), 'ON AIR');

  await button('stop').focus();
  await page.keyboard.press('Enter');
  await confirm.focus();
  await page.keyboard.press('Enter');
  await until(
    () => tally().textContent(),
    (text) => text === 'OFF AIR',
    'off air',
  );
  // The daemon asks for a confirmation, and gets the one that was given.
  assert.deepEqual(orders.slice(before), Array(2).fill(`${channel}/stop`));
  await until(() => button('start').isEnabled(), Boolean, 'start possible');
  await button('start').click();
  await until(
    () => tally().textContent(),
    (text) => text === 'ON AIR',
    'on air again',
  );
});

test('a frozen daemon is LAST KNOWN, and nothing can be pressed', freezes, async () => {
  await until(() => button('slate').isEnabled(), Boolean, 'slate possible');
  process.kill(pid, 'SIGSTOP');
  try {
    await page.locator('#band').waitFor();
    assert.match(await page.locator('#band').textContent(), /LAST KNOWN.*may\s+still be on air/s);
    assert.match(await page.title(), /LAST KNOWN/);
    assert.equal(await page.locator('.card button:enabled:visible').count(), 0);
    await until(
      () => card().locator('.stage .age').textContent(),
      (text) => /STALE/.test(text),
      'the picture is stale',
    );
    await shot('panel-last-known');
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await page.locator('#band').waitFor({ state: 'hidden' });
  await until(() => button('slate').isEnabled(), Boolean, 'controls are back');
});

test('every control can be reached by keyboard, and the page fits a phone', async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `${wide} px too wide`);
  await shot('panel-phone');
  await page.setViewportSize({ width: 1280, height: 900 });
  const reached = new Set();
  await page.locator('body').focus();
  for (let step = 0; step < 150; step += 1) {
    await page.keyboard.press('Tab');
    reached.add(await page.evaluate(() => document.activeElement?.getAttribute('aria-label')));
  }
  const enabled = await page
    .locator('.card button:enabled:visible')
    .evaluateAll((all) => all.map((one) => one.getAttribute('aria-label')));
  for (const label of enabled) assert.ok(reached.has(label), `${label} is not reached`);
});

test('a daemon that was killed is LAST KNOWN until another one is up', kills, async () => {
  process.kill(pid, 'SIGKILL');
  await page.locator('#band').waitFor();
  assert.equal(await page.locator('.card button:enabled:visible').count(), 0);
  assert.ok((await page.locator('.card').count()) > 0, 'what was last known stays');
  await startAgain();
  await page.locator('#band').waitFor({ state: 'hidden' });
  await until(() => button('slate').isEnabled(), Boolean, 'controls are back');
});

closes();
