// The player page in a real browser. By itself it starts an origin (UPLINK_ORIGIN_BIN, or target/debug) and a channel,
// and tests outages as well; with UPLINK_BASE (and UPLINK_CHANNEL) it tests a channel that is already on air.
// UPLINK_UNTIL=UTC goes on until the playhead is past that instant. UPLINK_SHOTS=DIR keeps pictures of the page.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { LiveChannel } from './live.mjs';
import { OriginProcess, TOKEN } from './origin.mjs';

const given = process.env.UPLINK_BASE;
const until = process.env.UPLINK_UNTIL;
const channel = process.env.UPLINK_CHANNEL ?? 'demo';
const binary = process.env.UPLINK_ORIGIN_BIN ?? new URL('../../target/debug/uplink-origin', import.meta.url).pathname;
const own = given ? 'skipped: UPLINK_BASE is set, its origin is not ours to stop' : false;

const FLAGS = [
  '--no-sandbox',
  '--autoplay-policy=no-user-gesture-required',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let base = given ?? '';
/** @type {OriginProcess | undefined} */
let origin;
/** @type {LiveChannel | undefined} */
let live;
/** @type {import('playwright-core').BrowserContext} */
let browser;
/** @type {import('playwright-core').Page} */
let page;
let profile = '';
const uncaught = [];
const foreign = [];

before(
  async () => {
    if (!given) {
      origin = await OriginProcess.create(binary);
      await origin.start();
      base = origin.base;
    }
    profile = await mkdtemp(join(tmpdir(), 'uplink-browser-'));
    browser = await chromium.launchPersistentContext(profile, {
      executablePath: process.env.UPLINK_CHROMIUM ?? '/usr/bin/chromium',
      headless: true,
      args: FLAGS,
      viewport: { width: 1000, height: 800 },
    });
    page = await browser.newPage();
    page.on('pageerror', (error) => uncaught.push(String(error)));
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) uncaught.push(message.text());
    });
    page.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith(`${base}/`) && !url.startsWith('blob:') && !url.startsWith('data:')) foreign.push(url);
    });
  },
  { timeout: 60_000 },
);

after(
  async () => {
    await browser?.close();
    await live?.stop();
    await origin?.remove();
    if (profile) await rm(profile, { recursive: true, force: true });
  },
  { timeout: 30_000 },
);

const player = () => page.evaluate(() => structuredClone(globalThis.uplinkPlayer));
const framesOfBrowser = () =>
  page.evaluate(() => document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames);

async function shot(name) {
  if (process.env.UPLINK_SHOTS) await page.screenshot({ path: join(process.env.UPLINK_SHOTS, `${name}.png`) });
}

/** Waits until `state` is shown, in the page's words as well as in its data. */
async function shows(state, within = 30_000) {
  const shown = (wanted) =>
    globalThis.uplinkPlayer?.state === wanted && document.querySelector('#state')?.dataset.state === wanted;
  await page.waitForFunction(shown, state, { timeout: within }).catch(async (error) => {
    throw new Error(`not ${state} in time: ${JSON.stringify(await player())}`, { cause: error });
  });
  await shot(state);
}

/**
 * The picture really moves: the browser's own count of frames, and the date of what is shown, over several seconds. Media
 * time is no measure: hls.js begins it anew where a playlist has nothing in common with the one before.
 */
async function plays() {
  await shows('playing');
  const [frames, before] = [await framesOfBrowser(), await player()];
  const moved = ([count, date]) => {
    const { totalVideoFrames } = document.querySelector('video').getVideoPlaybackQuality();
    return totalVideoFrames > count + 40 && Date.parse(globalThis.uplinkPlayer.playingDate) > Date.parse(date) + 2000;
  };
  await page.waitForFunction(moved, [frames, before.playingDate], { timeout: 20_000 });
  const now = await player();
  assert.ok(now.frames > before.frames, 'the page counts frames, too');
  return now;
}

/** Waits until the playhead is behind segment `number`. */
async function passes(number) {
  const date = () => live.renditions[0].segments.find((segment) => segment.number === number)?.date;
  for (let tries = 0; tries < 600; tries += 1) {
    const { playingDate } = await player();
    if (date() && playingDate && Date.parse(playingDate) > date()) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`segment ${number} was not passed: ${JSON.stringify(await player())}`);
}

test('a page opened too early waits for its channel', { skip: own, timeout: 60_000 }, async () => {
  await page.goto(`${base}/watch/${channel}`);
  await shows('waiting');
  live = new LiveChannel(base, channel, TOKEN);
  await live.start();
});

