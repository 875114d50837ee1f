// A player in a real browser across the death of something behind it. The channel shows the test source, whose pictures say
// which one they are (marks.mjs).
//   UPLINK_BASES    origins, with spaces between: one is played by its player page, several as one programme with redundant
//                   variants (rfc8216bis, 4.4.6.2), by hls.js as the player page has it
//   UPLINK_CHANNEL  the channel, whose pictures come UPLINK_RATE times a second
//   UPLINK_SIGNS    a directory: `plays` is put there when it plays, `killed` (UTC) is waited for
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { watchMarks } from './marks.mjs';

const bases = (process.env.UPLINK_BASES ?? '').split(' ').filter(Boolean);
const channel = process.env.UPLINK_CHANNEL ?? 'a';
const rate = Number(process.env.UPLINK_RATE ?? 25);
const signs = process.env.UPLINK_SIGNS ?? '';
const FLAGS = ['--no-sandbox', '--autoplay-policy=no-user-gesture-required', '--disable-gpu', '--no-first-run'];
/** It plays on for so long, media time: longer than any buffer that was full when something died. */
const ON_MS = 8000;
const PATIENCE = { timeout: 60_000 };

let server;
let browser;
let page;
let profile = '';

/** Every rendition at every origin: the second has groups of its own. */
async function both() {
  const text = await (await fetch(`${bases[0]}/live/${channel}/multivariant.m3u8`)).text();
  const at = (base, place) => {
    const there = (uri) => `${base}/live/${channel}/${uri}`;
    const lines = text
      .split('\n')
      .filter((line) => line !== '' && !/^#(EXTM3U|EXT-X-(VERSION|INDEPENDENT))/.test(line));
    return lines.map((line) =>
      line.startsWith('#')
        ? line
            .replace(/\bURI="([^"]+)"/, (_, uri) => `URI="${there(uri)}"`)
            .replace(/\b(GROUP-ID|AUDIO|SUBTITLES)="([^"]+)"/g, `$1="$2-${place}"`)
        : there(line),
    );
  };
  return ['#EXTM3U', '#EXT-X-VERSION:6', ...bases.flatMap(at), ''].join('\n');
}

async function answer(request, response) {
  const give = (kind, body) => response.writeHead(200, { 'content-type': kind }).end(body);
  if (request.url === '/') {
    return give('text/html', '<!doctype html><video muted autoplay></video><script src="/hls.js"></script>');
  }
  if (request.url === '/both.m3u8') return give('application/vnd.apple.mpegurl', await both());
  if (request.url !== '/hls.js') return response.writeHead(404).end();
  return give('text/javascript', await readFile(new URL('../player/vendor/hls.min.js', import.meta.url)));
}

/** In the page: plays, with the same face as the player page as far as it is read here. */
function play() {
  const { Hls } = globalThis;
  const video = document.querySelector('video');
  const face = { state: 'loading', errors: [], origins: [] };
  globalThis.uplinkPlayer = face;
  const retry = { maxNumRetry: 1, retryDelayMs: 200, maxRetryDelayMs: 200 };
  const policy = { maxTimeToFirstByteMs: 3000, maxLoadTimeMs: 6000, timeoutRetry: retry, errorRetry: retry };
  const hls = new Hls({ playlistLoadPolicy: { default: policy }, fragLoadPolicy: { default: policy } });
  hls.on(Hls.Events.ERROR, (_, { type, details, fatal }) => {
    face.errors.push({ details, fatal });
    // An origin that is to take over may not have begun.
    if (fatal && type === Hls.ErrorTypes.NETWORK_ERROR) setTimeout(() => hls.startLoad(), 300);
    else if (fatal) face.state = details;
  });
  hls.on(Hls.Events.FRAG_BUFFERED, (_, { frag }) => face.origins.push(new URL(frag.url).origin));
  video.addEventListener('playing', () => {
    face.state = 'playing';
  });
  hls.loadSource('/both.m3u8');
  hls.attachMedia(video);
}

