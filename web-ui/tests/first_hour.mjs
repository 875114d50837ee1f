// What a person does in the first hour with a new box, as README.md has it: its steps are the tests of this file, by the
// same names. A real daemon, worker and origin; a picture of each step is kept.
//   UPLINK_PANEL_URL      the daemon, where people log in and nobody has yet
//   UPLINK_PANEL_CHANNEL  its channel, on air from `test` with `other` beside it
//   UPLINK_PANEL_SHOTS    the directory for the pictures
//   UPLINK_LOG            what the daemon logs
//   UPLINK_CONFIG         its configuration
//   UPLINK_SECOND         where a second origin will listen, http://127.0.0.1:8091
//   UPLINK_SECOND_COMMAND how to start that (JSON list of program and arguments)
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const { UPLINK_PANEL_URL: url, UPLINK_PANEL_CHANNEL: channel, UPLINK_PANEL_SHOTS: shots } = process.env;
const { UPLINK_LOG: log, UPLINK_CONFIG: file, UPLINK_SECOND: second } = process.env;
const PATIENCE = 45_000;
const faults = [];
let browser;
let page;
let origin;
let taken = 0;

before(async () => {
  await mkdir(shots, { recursive: true });
  browser = await chromium.launch({
    executablePath: process.env.UPLINK_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  });
  page = await browser.newPage({ viewport: { width: 1366, height: 900 }, locale: 'en-GB' });
  page.setDefaultTimeout(PATIENCE);
  page.on('pageerror', (error) => faults.push(String(error)));
  await page.goto(url);
});

after(async () => {
  await browser?.close();
  origin?.kill('SIGKILL');
});

const tile = () => page.locator(`.tile[data-channel="${channel}"]`);
const place = (source) => tile().locator(`.bus button[data-place="source-${source}"]`);
const verb = (name) => tile().locator(`.verbs button.${name}`);
const chip = () => tile().locator('.chip', { hasText: 'Destinations' });
const button = (name) => page.getByRole('button', { name, exact: true });

/** A picture of what is seen now. */
async function shot(name) {
  taken += 1;
  await page.screenshot({ path: `${shots}/${String(taken).padStart(2, '0')}-${name}.png` });
}

async function until(read, good, what) {
  const end = Date.now() + PATIENCE;
  let seen;
  while (Date.now() < end) {
    seen = await read();
    if (good(seen)) return seen;
    await page.waitForTimeout(50);
  }
  throw new Error(`${what}: saw ${JSON.stringify(seen)}`);
}

const shows = (locator, wanted, what) =>
  until(
    () => locator.textContent(),
    (text) => wanted.test(text),
    what,
  );

test('Make the first admin', async () => {
  const form = page.locator('form.sign-in');
  await form.locator('[name="code"]').waitFor();
  await shot('first-admin');
  const line = (await readFile(log, 'utf8')).split('\n').find((one) => one.includes('one-time'));
  const code = line?.match(/\b(?:[A-Z0-9]{5}-){3}[A-Z0-9]{5}\b/)?.[0];
  assert.ok(code, `the log shows no code: ${line}`);
  await form.locator('[name="code"]').fill(code);
  await form.locator('[name="name"]').fill('ada');
  await form.locator('[name="password"]').fill('correct horse battery');
  await form.locator('button').click();
  await page.locator('.person', { hasText: 'ada' }).waitFor();
});

test('See the channel', async () => {
  await shows(tile().locator('.tally'), /^ON AIR$/, 'on air');
  await tile().locator('.picture img').waitFor();
  await shows(tile().locator('.age'), / s$/, 'the age of the picture');
  await shows(chip(), /1\/1/, 'one destination gets it');
  await shot('on-air');
});

test('Take', async () => {
  const isOnAir = async () => (await place('other').locator('.state').textContent()).includes('ON AIR');
  // A choice is good for ten seconds: on a machine that stands still for longer it is made again.
  for (let attempt = 0; attempt < 5 && !(await isOnAir()); attempt += 1) {
    await place('other').click();
    await shows(place('other').locator('.state'), /NEXT|ON AIR/, 'put next');
    if (attempt === 0) await shot('next');
    await page.waitForTimeout(450);
    if (await verb('take').isEnabled()) await verb('take').click();
    await until(isOnAir, Boolean, 'taken').catch(() => {});
  }
  await shows(place('other').locator('.state'), /ON AIR/, 'it is on air');
  await shot('taken');
});

