// Glass to glass: the player page shows a channel of the test source, whose picture says when it was made (UTC, see
// src/lineup/mark.rs). Each picture that the browser presents is read back from a canvas and compared with the clock.
// Prints one line of JSON. UPLINK_BASE, UPLINK_CHANNEL; UPLINK_SECONDS to measure, after UPLINK_SETTLE to settle.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const base = process.env.UPLINK_BASE;
const channel = process.env.UPLINK_CHANNEL ?? 'demo';
const settle = Number(process.env.UPLINK_SETTLE ?? 15);
const seconds = Number(process.env.UPLINK_SECONDS ?? 60);

const FLAGS = ['--no-sandbox', '--autoplay-policy=no-user-gesture-required', '--disable-gpu', '--no-first-run'];

/** In the page: reads the mark of each presented picture from now on. */
function watchMarks() {
  const [columns, rows, across, down] = [28, 4, 30, 24];
  const video = document.querySelector('video');
  const canvas = new OffscreenCanvas(1, 1);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const marks = { latencies: [], unread: 0 };
  globalThis.uplinkMarks = marks;
  const edge = (index, side, units) => Math.floor(((index + 1) * side) / units);
  const middle = (start, end) => [start + Math.floor((end - start) / 4), end - Math.floor((end - start) / 4)];

  /** The mean of a cell, 0 to 255. */
  const cell = (data, width, height, row, column) => {
    const [top, bottom] = middle(edge(row, height, down), edge(row + 1, height, down));
    const [left, right] = middle(edge(column, width, across), edge(column + 1, width, across));
    let sum = 0;
    for (let y = top; y < bottom; y += 1) for (let x = left; x < right; x += 1) sum += data[(y * width + x) * 4 + 1];
    return sum / ((bottom - top) * (right - left));
  };

  /** UTC in milliseconds modulo 2^40; null where there is no mark. */
  const read = (data, width, height) => {
    let [magic, utc] = [0, 0];
    for (let bit = 0; bit < 88; bit += 1) {
      const mean = cell(data, width, height, Math.floor(bit / columns), bit % columns);
      if (Math.abs(mean - 128) < 37) return null;
      const value = mean > 128 ? 1 : 0;
      if (bit < 8) magic = magic * 2 + value;
      else if (bit >= 48) utc = utc * 2 + value;
    }
    return magic === 0xa6 ? utc : null;
  };

  let last = -1;
  const frame = () => {
    const [width, height] = [video.videoWidth, video.videoHeight];
    const now = Date.now();
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const lines = edge(rows, height, down);
    context.drawImage(video, 0, 0);
    const utc = read(context.getImageData(0, 0, width, lines).data, width, height);
    if (utc === null) marks.unread += 1;
    // A picture that is shown twice counts once: when it came.
    else if (utc !== last) marks.latencies.push((now % 2 ** 40) - utc);
    last = utc ?? last;
    video.requestVideoFrameCallback(frame);
  };
  video.requestVideoFrameCallback(frame);
}

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
  const sorted = marks.latencies.map((millis) => millis / 1000).sort((a, b) => a - b);
  const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
  const rest = { unread: marks.unread, rebuffers: player.rebuffers - before.rebuffers, rendition: player.rendition };
  console.log(JSON.stringify({ pictures: sorted.length, p50: at(0.5), p95: at(0.95), max: sorted.at(-1), ...rest }));
} finally {
  await browser.close();
  await rm(profile, { recursive: true, force: true });
}
