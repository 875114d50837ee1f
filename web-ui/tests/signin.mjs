// Signing in with a real browser, against the stage of src/api/tests/stage.rs with users: a box that has none yet, its first
// admin, a wrong password, somebody who may only look, and a session that ends. What it is told by is in tests/rig.mjs;
// UPLINK_STAGE_STATE is where the one-time code is.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

import { small } from './targets.mjs';

const url = process.env.UPLINK_PANEL_URL ?? 'http://127.0.0.1:8080';
const shots = process.env.UPLINK_PANEL_SHOTS;
const axe = await readFile(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const PASSWORD = 'correct horse battery';
let browser;
let page;

before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.UPLINK_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  });
  page = await browser.newPage({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', locale: 'en-GB' });
  page.setDefaultTimeout(60_000);
  await page.goto(url);
});

after(() => browser?.close());

const form = () => page.locator('form.sign-in');
const tile = () => page.locator('.tile[data-channel="demo"]');

async function shot(name) {
  if (shots) await page.screenshot({ path: `${shots}/${name}.png` });
}

async function accessible(what) {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
    const { violations } = await globalThis.axe.run(document, { runOnly: { type: 'tag', values: tags } });
    return violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).slice(0, 3)}`);
  });
  assert.deepEqual(found, [], what);
  assert.deepEqual(await small(page), [], `${what}: too small`);
}

async function enter(entries) {
  for (const [name, text] of Object.entries(entries)) await form().locator(`[name="${name}"]`).fill(text);
  await form().locator('button').click();
}

const ask = (method, path, body) =>
  page.evaluate(
    async ([method, path, body]) => {
      const content = body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {};
      return (await fetch(path, { method, ...content })).status;
    },
    [method, path, body],
  );

test('a box without users shows nothing but the way to its first admin', async () => {
  await form().locator('[name="code"]').waitFor();
  assert.equal(await page.locator('.tile').count(), 0);
  assert.equal(await page.locator('.top .box strong').textContent(), 'Uplink');
  await accessible('first admin');
  await shot('sign-in-first');
  await enter({ code: 'AAAAA-AAAAA-AAAAA-AAAAA', name: 'ada', password: PASSWORD });
  await page.locator('.sign-in [role="alert"]', { hasText: 'code is wrong' }).waitFor();
  const code = (await readFile(`${process.env.UPLINK_STAGE_STATE}/first-run-code`, 'utf8')).trim();
  await enter({ code, name: 'ada', password: PASSWORD });
  await tile().waitFor();
  await page.locator('.person', { hasText: 'ada' }).waitFor();
  assert.equal(await page.locator('[data-band="open"]').count(), 0);
  assert.ok(await tile().locator('.verbs button').count());
  await shot('sign-in-admin');
});

test('a name or password that is wrong lets nobody in and says so', async () => {
  assert.equal(await ask('POST', '/api/v1/users', { name: 'vic', role: 'viewer', password: PASSWORD }), 201);
  assert.equal(await ask('POST', '/api/v1/users', { name: 'oli', role: 'operator', password: PASSWORD }), 201);
  await page.locator('.person button').click();
  await form().waitFor();
  assert.equal(await form().locator('[name="code"]').count(), 0);
  await accessible('sign in');
  await enter({ name: 'vic', password: 'a wrong password' });
  await page.locator('.sign-in [role="alert"]', { hasText: 'name or password is wrong' }).waitFor();
  await shot('sign-in-wrong');
});

test('a viewer sees the channels and drives none', async () => {
  await enter({ name: 'vic', password: PASSWORD });
  await tile().waitFor();
  await page.locator('.person', { hasText: 'viewer' }).waitFor();
  await tile().getByText('needs the role operator').waitFor();
  assert.equal(await tile().locator('.verbs button').count(), 0);
  assert.equal(await ask('POST', '/api/v1/channels/demo/slate'), 403);
  await accessible('viewer');
  await shot('sign-in-viewer');
});

test('who else is here is said as they come and go, by name for who presses', async () => {
  const here = page.locator('.top .here');
  const panels = async (many) => {
    await page.locator(`.here[data-panels="${many}"]`).waitFor();
  };
  await panels(1);
  // Two more, of a session of their own.
  const elsewhere = await browser.newContext({ locale: 'en-GB' });
  const first = await elsewhere.newPage();
  await first.goto(url);
  for (const [name, text] of Object.entries({ name: 'ada', password: PASSWORD })) {
    await first.locator(`form.sign-in [name="${name}"]`).fill(text);
  }
  await first.locator('form.sign-in button').click();
  await first.locator('.tile').first().waitFor();
  await panels(2);
  const second = await elsewhere.newPage();
  await second.goto(url);
  await panels(3);
  assert.match(await here.locator('summary').textContent(), /Panels: 3 2 admin, 1 viewer/);
  await here.locator('summary').click();
  const lines = await here.locator('li').allTextContents();
  assert.equal(lines.length, 2, 'a user is named once');
  assert.match(lines[0], /^ada .*admin · Panels: 2 · since \d\d:\d\d:\d\d UTC$/);
  assert.match(lines[1], /^vic \(you\) viewer · Panels: 1 · since/);
  await accessible('who is here');
  await shot('here');
  await second.close();
  await panels(2);
  // Whoever signs out is gone at once.
  await first.locator('.person button').click();
  await panels(1);
  assert.equal(await here.locator('li').count(), 1);
  await here.locator('summary').click();
  await elsewhere.close();
});

test('an operator sees the settings, and why they may change none of them', async () => {
  assert.equal(await ask('DELETE', '/api/v1/session'), 204);
  await form().locator('[name="password"]').waitFor();
  await enter({ name: 'oli', password: PASSWORD });
  await page.locator('.person', { hasText: 'operator' }).waitFor();
  const to = (name) =>
    page.evaluate((hash) => {
      location.hash = hash;
    }, `#/${name}`);
  await to('settings');
  const images = page.locator('section[aria-labelledby="images"]');
  await images.getByText('needs the role engineer').waitFor();
  await images.getByText('This box has no image').waitFor();
  assert.ok(await images.getByRole('button', { name: 'Send an image' }).isDisabled());
  const notices = page.locator('section[aria-labelledby="notices"]');
  await notices.getByText('needs the role engineer').waitFor();
  assert.equal(await notices.getByRole('button', { disabled: false }).count(), 0);
  await accessible('settings, for an operator');
  await shot('settings-operator');
  await to('classes');
  await page.locator('section[aria-labelledby="class-new"]').getByText('needs the role engineer').waitFor();
  await accessible('stream classes, for an operator');
  await to('configuration');
  await page.getByText('Your role does not allow this').first().waitFor();
  await accessible('the configuration, for an operator');
  await to('users');
  await page.getByText('This needs the role admin').waitFor();
  // The daemon says the same to who asks it past the panel.
  for (const [method, path] of [
    ['POST', '/api/v1/notify/ops/test'],
    ['PUT', '/api/v1/images/logo.png'],
    ['DELETE', '/api/v1/images/logo.png'],
    ['DELETE', '/api/v1/stream-classes/talk-720p30'],
    ['POST', '/api/v1/stream-classes/talk-720p30/prune'],
    ['POST', '/api/v1/config/reload'],
    ['GET', '/api/v1/users'],
  ])
    assert.equal(await ask(method, path, method === 'POST' ? {} : undefined), 403, `${method} ${path}`);
  await to('on-air');
});

test('when the session ends, what was shown is gone and the form is there', async () => {
  assert.equal(await ask('DELETE', '/api/v1/session'), 204);
  await form().locator('[name="password"]').waitFor();
  assert.equal(await page.locator('.tile').count(), 0);
  assert.equal(await page.locator('.person').count(), 0);
  assert.equal(await page.locator('.here').count(), 0);
  assert.equal(await page.locator('.top .box strong').textContent(), 'Uplink');
});

test('the plain page asks for the same', async () => {
  await page.goto(`${url}/panel/plain`);
  const gate = page.locator('#gate form');
  await gate.locator('[name="password"]').fill(PASSWORD);
  await gate.locator('[name="name"]').fill('vic');
  await gate.locator('button').click();
  await page.locator('#who', { hasText: 'vic (viewer)' }).waitFor();
  await page.locator('.card[data-channel="demo"]').waitFor();
});