test('the channel plays: frames advance, and the figures are plausible', { timeout: 90_000 }, async () => {
  if (given) await page.goto(`${base}/watch/${channel}`);
  const now = await plays();
  assert.ok(now.latencySeconds > 0 && now.latencySeconds < 30, `latency ${now.latencySeconds}`);
  assert.ok(now.behindEdgeSeconds > 0 && now.behindEdgeSeconds < 30, `behind the edge ${now.behindEdgeSeconds}`);
  assert.ok(now.bufferSeconds > 0, `buffer ${now.bufferSeconds}`);
  assert.match(now.rendition, /\d+×\d+/);
  assert.deepEqual(
    now.errors.filter((error) => error.fatal),
    [],
  );
  console.log(
    `# latency ${now.latencySeconds.toFixed(2)} s, buffer ${now.bufferSeconds.toFixed(2)} s, ${now.rendition}`,
  );
  await page.click('#sound');
  assert.equal(await page.evaluate(() => document.querySelector('video').muted), false);
});

test('lost segments and a new encoder are played over', { skip: own, timeout: 120_000 }, async () => {
  const before = await player();
  live.lose(1);
  const [lost] = live.lost;
  await passes(lost + 2);
  assert.equal(live.renditions[0].segments.find((segment) => segment.number === lost)?.gap, true);
  await live.replaceEncoder();
  const seam = () => live.renditions[0].segments.find((segment) => segment.seam)?.number;
  while (!seam()) await new Promise((done) => setTimeout(done, 100));
  await passes(seam() + 2);
  const now = await plays();
  console.log(`# over a gap and a seam: ${now.rebuffers - before.rebuffers} rebuffers, ${now.recoveries} recoveries`);
  assert.equal(now.recoveries, before.recoveries, 'no new start was needed');
});

test('who plays a rendition that is left out goes on with another', { skip: own, timeout: 120_000 }, async () => {
  const before = await player();
  assert.match(before.rendition, /320×180/);
  const left = new Date().toISOString();
  live.leaveOut('video-180p');
  const first = live.renditions[0].segments.at(-1).number + 2;
  await passes(first + 6);
  const now = await plays();
  assert.match(now.rendition, /160×90/);
  // Left to itself hls.js tries the best rendition with each segment.
  const gaps = now.errors.filter((error) => error.details === 'fragGap' && error.at > left).length;
  assert.ok(gaps > 0 && gaps < 6, `${gaps} gaps were tried`);
  const [rebuffers, recoveries] = [now.rebuffers - before.rebuffers, now.recoveries - before.recoveries];
  console.log(`# without the best rendition: ${gaps} gaps tried, ${rebuffers} rebuffers, ${recoveries} recoveries`);
  live.leaveOut();
  const back = live.renditions[0].segments.at(-1).number + 2;
  await passes(back + 6);
  console.log(`# ${(await plays()).rendition} when it is back`);
});

test('an origin that goes away and comes back is played again', { skip: own, timeout: 120_000 }, async () => {
  await origin.stop('SIGKILL');
  await shows('offline', 60_000);
  await origin.start();
  await plays();
});

test('a channel whose pictures end is off air, and plays when they come back', {
  skip: own,
  timeout: 120_000,
}, async () => {
  await live.stop();
  // What hls.js does to a playhead that has come to stand behind the edge: the last second is played again and again.
  await page.evaluate(() => {
    const video = document.querySelector('video');
    globalThis.again = setInterval(() => {
      if (video.readyState === 2) video.currentTime -= 1;
    }, 200);
  });
  await shows('off-air', 60_000);
  assert.equal(await page.evaluate(() => document.querySelector('video').paused), true, 'nothing is repeated');
  await page.evaluate(() => clearInterval(globalThis.again));
  live = new LiveChannel(base, channel, TOKEN);
  await live.start();
  await plays();
});

test('it plays on past an instant', { skip: until ? false : 'skipped: UPLINK_UNTIL names none' }, async () => {
  const before = await player();
  const past = (instant) => Date.parse(globalThis.uplinkPlayer?.playingDate ?? '') > Date.parse(instant);
  await page.waitForFunction(past, until, { timeout: 60_000 });
  const now = await plays();
  assert.deepEqual(now.errors, before.errors);
});

test('nothing went wrong unseen, and no foreign host was asked', async () => {
  assert.deepEqual(uncaught, []);
  assert.deepEqual(foreign, []);
});
