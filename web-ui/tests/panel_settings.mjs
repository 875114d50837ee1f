// The page of settings: notices that reach a real receiver, images that are sent and deleted, keys to copy, the certificate.
// Part of panel.mjs, whose tools it uses.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { channel, page, until, url } from './rig.mjs';

const webhook = process.env.UPLINK_STAGE_WEBHOOK;
/** What the stage signs with. */
const SECRET = 'webhook-secret-of-the-stage';
/** Two pictures of one pixel. */
const RED = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const CLEAR = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=',
  'base64',
);
const NAME = 'Station-Logo.png';
const IMAGE = `/api/v1/images/${NAME}`;

const part = (name) => page.locator(`section[aria-labelledby="${name}"]`);
const row = () => part('images').locator(`tr[data-image="${NAME}"]`);
const question = () => page.locator('[data-band="consent"]');
const tagNow = async () => (await fetch(`${url}${IMAGE}`)).headers.get('etag');

/** Listens where the stage tells its webhook; what came is in `came`. */
async function receiver() {
  const came = [];
  const server = createServer((request, response) => {
    const pieces = [];
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', () => {
      came.push({ path: request.url, headers: request.headers, body: Buffer.concat(pieces).toString() });
      response.writeHead(204).end();
    });
  });
  const { hostname, port } = new URL(webhook);
  await new Promise((resolve, reject) => server.once('error', reject).listen(Number(port), hostname, resolve));
  return { came, close: () => server.close() };
}

/** Chosen as a person does it. */
const choose = (buffer, name = 'Station Logo.png') =>
  page.getByLabel('File', { exact: true }).setInputFiles({ name, mimeType: 'image/png', buffer });

/** What somebody else does with the image meanwhile. */
async function elsewhere(body) {
  const put = (headers) => fetch(`${url}${IMAGE}`, { method: 'PUT', body, headers });
  const { confirm } = await (await put({})).json();
  assert.equal((await put({ confirm: confirm.token })).status, 200);
}

