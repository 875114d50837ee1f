// Encrypted channels in a real browser. At UPLINK_BASE two channels are on air: UPLINK_WHOLE with AES-128, which hls.js
// plays, and UPLINK_SAMPLES with cbcs, which the browser itself decrypts (EME, ClearKey). Keys lie in UPLINK_KEYS, and
// playlists send players to this test for them: port UPLINK_KEYS_PORT.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const base = process.env.UPLINK_BASE;
const whole = process.env.UPLINK_WHOLE ?? 'a';
const samples = process.env.UPLINK_SAMPLES ?? 'b';
const keys = process.env.UPLINK_KEYS ?? '';
const port = Number(process.env.UPLINK_KEYS_PORT);
const hls = new URL('../player/vendor/hls.min.js', import.meta.url);

/** Keys that were asked for. */
const asked = [];
let server;
let browser;
let profile = '';

async function answer(request, response) {
  const [, directory, channel, id] = new URL(request.url, 'http://localhost').pathname.split('/');
  if (directory === '') {
    response.setHeader('Content-Type', 'text/html');
    return response.end('<!doctype html><video muted autoplay></video><script src="/hls.js"></script>');
  }
  if (directory === 'hls.js') return response.end(await readFile(hls));
  assert.match(id ?? '', /^[0-9a-f]{32}$/);
  asked.push(id);
  return response.end(await readFile(join(keys, channel, id)));
}

