// Watching a channel live in a real browser, on a box that wants a login: UPLINK_API, UPLINK_CODE (the file with the one-time
// code), UPLINK_CHANNEL (on air, its source the test picture).
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const { UPLINK_API: api, UPLINK_CODE: code, UPLINK_CHANNEL: channel, UPLINK_SHOTS: shots } = process.env;
const FLAGS = ['--no-sandbox', '--disable-gpu', '--autoplay-policy=no-user-gesture-required', '--no-first-run'];
const PASSWORD = 'correct horse battery';
/** As many as may watch at once. */
const MOST = 8;
const axe = await readFile(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

let ada;
let vera;
let browser;
let page;

async function ask(method, path, cookie, body, more = {}) {
  const headers = { cookie, ...more };
  if (body !== undefined) headers['content-type'] = 'application/json';
  const answer = await fetch(`${api}${path}`, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  const json = text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : null;
  // What viewers would notice is confirmed.
  if (answer.status === 428) return ask(method, path, cookie, body, { confirm: json.confirm.token });
  return {
    status: answer.status,
    json,
    cookie: answer.headers.get('set-cookie')?.split(';')[0],
    headers: answer.headers,
  };
}

const status = async () => (await ask('GET', `/api/v1/channels/${channel}`, ada)).json;

async function until(what, look, good = Boolean, limit = 60_000) {
  const end = performance.now() + limit;
  let seen;
  do {
    seen = await look().catch((error) => error);
    if (good(seen)) return seen;
    await new Promise((resolve) => setTimeout(resolve, 100));
  } while (performance.now() < end);
  assert.fail(`${what}: ${JSON.stringify(seen)}`);
}

/** Of the page: reads the marks of the pictures that it shows (src/lineup/mark.rs) from now on. */
function readMarks() {
  const [columns, across, down] = [28, 30, 24];
  const edge = (index, side, units) => Math.floor(((index + 1) * side) / units);
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const marks = [];
  window.marks = marks;
  const read = (video) => {
    const [width, height] = [video.videoWidth, video.videoHeight];
    Object.assign(canvas, { width, height });
    context.drawImage(video, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    let [magic, utc] = [0, 0];
    for (let bit = 0; bit < 88; bit += 1) {
      const [row, column] = [Math.floor(bit / columns), bit % columns];
      const y = Math.floor((edge(row, height, down) + edge(row + 1, height, down)) / 2);
      const x = Math.floor((edge(column, width, across) + edge(column + 1, width, across)) / 2);
      const value = data[(y * width + x) * 4 + 1] > 128 ? 1 : 0;
      if (bit < 8) magic = magic * 2 + value;
      else if (bit >= 48) utc = utc * 2 + value;
    }
    return magic === 0xa6 ? utc : null;
  };
  const frame = () => {
    const video = document.querySelector('.watched video');
    if (!video) return;
    const utc = read(video);
    const late = (Date.now() % 2 ** 40) - utc;
    if (utc !== null && Math.abs(late) < 60_000) marks.push([utc, late]);
    video.requestVideoFrameCallback(frame);
  };
  document.querySelector('.watched video').requestVideoFrameCallback(frame);
}

/** Of a page: a session without the panel; what became of it. */
async function session(path) {
  const peer = new RTCPeerConnection();
  for (const kind of ['video', 'audio']) peer.addTransceiver(kind, { direction: 'recvonly' });
  await peer.setLocalDescription();
  const headers = { 'content-type': 'application/sdp' };
  const answer = await fetch(path, { method: 'POST', headers, body: peer.localDescription.sdp });
  if (answer.status !== 201) {
    peer.close();
    return { status: answer.status, code: (await answer.json()).code };
  }
  await peer.setRemoteDescription({ type: 'answer', sdp: await answer.text() });
  window.sessions ??= {};
  const at = answer.headers.get('location');
  window.sessions[at] = peer;
  return { status: 201, at, tag: answer.headers.get('etag') };
}

/** Of a page: what a session has received. */
async function received(at) {
  const seen = { state: window.sessions[at].connectionState, video: 0, audio: 0, decoded: 0, energy: 0 };
  for (const report of (await window.sessions[at].getStats()).values()) {
    if (report.type !== 'inbound-rtp') continue;
    seen[report.kind] = report.bytesReceived;
    if (report.kind === 'video') seen.decoded = report.framesDecoded;
    else seen.energy = report.totalAudioEnergy;
  }
  return seen;
}

const path = `/api/v1/channels/${channel}/whep`;
const tile = () => page.locator(`.tile[data-channel="${channel}"]`);
const watched = (stand) => tile().locator(`.watched.is-${stand}`);
const press = () => tile().getByRole('button', { name: 'Live picture of' }).click();
const shot = async (name) => shots && (await page.screenshot({ path: `${shots}/live-${name}.png` }));

async function accessible(what) {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
    const { violations } = await globalThis.axe.run(document, { runOnly: { type: 'tag', values: tags } });
    return violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).slice(0, 3)}`);
  });
  assert.deepEqual(found, [], what);
}

/** A page of the box that is not the panel, with this cookie. */
async function plain(cookie) {
  const context = await browser.newContext();
  const [name, value] = cookie.split('=');
  await context.addCookies([{ name, value, url: api, httpOnly: true, sameSite: 'Strict' }]);
  const one = await context.newPage();
  await one.goto(`${api}/api/`);
  return one;
}

before(async () => {
  const first = { code: (await readFile(code, 'utf8')).trim(), name: 'ada', password: PASSWORD };
  ada = (await ask('POST', '/api/v1/setup', '', first)).cookie;
  await ask('POST', '/api/v1/users', ada, { name: 'vera', role: 'viewer', password: PASSWORD });
  vera = (await ask('POST', '/api/v1/session', '', { name: 'vera', password: PASSWORD })).cookie;
  assert.ok(ada && vera);
  await until('on air', status, (seen) => seen?.on_air);
  browser = await chromium.launch({ executablePath: process.env.UPLINK_CHROMIUM || '/usr/bin/chromium', args: FLAGS });
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB' });
  const [name, value] = vera.split('=');
  await context.addCookies([{ name, value, url: api, httpOnly: true, sameSite: 'Strict' }]);
  page = await context.newPage();
  page.setDefaultTimeout(60_000);
  page.on('console', (message) => message.type() === 'error' && console.log(`# page: ${message.text()}`));
});