test('Slate', async () => {
  await verb('slate').hover();
  await page.mouse.down();
  await shows(tile().locator('.tally'), /^SLATE$/, 'the slate is on air');
  await page.mouse.up();
  await shot('slate');
  await until(() => verb('release').isEnabled(), Boolean, 'release possible');
  await verb('release').click();
  await shows(tile().locator('.tally'), /^ON AIR$/, 'back on air');
});

test('Add a destination', async () => {
  await page.locator('.rail a[href="#/configuration"]').click();
  const area = page.locator('.editor textarea');
  const text = await readFile(file, 'utf8');
  await until(
    () => area.inputValue(),
    (shown) => shown === text,
    'the file is shown',
  );
  const draft = (kind) =>
    `${text.replace('destinations = ["origin"]', 'destinations = ["origin", "second"]')}
[destinations.second]
kind = "${kind}"
url = "${second}/live/"
token_file = "push.token"
`;
  await area.fill(draft('hls-pusch'));
  await button('Check').click();
  await page.locator('.findings button').first().click();
  await shot('draft-with-a-fault');
  await area.fill(draft('hls-push'));
  await button('Check').click();
  await page.locator('#findings[data-good="true"]').waitFor();
  await shot('draft');
  await button('What would change?').click();
  await page.locator('.step[data-step="planned"]').waitFor();
  await shows(page.locator('.step'), /second: new/, 'what would change');
  assert.doesNotMatch(await page.locator('.step').textContent(), /OFF AIR/, 'nobody who watches notices');
  await shot('what-would-change');
  await page.locator('.step .confirm').click();
  await page.locator('.step[data-step="done"]').waitFor();
  assert.equal(await readFile(file, 'utf8'), draft('hls-push'), 'it is on disk');
  assert.equal(await readFile(`${file}~`, 'utf8'), text, 'what was there is kept');
  await shot('in-force');
});

test('Watch it fail', async () => {
  await page.locator('.rail a[href="#/on-air"]').click();
  await shows(chip(), /1\/2/, 'one of two gets it');
  await shows(tile().locator('.reason'), /destination second: .*nobody listens there/, 'why');
  await shows(tile().locator('.tally'), /^ON AIR$/, 'the other one has it');
  await shot('destination-fails');
  await page.locator('.rail a[href="#/destinations"]').click();
  await page.locator('tr', { hasText: 'second' }).first().waitFor();
  await shot('destination-fails-why');
  await probed(/nobody listens there|no connection to port/, 'whose fault it is');
  await shot('destination-probed');
  await page.locator('.rail a[href="#/on-air"]').click();
});

/** What a probe of the second destination finds. */
async function probed(found, what) {
  await page.locator('.rail a[href="#/destinations"]').click();
  const row = page.locator('section[aria-labelledby="probe"] tr', { hasText: 'second' });
  await row.getByRole('button').click();
  await shows(row.locator('td').last(), found, what);
  await page.locator('.rail a[href="#/on-air"]').click();
}

test('Watch it heal', async () => {
  const command = JSON.parse(process.env.UPLINK_SECOND_COMMAND);
  origin = spawn(command[0], command.slice(1), { stdio: 'ignore' });
  await shows(chip(), /2\/2/, 'both get it');
  await until(
    () => tile().locator('.reason').count(),
    (many) => many === 0,
    'nothing is wrong',
  );
  await shot('destination-heals');
  await probed(/it takes uploads/, 'its credentials are good');
  const played = await fetch(`${second}/live/${channel}/multivariant.m3u8`);
  assert.equal(played.status, 200);
  assert.match(await played.text(), /#EXT-X-STREAM-INF/);
});

test('End', async () => {
  await tile().locator('h2 a').click();
  const stop = page.locator('button.stop');
  const isOff = async () => (await tile().locator('.tally').textContent()) !== 'ON AIR';
  // What is armed waits five seconds.
  for (let attempt = 0; attempt < 5 && !(await isOff()); attempt += 1) {
    await until(() => stop.isEnabled(), Boolean, 'stop possible');
    await stop.click();
    const confirm = tile().locator('.armed .confirm');
    await confirm.waitFor();
    if (attempt === 0) await shot('stop-asks');
    await page.waitForTimeout(450);
    await confirm.click({ timeout: 4000 }).catch(() => {});
    await until(isOff, Boolean, 'ended').catch(() => {});
  }
  await shows(tile().locator('.tally'), /^OFF AIR$/, 'off air');
  await shot('off-air');
  assert.deepEqual(faults, []);
});
