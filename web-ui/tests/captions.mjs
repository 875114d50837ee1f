// Captions in a real browser: a channel that is on air at UPLINK_BASE says UPLINK_WORDS again and again. hls.js finds them
// in the WebVTT rendition and shows them at the instant that is written there, and finds them in the H.264 (CEA-608).
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const base = process.env.UPLINK_BASE;
const channel = process.env.UPLINK_CHANNEL ?? 'demo';
const words = process.env.UPLINK_WORDS ?? '';
/** The page's clock is read a few times a second. */
const APART = 0.15;

const uncaught = [];
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

const unescaped = (text) => text.replaceAll('&amp;', '&').replaceAll('&lt;', '<').replaceAll('&gt;', '>');

/** When the words begin, in seconds of UTC, as the segments at the origin say it: by day from playlists, by time from cues. */
async function written() {
  const directory = `${base}/live/${channel}/captions`;
  const playlist = await (await fetch(`${directory}/media.m3u8`)).text();
  const listed = [...playlist.matchAll(/#EXT-X-PROGRAM-DATE-TIME:(\S+)\n#EXTINF:[\d.]+,\n(\d+\.vtt)/g)];
  const starts = [];
  for (const [, date, name] of listed) {
    const midnight = Math.floor(Date.parse(date) / 86_400_000) * 86_400;
    const text = await (await fetch(`${directory}/${name}`)).text();
    for (const [, hours, minutes, seconds, said] of text.matchAll(/(\d+):(\d+):([\d.]+) --> .*\n(.*)/g)) {
      const at = midnight + Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
      if (unescaped(said).includes(words)) starts.push(at);
    }
  }
  return starts;
}

/** When the page shows the words, in seconds of UTC, from whichever track. */
const shown = () =>
  page
    .evaluate(() => {
      const { playingDate, currentTime } = globalThis.uplinkPlayer;
      const tracks = [...document.querySelector('video').textTracks];
      for (const track of tracks) track.mode = 'showing';
      const seen = ({ startTime, text }) => ({ startTime, text });
      const cues = tracks.flatMap((track) => [...(track.cues ?? [])].map(seen));
      return { cues, zero: Date.parse(playingDate) / 1000 - currentTime };
    })
    .then(({ cues, zero }) =>
      cues.filter((cue) => unescaped(cue.text).includes(words)).map((cue) => zero + cue.startTime),
    );

test('words are shown when they are said', { timeout: 180_000 }, async () => {
  page.on('pageerror', (error) => uncaught.push(String(error)));
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) uncaught.push(message.text());
  });
  await page.goto(`${base}/watch/${channel}`);
  await page.waitForFunction(() => globalThis.uplinkPlayer?.state === 'playing', null, { timeout: 60_000 });
  let off = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < 200 && off > APART; tries += 1) {
    const [wanted, found] = await Promise.all([written(), shown()]);
    off = Math.min(...found.flatMap((a) => wanted.map((b) => Math.abs(a - b))));
    await new Promise((done) => setTimeout(done, 300));
  }
  assert.ok(off <= APART, `at another time, or never: ${off} s, ${JSON.stringify([await written(), await shown()])}`);
  console.log(`# ${(off * 1000).toFixed(0)} ms beside the time that is written`);
});

test('the track of the pictures is there, too, and both are named as the stream class says', {
  timeout: 90_000,
}, async () => {
  // hls.js makes it when it has found words in the H.264.
  await page.waitForFunction(() => document.querySelector('video').textTracks.length === 2, null, { timeout: 60_000 });
  const [errors, tracks] = await page.evaluate(() => [
    structuredClone(globalThis.uplinkPlayer.errors),
    [...document.querySelector('video').textTracks].map(({ kind, label, language }) => [kind, label, language]),
  ]);
  assert.deepEqual(tracks, Array(2).fill(['captions', 'English', 'en']));
  assert.deepEqual(
    errors.filter((error) => error.fatal),
    [],
  );
  assert.deepEqual(uncaught, []);
});