after(() => browser?.close());

test('nobody watches without a login', async () => {
  const answer = await fetch(`${api}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/sdp' },
    body: 'v=0',
  });
  assert.equal(answer.status, 401);
  assert.equal((await answer.json()).code, 'login_required');
  assert.equal((await ask('DELETE', `${path}/0123`, '')).status, 401);
});

test('a viewer sees the program move, and how far behind it is; sound only when asked for', async () => {
  await page.goto(api);
  await tile().locator('.picture img').waitFor();
  assert.equal(await page.locator('video').count(), 0, 'the confidence picture is the default');
  await press();
  await watched('live').waitFor();
  await page.evaluate(readMarks);
  const marks = await until(
    'pictures',
    () => page.evaluate(() => window.marks),
    (seen) => seen.length >= 100,
  );
  const each = marks.map(([utc]) => utc);
  assert.ok(
    new Set(each).size > 50 && each.every((utc, n) => n === 0 || utc >= each[n - 1]),
    'time goes on in the picture',
  );
  const late = marks.map(([, millis]) => millis).sort((a, b) => a - b);
  console.log(
    `# ${marks.length} pictures, behind: p50 ${late[late.length >> 1]} ms, p95 ${late[Math.floor(late.length * 0.95)]} ms`,
  );
  const said = await until(
    'the delay in words',
    () => watched('live').locator('.word').textContent(),
    (text) => /LIVE, .* behind/.test(text),
  );
  console.log(`# said: ${said}`);
  const muted = () => page.evaluate(() => document.querySelector('.watched video').muted);
  assert.equal(await muted(), true);
  const sound = tile().getByRole('button', { name: 'Sound of' });
  await sound.click();
  await until('heard', muted, (seen) => seen === false);
  assert.equal(await sound.getAttribute('aria-pressed'), 'true');
  await accessible('live');
  await shot('live');
  assert.equal((await status()).report.program.missed, 0, 'no frame of the program is missing');
});

test('by keyboard: off and on; the confidence picture is there again', async () => {
  await tile().focus();
  await page.keyboard.press('F2');
  await watched('off').waitFor();
  assert.equal(await page.locator('video').count(), 0);
  await tile().locator('.picture img').waitFor();
  await page.keyboard.press('F2');
  await watched('live').waitFor();
});

