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
const heap = async () => {
  await session.send('HeapProfiler.collectGarbage');
  return (await session.send('Runtime.getHeapUsage')).usedSize;
};

/** Fifths of the time, each its heap after a collection; at a `speed` the pages change as under an operator's hands. */
async function fifths() {
  const heaps = [];
  const places = ['on-air', 'channels/channel-3', 'timeline', 'wall', 'destinations'];
  for (let part = 0; part < 5; part += 1) {
    for (const place of speed === 1 ? ['on-air'] : places) {
      await page.evaluate((to) => {
        location.hash = `#/${to}`;
      }, place);
      await page.waitForTimeout((seconds * 1000) / 5 / (speed === 1 ? 1 : places.length));
    }
    // Always of the same page.
    await page.evaluate(() => {
      location.hash = '#/on-air';
    });
    await page.locator('.tile canvas').first().waitFor();
    heaps.push(await heap());
  }
  return heaps;
}

await page.waitForTimeout(5000);
const from = { spent: await spent(service.process().pid), at: performance.now() };
const heaps = await fifths();
const took = (performance.now() - from.at) / 1000;
const now = await spent(service.process().pid);
const cores = Object.fromEntries(
  Object.entries(now).map(([kind, sum]) => [kind, Number(((sum - (from.spent[kind] ?? 0)) / took).toFixed(3))]),
);
const zipped = async (name) => gzipSync(await readFile(new URL(name, dist))).length;
console.log(
  JSON.stringify({
    bundle_gzip_bytes: (await zipped('panel.js')) + (await zipped('style.css')) + (await zipped('uplot.js')),
    first_paint_ms: Math.round(paint ?? Number.NaN),
    channels: many,
    speed,
    seconds: Math.round(took),
    cores,
    chromium_cores: Number(
      Object.values(cores)
        .reduce((sum, one) => sum + one, 0)
        .toFixed(3),
    ),
    heap_bytes: heaps,
    heard: played.counts,
  }),
);
await browser.close();
await service.close();
played.close();
