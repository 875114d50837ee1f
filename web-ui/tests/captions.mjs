// Captions in a real browser: a channel that is on air at UPLINK_BASE says UPLINK_WORDS again and again. hls.js finds them
// in the H.264 (CEA-608) and in the WebVTT rendition; both have to be shown at the same time.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const base = process.env.UPLINK_BASE;
const channel = process.env.UPLINK_CHANNEL ?? 'demo';
const words = process.env.UPLINK_WORDS ?? '';
/** Two decoders may differ by a picture or two. */
const APART = 0.15;

const uncaught = [];
let browser;
let profile = '';

before(
  async () => {
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
    if (profile) await rm(profile, { recursive: true, force: true });
  },
  { timeout: 30_000 },
);

/** A page that plays, with its track number `wanted` shown and no other. */
async function watch(wanted) {
  const page = await browser.newPage();
  page.on('pageerror', (error) => uncaught.push(String(error)));
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) uncaught.push(message.text());
  });
  await page.goto(`${base}/watch/${channel}`);
  await page.waitForFunction(() => globalThis.uplinkPlayer?.state === 'playing', null, { timeout: 60_000 });
  // The track of the pictures comes with the first words in them.
  await page.waitForFunction(() => document.querySelector('video').textTracks.length === 2, null, { timeout: 60_000 });
  await page.evaluate((wanted) => {
    [...document.querySelector('video').textTracks].forEach((track, index) => {
      track.mode = index === wanted ? 'showing' : 'disabled';
    });
  }, wanted);
  return page;
}

const unescaped = (text) => text.replaceAll('&amp;', '&').replaceAll('&lt;', '<').replaceAll('&gt;', '>');

/** When the words come up, in seconds of UTC: what goes on from one segment into the next began before. */
async function begins(page, wanted) {
  const { cues, zero } = await page.evaluate((wanted) => {
    const { playingDate, currentTime } = globalThis.uplinkPlayer;
    const seen = ({ startTime, endTime, text }) => ({ startTime, endTime, text });
    const track = document.querySelector('video').textTracks[wanted];
    return { cues: [...(track.cues ?? [])].map(seen), zero: Date.parse(playingDate) / 1000 - currentTime };
  }, wanted);
  const said = cues.filter((cue) => unescaped(cue.text).includes(words));
  const goesOn = (cue) => said.some((other) => Math.abs(other.endTime - cue.startTime) < 0.05);
  return said.filter((cue) => !goesOn(cue)).map((cue) => zero + cue.startTime);
}

test('words are shown when they are said, from pictures and from WebVTT', { timeout: 180_000 }, async () => {
  const pages = await Promise.all([watch(0), watch(1)]);
  let found;
  for (let tries = 0; tries < 600; tries += 1) {
    found = await Promise.all(pages.map(begins));
    const [one, other] = found;
    const pair = one.flatMap((a) => other.map((b) => [a, b])).find(([a, b]) => Math.abs(a - b) < APART);
    if (pair) {
      console.log(`# as WebVTT ${((pair[0] - pair[1]) * 1000).toFixed(0)} ms later than from the pictures`);
      break;
    }
    await new Promise((done) => setTimeout(done, 100));
  }
  const [one, other] = found;
  assert.ok(
    one.some((a) => other.some((b) => Math.abs(a - b) < APART)),
    `never at the same time: ${JSON.stringify(found)}`,
  );
  for (const page of pages) {
    const [errors, tracks] = await page.evaluate(() => [
      structuredClone(globalThis.uplinkPlayer.errors),
      [...document.querySelector('video').textTracks].map(({ kind, label, language }) => [kind, label, language]),
    ]);
    assert.deepEqual(tracks, Array(2).fill(['captions', 'English', 'en']));
    assert.deepEqual(
      errors.filter((error) => error.fatal),
      [],
    );
  }
  assert.deepEqual(uncaught, []);
});