test('a worker that is killed: not live, in words, over a picture with its age; and live again by itself', async () => {
  process.kill((await status()).worker.pid, 'SIGKILL');
  const from = performance.now();
  await watched('lost').waitFor();
  console.log(`# killed to not live: ${Math.round(performance.now() - from)} ms`);
  assert.match(await watched('lost').locator('.word').textContent(), /NOT LIVE/);
  assert.equal(await page.locator('video').count(), 0, 'the last picture stands still and is not shown');
  await watched('live').waitFor();
  console.log(`# killed to live again: ${Math.round(performance.now() - from)} ms`);
});

test('a channel that goes off air is not live', async () => {
  const stopped = await ask('POST', `/api/v1/channels/${channel}/stop`, ada, {});
  assert.equal(stopped.status, 200, JSON.stringify(stopped.json));
  await watched('lost').waitFor();
  assert.equal(await page.locator('video').count(), 0);
  await until(
    'why',
    () => watched('lost').locator('.word').textContent(),
    (text) => /no worker/.test(text),
  );
  await shot('lost');
  await accessible('lost');
  const refused = await (await plain(vera)).evaluate(session, path);
  assert.deepEqual(refused, { status: 409, code: 'off_air' });
  await ask('POST', `/api/v1/channels/${channel}/start`, ada, {});
  await watched('live').waitFor();
  await press();
  await watched('off').waitFor();
});

/** Threads, open files and memory of the worker. */
async function load() {
  const { pid } = (await status()).worker;
  const [threads, files] = [await readdir(`/proc/${pid}/task`), await readdir(`/proc/${pid}/fd`)];
  const memory = /VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'));
  return { threads: threads.length, files: files.length, megabytes: Number(memory[1]) / 1024 };
}

test('so many watch and no more; nothing is left of them', async () => {
  const one = await plain(vera);
  const open = async () => {
    const begun = await one.evaluate(session, path);
    assert.equal(begun.status, 201, JSON.stringify(begun));
    assert.match(begun.tag, /^"[0-9a-f]{32}"$/);
    return begun.at;
  };
  const decodes = (at) =>
    until(
      'pictures',
      () => one.evaluate(received, at),
      (seen) => seen.decoded > 5 && seen.audio > 0,
    );
  const leave = async (at) => {
    assert.equal((await ask('DELETE', at, vera)).status, 200);
    assert.equal((await ask('DELETE', at, vera)).status, 404, 'it was ended');
    await one.evaluate((session) => window.sessions[session].close(), at);
  };
  const all = [];
  for (let n = 0; n < MOST; n += 1) all.push(await open());
  for (const at of all) await decodes(at);
  assert.deepEqual(await one.evaluate(session, path), { status: 503, code: 'too_many_watchers' });
  assert.equal((await ask('DELETE', all[0], ada)).status, 404, 'a session is nobody else’s');
  for (const at of all) await leave(at);
  const rest = await until('the worker is at rest', load, (seen) => seen.threads > 0);
  let before = rest;
  // What was in use for eight is given back, for as long as it falls.
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const now = await load();
    if (now.threads >= before.threads && now.files >= before.files) break;
    before = now;
  }
  for (let n = 0; n < 20; n += 1) {
    const at = await open();
    await until(
      'connected',
      () => one.evaluate(received, at),
      (seen) => seen.audio > 0,
    );
    await leave(at);
  }
  const after = await until(
    'nothing is left',
    load,
    (seen) => seen.threads <= before.threads && seen.files <= before.files,
  );
  console.log(`# at first ${JSON.stringify(before)}, after 20 sessions ${JSON.stringify(after)}`);
  assert.ok(after.megabytes < before.megabytes + 16, 'memory grows with sessions');
  assert.equal((await status()).report.program.missed, 0, 'no frame of the program is missing');
});

test('who is logged out watches no longer', async () => {
  const one = await plain(vera);
  const { at } = await one.evaluate(session, path);
  await until(
    'pictures',
    () => one.evaluate(received, at),
    (seen) => seen.decoded > 5,
  );
  assert.equal((await ask('DELETE', '/api/v1/session', vera)).status, 204);
  await until('nothing more comes', async () => {
    const before = await one.evaluate(received, at);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const now = await one.evaluate(received, at);
    return now.video === before.video && now.audio === before.audio;
  });
  assert.equal((await one.evaluate(session, path)).status, 401);
});