export function settings({ go, shot, accessible, inTime, brief }) {
  const yes = async () => {
    await question().waitFor(brief);
    await page.waitForTimeout(450);
    await question().locator('.confirm').click(brief);
  };

  test('a test notice reaches a real receiver, signed, and one that nobody hears says why', {
    skip: !webhook && 'no UPLINK_STAGE_WEBHOOK',
  }, async () => {
    const { came, close } = await receiver();
    try {
      await go('settings');
      const of = (name) => part('notices').locator(`tr[data-receiver="${name}"]`);
      await until(
        () => of('ops').textContent(),
        (text) => /nothing was sent yet/.test(text),
        'nothing was sent',
      );
      assert.deepEqual(came, []);
      await of('ops').getByRole('button').click();
      await part('notices').locator('[data-told="notify"]', { hasText: '✓ the test arrived: ops' }).waitFor();
      assert.equal(came.length, 1, 'one press is one notice');
      const [{ path, headers, body }] = came;
      assert.deepEqual([path, headers['uplink-event']], ['/hooks', 'alarm_test']);
      const [, time, mark] = /^t=(\d+),v1=([0-9a-f]+)$/.exec(headers['uplink-signature']);
      assert.equal(mark, createHmac('sha256', SECRET).update(`${time}.${body}`).digest('hex'));
      await until(
        () => of('ops').textContent(),
        (text) => /✓ works/.test(text),
        'it works',
      );
      await of('nobody').getByRole('button').click();
      const trouble = part('notices').locator('.trouble', { hasText: 'not_delivered' });
      await trouble.waitFor();
      assert.match(await trouble.textContent(), /the test did not arrive/);
      assert.equal(came.length, 1);
      await shot('settings');
      await accessible('settings, with a notice that did not arrive');
    } finally {
      close();
    }
  });

  test('an image is sent with its progress, seen, replaced and deleted; who was quicker is not overruled', async () => {
    await go('settings');
    await part('images').getByText('This box has no image').waitFor();
    let pass;
    const held = new Promise((resolve) => {
      pass = resolve;
    });
    const conditions = [];
    await page.route(`**${IMAGE}`, async (route) => {
      const { 'if-match': match, 'if-none-match': none } = route.request().headers();
      if (route.request().method() !== 'GET') conditions.push(match ?? none);
      await held;
      await route.continue();
    });
    const send = part('images').getByRole('button', { name: 'Send an image' });
    await choose(RED);
    assert.equal(await page.getByLabel('Name on the box').inputValue(), NAME, 'a name that the box takes');
    await send.click();
    await part('images').locator('progress').waitFor();
    await accessible('an image on its way');
    pass();
    await part('images').getByText(`${NAME} is on the box`).waitFor();
    await row().waitFor();
    await until(
      () =>
        row()
          .locator('img')
          .evaluate((image) => image.naturalWidth),
      (width) => width === 1,
      'it is seen',
    );
    assert.deepEqual(Buffer.from(await (await fetch(`${url}${IMAGE}`)).arrayBuffer()), RED);
    assert.deepEqual(conditions, ['*'], 'a new one takes no other’s place');
    await shot('images');
    await accessible('an image');

    // Another one in its place: the button says so.
    const before = await tagNow();
    await choose(CLEAR);
    await part('images').getByRole('button', { name: 'Replace the image' }).click();
    await question().getByText(`image ${NAME} is replaced`).waitFor();
    assert.equal(await tagNow(), before, 'not before it is confirmed');
    await yes();
    await until(tagNow, (tag) => tag !== before, 'replaced');
    assert.equal(conditions.at(-1), before);
    await part('images').getByText(`${NAME} is on the box`).waitFor();
    const now = await tagNow();
    await page.locator(`img[src*="${encodeURIComponent(now)}"]`).waitFor();

    // Somebody else is quicker: what is deleted is what was seen, or nothing.
    const stale = await (await fetch(`${url}/api/v1/images`)).json();
    await page.route('**/api/v1/images', (route) => route.fulfill({ json: stale }));
    await elsewhere(RED);
    const end = row().getByRole('button', { name: `Delete ${NAME}` });
    const trouble = part('images').locator('.trouble', { hasText: '[changed]' });
    const refused = async () => {
      await end.click(brief);
      await yes();
    };
    await inTime(refused, async () => (await trouble.count()) > 0, 'refused');
    assert.ok(await tagNow(), 'it is there still');
    await accessible('an image that somebody else has replaced');
    await page.unroute('**/api/v1/images');
    await go('on-air');
    await go('settings');
    await page.locator(`img[src*="${encodeURIComponent(await tagNow())}"]`).waitFor();
    const keep = async () => {
      await end.click(brief);
      await question().getByRole('button', { name: 'Keep' }).click(brief);
    };
    await inTime(keep, async () => (await question().count()) === 0, 'kept');
    await row().waitFor();
    await inTime(refused, async () => (await row().count()) === 0, 'deleted');
    assert.equal((await fetch(`${url}${IMAGE}`)).status, 404);
    await part('images').getByText('This box has no image').waitFor();
    await page.unroute(`**${IMAGE}`);
    await choose(Buffer.alloc(3_000_000), 'poster.png');
    await part('images').getByText('An image has at most 2.1 MB').waitFor();
    assert.ok(await send.isDisabled(), 'too large a one is not sent');
    await page.reload();
  });

  test('a freeze holds an image, and who may breaks the glass', async () => {
    await go('settings');
    await page.route(`**${IMAGE}`, (route) => {
      const { override } = route.request().headers();
      const json = { title: 'Frozen', detail: 'by ada: Cup final', code: 'frozen', status: 423 };
      return override
        ? route.continue()
        : route.fulfill({ status: 423, contentType: 'application/problem+json', json });
    });
    await choose(RED);
    await part('images').getByRole('button', { name: 'Send an image' }).click();
    const glass = page.locator('[data-band="glass"]');
    await glass.getByText(`Send the image ${NAME} was not done`).waitFor();
    await accessible('an image that a freeze holds');
    await page.getByLabel('Why it cannot wait').fill('the logo is wrong');
    await glass.getByRole('button', { name: /Break the glass/ }).click();
    await row().waitFor();
    await page.unroute(`**${IMAGE}`);
    const end = async () => {
      await row().getByRole('button').click(brief);
      await yes();
    };
    await inTime(end, async () => (await row().count()) === 0, 'deleted');
  });

  test('keys for Companion: what they show, and addresses that lead there', async () => {
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await go('settings');
    await part('surfaces').getByText('No tally display and no OSC').waitFor();
    const keys = part('surface-keys');
    assert.equal(await keys.getByLabel('Base address', { exact: true }).inputValue(), url);
    const mine = keys.locator(`details[data-keys="${channel}"]`);
    await mine.locator('summary').click();
    const key = mine.locator('tr', { hasText: `${channel}.slate` });
    await key.waitFor();
    await accessible('keys of a channel');
    await key.getByRole('button', { name: /Copy Address of what/ }).click();
    await key.getByText('✓ copied').first().waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(copied, `/api/v1/surfaces/buttons/${channel}.slate`);
    assert.equal((await (await fetch(`${url}${copied}`)).json()).id, `${channel}.slate`);
    const field = key.locator('input[aria-label^="Address of a press"]');
    const press = await field.inputValue();
    assert.equal(press, `/api/v1/channels/${channel}/slate`);
    // Without a clipboard it is marked, to be copied by hand.
    await page.evaluate(() => Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true }));
    await key.getByRole('button', { name: /Copy Address of a press/ }).click();
    await key.getByText('copy it by hand').waitFor();
    const marked = await field.evaluate((node) => [
      document.activeElement === node,
      node.value.slice(node.selectionStart, node.selectionEnd),
    ]);
    assert.deepEqual(marked, [true, press]);
    await page.reload();
  });

  test('displays and OSC say how they stand', async () => {
    const wall = { name: 'wall', address: '10.0.0.9:8900', displays: 3, packets: 1700, failures: 2, last_error: null };
    const osc = { listen: '10.0.0.1:8010', last_error: 'address in use', done: 5, refused: 1, strangers: 2, noise: 4 };
    await page.route('**/api/v1/surfaces', (route) => route.fulfill({ json: { tsl: [wall], osc } }));
    await go('on-air');
    await go('settings');
    await until(
      () => part('surfaces').textContent(),
      (text) =>
        /wall10\.0\.0\.9:8900✓ is told.*▲ FAILSaddress in use.*5 done, 1 refused, 2 of strangers, 4 no order/s.test(
          text,
        ),
      'all of it',
    );
    await accessible('displays and OSC');
    await page.unroute('**/api/v1/surfaces');
  });

  test('the certificate says until when, and its files are read anew after a question', async () => {
    await go('settings');
    await part('certificate').getByText('not encrypted').waitFor();
    const day = 86_400_000;
    const at = (days) => new Date(Date.now() + days * day).toISOString();
    const shown = (ends, more) => ({
      origin: 'own',
      names: ['studio-a', '127.0.0.1'],
      issuer: 'CN=Uplink appliance',
      begins: at(-90),
      ends: at(ends),
      renew_by: at(ends - 14),
      fingerprint: 'AB:CD',
      ...more,
    });
    for (const [state, said, one] of [
      ['good', /✓ Good for 60 days more.*this box itself/s, shown(60.5)],
      ['soon', /▲ ENDS in 9 days.*files of the configuration/s, shown(9.5, { origin: 'files' })],
      ['over', /⬣ OVER since/, shown(-1)],
      ['early', /⬣ NOT GOOD YET/, shown(60, { begins: at(1) })],
    ]) {
      await page.route('**/api/v1/certificate', (route) =>
        route.fulfill({ json: { encrypted: true, certificates: [one] } }),
      );
      await go('on-air');
      await go('settings');
      await part('certificate').locator(`[data-validity="${state}"]`).waitFor();
      assert.match(await part('certificate').textContent(), said);
      await accessible(`a certificate: ${state}`);
    }
    const { config } = await (await fetch(`${url}/api/v1/status`)).json();
    const generation = async () => (await (await fetch(`${url}/api/v1/status`)).json()).config.generation;
    const read = async () => {
      await part('certificate').getByRole('button', { name: 'Read configuration' }).click(brief);
      await yes();
    };
    await inTime(read, async () => (await generation()) > config.generation, 'read anew');
    await part('certificate').getByText('✓ the configuration is in force').waitFor();
    await page.unroute('**/api/v1/certificate');
  });
}
