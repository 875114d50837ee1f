// What the panel costs: bundle, first paint, processor of Chromium with 16 channels on air (their meters twenty times a
// second, a picture of each), and whether its memory stays flat over an hour that is pressed into minutes. Prints one JSON
// document; asserts nothing.
//   node tests/load.mjs [SECONDS [CHANNELS [SPEED]]]      after `npm run build`
import { readdir, readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { crowd } from './crowd.mjs';

const seconds = Number(process.argv[2] ?? 60);
const many = Number(process.argv[3] ?? 16);
const speed = Number(process.argv[4] ?? 1);
const dist = new URL('../dist/', import.meta.url);

/** Processor time of the browser and all it has started, seconds, by what each process is. */
async function spent(root) {
  const found = new Map();
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const text = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    if (fields.length <= 12) continue;
    const ticks = Number(fields[11]) + Number(fields[12]);
    const line = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
    const kind = line.match(/--utility-sub-type=(\w+)/)?.[1] ?? line.match(/--type=([\w-]+)/)?.[1] ?? 'browser';
    found.set(Number(entry), { parent: Number(fields[1]), ticks, kind });
  }
  const mine = (id) => id === root || (found.has(id) && found.get(id).parent > 1 && mine(found.get(id).parent));
  const sums = {};
  for (const [id, { ticks, kind }] of found) if (mine(id)) sums[kind] = (sums[kind] ?? 0) + ticks / 100;
  return sums;
}

const service = await chromium.launchServer({
  executablePath: process.env.UPLINK_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
const browser = await chromium.connect(service.wsEndpoint());
const page = await browser.newPage({ viewport: { width: 1920, height: 1080 } });
// As large as the daemon's confidence pictures.
await page.setContent('<div style="width:320px;height:180px;background:linear-gradient(red,blue)"></div>');
const played = await crowd(many, await page.locator('div').screenshot({ type: 'jpeg' }), speed);
await page.goto(played.url);
await page.locator('.tile canvas').first().waitFor();
const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
const session = await page.context().newCDPSession(page);
/** The least of some: what comes between collection and question, a document of all channels, is no growth. */
const heap = async () => {
  let least = Number.POSITIVE_INFINITY;
  for (let time = 0; time < 20; time += 1) {
    await session.send('HeapProfiler.collectGarbage');
    least = Math.min(least, (await session.send('Runtime.getHeapUsage')).usedSize);
    await page.waitForTimeout(40);
  }
  return least;
};

/** Cores by what used them, from `before` to now. */
async function cores(before) {
  const [took, now] = [(performance.now() - before.at) / 1000, await spent(service.process().pid)];
  const by = Object.entries(now).map(([kind, sum]) => [kind, (sum - (before.spent[kind] ?? 0)) / took]);
  return { all: by.reduce((sum, [, one]) => sum + one, 0), by };
}

/** Looks at one page after the other, as an operator's hands do, each for so long; the first is On Air. */
async function walk(ms) {
  for (const place of ['on-air', 'channels/channel-3', 'timeline', 'wall', 'destinations']) {
    await turn(place);
    await page.waitForTimeout(ms);
  }
}

const turn = (place) =>
  page.evaluate((to) => {
    location.hash = `#/${to}`;
  }, place);

/** Fifths of the time, each its cores and its heap, which is always that of the same page. */
async function fifths() {
  const found = [];
  const share = (seconds * 1000) / 5;
  // What is compiled when a page is opened first is no growth either.
  if (speed > 1) for (let round = 0; round < 3; round += 1) await walk(1000);
  for (let part = 0; part < 5; part += 1) {
    const before = { spent: await spent(service.process().pid), at: performance.now() };
    if (speed > 1) await walk(share / 5);
    else await page.waitForTimeout(share);
    const used = await cores(before);
    await turn('on-air');
    await page.locator('.tile canvas').first().waitFor();
    found.push({ used, heap: await heap() });
  }
  return found;
}

await page.waitForTimeout(5000);
const began = performance.now();
const parts = await fifths();
// Of the fifth in the middle: what else the machine does for a while is not the panel's.
const { used } = [...parts].sort((a, b) => a.used.all - b.used.all)[2];
const rounded = (value) => Number(value.toFixed(3));
const zipped = async (name) => gzipSync(await readFile(new URL(name, dist))).length;
console.log(
  JSON.stringify({
    bundle_gzip_bytes: (await zipped('panel.js')) + (await zipped('style.css')) + (await zipped('uplot.js')),
    first_paint_ms: Math.round(paint ?? Number.NaN),
    channels: many,
    speed,
    seconds: Math.round((performance.now() - began) / 1000),
    cores: Object.fromEntries(used.by.map(([kind, one]) => [kind, rounded(one)])),
    chromium_cores: rounded(used.all),
    chromium_cores_fifths: parts.map((part) => rounded(part.used.all)),
    heap_bytes: parts.map((part) => part.heap),
    heard: played.counts,
  }),
);
await browser.close();
await service.close();
played.close();