before(
  async () => {
    server = createServer((request, response) => {
      answer(request, response).catch(() => response.writeHead(404).end());
    });
    await new Promise((done) => server.listen(port, '127.0.0.1', done));
    profile = await mkdtemp(join(tmpdir(), 'uplink-browser-'));
    browser = await chromium.launchPersistentContext(profile, {
      executablePath: process.env.UPLINK_CHROMIUM ?? '/usr/bin/chromium',
      headless: true,
      args: [
        '--no-sandbox',
        '--autoplay-policy=no-user-gesture-required',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
  },
  { timeout: 60_000 },
);

after(
  async () => {
    await browser?.close();
    server?.close();
    if (profile) await rm(profile, { recursive: true, force: true });
  },
  { timeout: 30_000 },
);

/** Waits until pictures have been shown with two keys; says what there was if that never comes. */
async function playsOverAKeyChange(page) {
  const wanted = () => {
    const { keys: seen, failed } = globalThis.played;
    const { totalVideoFrames, corruptedVideoFrames } = document.querySelector('video').getVideoPlaybackQuality();
    return failed || (seen.size >= 2 && totalVideoFrames > 60 && corruptedVideoFrames === 0);
  };
  const state = () =>
    page.evaluate(() => {
      const video = document.querySelector('video');
      const { keys: seen, failed } = globalThis.played;
      return {
        keys: [...seen],
        failed,
        time: video.currentTime,
        frames: video.getVideoPlaybackQuality().totalVideoFrames,
      };
    });
  await page.waitForFunction(wanted, null, { timeout: 60_000 }).catch(async (error) => {
    throw new Error(`it does not play: ${JSON.stringify(await state())}`, { cause: error });
  });
  const last = await state();
  assert.equal(last.failed, undefined);
  return last;
}

test('hls.js plays whole segments that are encrypted', { timeout: 90_000 }, async () => {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${port}/`);
  await page.evaluate((url) => {
    const played = { keys: new Set(), failed: undefined };
    globalThis.played = played;
    const { Hls } = globalThis;
    const player = new Hls({ enableWorker: false });
    player.on(Hls.Events.ERROR, (_, data) => {
      if (data.fatal) played.failed = data.details;
    });
    player.on(Hls.Events.FRAG_CHANGED, (_, data) => played.keys.add(data.frag.decryptdata?.uri));
    player.loadSource(url);
    player.attachMedia(document.querySelector('video'));
  }, `${base}/live/${whole}/multivariant.m3u8`);
  const { keys: used, frames } = await playsOverAKeyChange(page);
  console.log(`# AES-128: ${frames} frames, ${used.length} keys`);
  for (const uri of used) assert.ok(asked.includes(uri?.split('/').pop()), `${uri} was never asked for`);
  await page.close();
});

/** A player in a page: follows one video and one audio playlist, and gives the browser the keys of what it plays. */
async function play({ base: origin, channel }) {
  const played = { keys: new Set(), failed: undefined };
  globalThis.played = played;
  const text = async (path) => (await fetch(`${origin}/live/${channel}/${path}`)).text();
  const bytes = async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer());
  const encoded = (value) => new TextEncoder().encode(JSON.stringify(value));
  const base64url = (data) =>
    btoa(String.fromCharCode(...data))
      .replaceAll('+', '-')
      .replaceAll('/', '_')
      .replaceAll('=', '');
  const multivariant = await text('multivariant.m3u8');
  const [, codecs, picture] = multivariant.match(/CODECS="([^"]+)",RESOLUTION=.*\n(\S+)/);
  const [, sound] = multivariant.match(/TYPE=AUDIO.*URI="([^"]+)"/);
  const [video, audio] = codecs.split(',');
  const types = [`video/mp4; codecs="${video}"`, `audio/mp4; codecs="${audio}"`];
  const capability = (contentType) => [{ contentType, encryptionScheme: 'cbcs' }];
  const access = await navigator.requestMediaKeySystemAccess('org.w3.clearkey', [
    { initDataTypes: ['keyids'], videoCapabilities: capability(types[0]), audioCapabilities: capability(types[1]) },
  ]);
  const mediaKeys = await access.createMediaKeys();
  const element = document.querySelector('video');
  await element.setMediaKeys(mediaKeys);
  const media = new MediaSource();
  element.src = URL.createObjectURL(media);
  await new Promise((done) => media.addEventListener('sourceopen', done, { once: true }));

  /** The identifier of the key that an initialisation names: `tenc` of ISO/IEC 23001-7. */
  const identifier = (init) => {
    const at = init.findIndex((_, index) => String.fromCharCode(...init.subarray(index, index + 4)) === 'tenc');
    return init.slice(at + 12, at + 28);
  };
  const admitted = new Map();
  const admit = (init, uri) => {
    const kid = base64url(identifier(init));
    if (!admitted.has(kid)) admitted.set(kid, open(kid, uri));
    return admitted.get(kid);
  };
  const open = async (kid, uri) => {
    const k = base64url(await bytes(uri));
    const session = mediaKeys.createSession();
    const message = new Promise((done) => session.addEventListener('message', done, { once: true }));
    await session.generateRequest('keyids', encoded({ kids: [kid] }));
    await message;
    await session.update(encoded({ keys: [{ kty: 'oct', kid, k }], type: 'temporary' }));
  };
  /** Where to begin: media time is UTC. A seek that comes while the browser still sets itself up may be lost. */
  let begin = 0;
  const follow = async (path, type, isPicture) => {
    const buffer = media.addSourceBuffer(type);
    const append = (data) =>
      new Promise((done, failed) => {
        buffer.addEventListener('updateend', done, { once: true });
        buffer.addEventListener('error', () => failed(new Error('append failed')), { once: true });
        buffer.appendBuffer(data);
      });
    const directory = path.slice(0, path.lastIndexOf('/'));
    let next = 0;
    let loaded = '';
    for (;;) {
      let uri = '';
      let map = '';
      let start = 0;
      for (const line of (await text(path)).split('\n')) {
        uri = line.match(/^#EXT-X-KEY:METHOD=SAMPLE-AES,URI="([^"]+)",KEYFORMAT="identity"/)?.[1] ?? uri;
        map = line.match(/^#EXT-X-MAP:URI="([^"]+)"/)?.[1] ?? map;
        start = Date.parse(line.match(/^#EXT-X-PROGRAM-DATE-TIME:(.*)/)?.[1] ?? '') / 1000 || start;
        const number = Number(line.match(/^(\d+)\.m4s$/)?.[1] ?? -1);
        if (number < next) continue;
        if (map !== loaded) {
          const init = await bytes(`${origin}/live/${channel}/${directory}/${map}`);
          await admit(init, uri);
          await append(init);
          loaded = map;
        }
        await append(await bytes(`${origin}/live/${channel}/${directory}/${number}.m4s`));
        if (isPicture && next === 0) begin = start + 0.5;
        if (isPicture) waiting.push({ at: start + 0.5, uri });
        next = number + 1;
      }
      await new Promise((done) => setTimeout(done, 300));
      if (isPicture && element.currentTime < begin) element.currentTime = begin;
    }
  };
  /** What has been appended, and what key it has, until it is played. */
  const waiting = [];
  element.addEventListener('timeupdate', () => {
    while (waiting.length && waiting[0].at < element.currentTime) played.keys.add(waiting.shift().uri);
  });
  const failed = (error) => {
    played.failed = String(error);
  };
  element.addEventListener('error', () => failed(element.error?.message));
  follow(picture, types[0], true).catch(failed);
  follow(sound, types[1], false).catch(failed);
}

test('the browser plays samples that are encrypted', { timeout: 90_000 }, async () => {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${port}/`);
  await page.evaluate(play, { base, channel: samples });
  const { keys: used, frames } = await playsOverAKeyChange(page);
  console.log(`# cbcs: ${frames} frames, ${used.length} keys`);
  await page.close();
});