before(
  async () => {
    server = createServer((request, response) => {
      answer(request, response).catch(() => response.writeHead(502).end());
    });
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    profile = await mkdtemp(join(tmpdir(), 'uplink-across-'));
    browser = await chromium.launchPersistentContext(profile, {
      executablePath: process.env.UPLINK_CHROMIUM ?? '/usr/bin/chromium',
      headless: true,
      args: FLAGS,
      viewport: { width: 1000, height: 800 },
    });
    page = await browser.newPage();
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

const seen = () =>
  page.evaluate(() => ({
    marks: structuredClone(globalThis.uplinkMarks),
    player: structuredClone(globalThis.uplinkPlayer),
    paused: document.querySelector('video').paused,
  }));

/** Waits for what is true in the page; else says how it was. */
async function shows(wanted, argument, what) {
  await page.waitForFunction(wanted, argument, PATIENCE).catch(async (error) => {
    const { marks, player } = await seen();
    const last = marks?.pictures.at(-1);
    throw new Error(`not in time: ${what}: ${JSON.stringify({ last, player, ...marks, pictures: undefined })}`, {
      cause: error,
    });
  });
}

/** UTC of a picture, from its mark and the clock. */
const instant = ({ at, utc }) => at - ((at % 2 ** 40) - utc);

async function killed() {
  for (let tries = 0; tries < 1200; tries += 1) {
    const at = Date.parse(await readFile(join(signs, 'killed'), 'utf8').catch(() => ''));
    if (Number.isFinite(at)) return at;
    await page.waitForTimeout(50);
  }
  throw new Error('nothing was killed');
}

/** Each picture is behind the one before, and as far as media time says; what media time has is decoded. */
function wholeness(pictures) {
  const [first, last] = [pictures[0], pictures.at(-1)];
  const media = (picture) => Math.round((picture.media - first.media) * rate);
  const steps = pictures.slice(1).map((picture, place) => picture.frame - pictures[place].frame);
  // A source that got no processor in time shows a picture again, and then a later one.
  const drifts = pictures.map((picture) => Math.abs(picture.frame - first.frame - media(picture)));
  return {
    backwards: steps.filter((step) => step <= 0).length,
    drift: Math.max(...drifts),
    missing: media(last) - (last.decoded - first.decoded),
  };
}

test('it plays across the death of something', { timeout: 175_000 }, async () => {
  if (bases.length === 1) {
    await page.goto(`${bases[0]}/watch/${channel}`);
  } else {
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    await page.evaluate(play);
  }
  await shows(() => globalThis.uplinkPlayer?.state === 'playing', null, 'it plays');
  await page.evaluate(watchMarks);
  await shows(() => globalThis.uplinkMarks.pictures.length >= 50, null, 'marks are read');
  const before = await seen();
  await writeFile(join(signs, 'plays'), '');
  const at = await killed();
  const behind = (wanted) => {
    const last = globalThis.uplinkMarks.pictures.at(-1);
    return last && last.at - ((last.at % 2 ** 40) - last.utc) > wanted;
  };
  await shows(behind, at + ON_MS, 'pictures of well behind the death');

  const { marks, player, paused } = await seen();
  const { pictures, unread, waits, seeks } = marks;
  const after = pictures.filter((picture) => instant(picture) > at);
  const { backwards, drift, missing } = wholeness(pictures);
  const later = player.errors.slice(before.player.errors.length);
  const sum = {
    pictures: pictures.length,
    after: after.length,
    unread,
    missing,
    drift,
    waits,
    seeks,
    errors: later.length,
  };
  console.log(`seen ${JSON.stringify(sum)}`);
  assert.equal(paused, false);
  assert.equal(player.state, 'playing');
  assert.ok(after.length >= 50, 'pictures go on');
  // Those of the smallest rendition are at the edge of what can be read.
  assert.ok(unread < pictures.length, 'marks can be read');
  assert.equal(backwards, 0, 'no picture is shown again');
  // Pictures are decoded ahead of what is shown, not always as many: a segment has more.
  assert.ok(Math.abs(missing) < 20, `${missing} pictures are missing`);
  assert.equal(seeks, 0, 'nothing is passed over');
  assert.ok(drift < rate, `a picture stands ${drift} frames from its place`);
  if (bases.length === 1) {
    assert.deepEqual([later, player.recoveries], [[], before.player.recoveries], 'the page notices nothing');
  } else {
    const [primary, backup] = bases;
    assert.ok(before.player.origins.every((origin) => origin === primary) && before.player.origins.length > 0);
    assert.equal(player.origins.at(-1), backup, 'what is played comes from the other origin');
  }
});
