// Glass to glass: the player page shows a channel of the test source, whose picture says when it was made (UTC, see
// marks.mjs). Each picture that the browser presents is read back from a canvas and compared with the clock.
// Prints one line of JSON. UPLINK_BASE, UPLINK_CHANNEL; UPLINK_SECONDS to measure, after UPLINK_SETTLE to settle.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { watchMarks } from './marks.mjs';

const base = process.env.UPLINK_BASE;
const channel = process.env.UPLINK_CHANNEL ?? 'demo';
const settle = Number(process.env.UPLINK_SETTLE ?? 15);
const seconds = Number(process.env.UPLINK_SECONDS ?? 60);

const FLAGS = ['--no-sandbox', '--autoplay-policy=no-user-gesture-required', '--disable-gpu', '--no-first-run'];

const profile = await mkdtemp(join(tmpdir(), 'uplink-latency-'));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.UPLINK_CHROMIUM ?? '/usr/bin/chromium',
  headless: true,
  args: FLAGS,
  viewport: { width: 1000, height: 800 },
});
try {
  const page = await browser.newPage();
  await page.goto(`${base}/watch/${channel}`);
  await page.waitForFunction(() => globalThis.uplinkPlayer?.state === 'playing', undefined, { timeout: 60_000 });
  await page.waitForTimeout(settle * 1000);
  const before = await page.evaluate(() => structuredClone(globalThis.uplinkPlayer));
  await page.evaluate(watchMarks);
  await page.waitForTimeout(seconds * 1000);
  const { marks, player } = await page.evaluate(() => ({
    marks: globalThis.uplinkMarks,
    player: structuredClone(globalThis.uplinkPlayer),
  }));
  const latency = ({ at, utc }) => ((at % 2 ** 40) - utc) / 1000;
  const sorted = marks.pictures.map(latency).sort((a, b) => a - b);
  const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
  const rest = { unread: marks.unread, rebuffers: player.rebuffers - before.rebuffers, rendition: player.rendition };
  console.log(JSON.stringify({ pictures: sorted.length, p50: at(0.5), p95: at(0.95), max: sorted.at(-1), ...rest }));
} finally {
  await browser.close();
  await rm(profile, { recursive: true, force: true });
}
