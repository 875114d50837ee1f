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

let browser;
let page;
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
    page = await browser.newPage();
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

/** What the page's tracks hold: from the pictures (hls.js marks that track) and from WebVTT. */
const cues = () =>
  page.evaluate(() => {
    const video = document.querySelector('video');
    const of = (wanted) =>
      [...video.textTracks]
        .filter((track) => Boolean(track.textTrack1) === wanted)
        .flatMap((track) => [...(track.cues ?? [])])
        .map(({ startTime, endTime, text }) => ({ startTime, endTime, text }));
    const tracks = [...video.textTracks].map(({ kind, label, language }) => ({ kind, label, language }));
    return { pictures: of(true), text: of(false), tracks, at: video.currentTime };
  });

test('words are shown when they are said, from pictures and from WebVTT', { timeout: 120_000 }, async () => {
  await page.goto(`${base}/watch/${channel}`);
  await page.waitForFunction(() => globalThis.uplinkPlayer?.state === 'playing', null, { timeout: 60_000 });
  // A track that is wanted is fetched.
  await page.waitForFunction(
    () => {
      const tracks = [...document.querySelector('video').textTracks];
      for (const track of tracks) track.mode = 'showing';
      return tracks.some((track) => track.textTrack1) && tracks.some((track) => !track.textTrack1);
    },
    null,
    { timeout: 60_000 },
  );
  const unescaped = (text) => text.replaceAll('&amp;', '&').replaceAll('&lt;', '<').replaceAll('&gt;', '>');
  const said = (list) => list.filter((cue) => unescaped(cue.text).includes(words));
  let found;
  for (let tries = 0; tries < 600; tries += 1) {
    found = await cues();
    // Of WebVTT the first piece: what goes on in the next segment begins there.
    const first = said(found.text).filter(
      (cue) => !found.text.some((other) => other.text === cue.text && Math.abs(other.endTime - cue.startTime) < 0.05),
    );
    const pairs = said(found.pictures).flatMap((one) => first.map((other) => [one, other]));
    const pair = pairs.find(([one, other]) => Math.abs(one.startTime - other.startTime) < APART);
    if (pair) {
      const [one, other] = pair.map((cue) => cue.startTime);
      console.log(`# in the pictures at ${one.toFixed(3)} s, in WebVTT at ${other.toFixed(3)} s`);
      return;
    }
    await new Promise((done) => setTimeout(done, 100));
  }
  assert.fail(`never at the same time: ${JSON.stringify(found, null, 1)}`);
});

test('the tracks carry the name that the stream class gives, and nothing failed', async () => {
  const { tracks } = await cues();
  assert.ok(tracks.length >= 2, JSON.stringify(tracks));
  for (const track of tracks) assert.deepEqual([track.label, track.language], ['English', 'en']);
  const { errors } = await page.evaluate(() => structuredClone(globalThis.uplinkPlayer));
  assert.deepEqual(
    errors.filter((error) => error.fatal),
    [],
  );
});
