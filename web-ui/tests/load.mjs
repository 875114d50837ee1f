// What the panel costs: bundle, first paint, processor and memory of Chromium with 16 channels on air, their meters twenty
// times a second and a picture a second each. Prints one JSON document; asserts nothing.
//   node tests/load.mjs [SECONDS [CHANNELS]]      after `npm run build`
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { channelOf, appliance as small } from './units/documents.mjs';

const seconds = Number(process.argv[2] ?? 60);
const many = Number(process.argv[3] ?? 16);
const dist = new URL('../dist/', import.meta.url);
const KINDS = { html: 'text/html', js: 'text/javascript', css: 'text/css' };
const since = new Date(Date.now() - 4_000_000).toISOString();
let frames = 0;
let picture = Buffer.alloc(0);

function appliance() {
  const channels = Array.from({ length: many }, (_, index) => {
    const one = channelOf('demo');
    Object.assign(one, { id: `channel-${index}`, title: `Channel ${index}`, on_air_since: since });
    one.report.program.frames += frames;
    one.report.program.loudness = [
      { channels: [1, 2], momentary: -23, short_term: -23, integrated: -23, lra: 6, true_peak: [-6, -6], since },
    ];
    return one;
  });
  return { ...small(), now: new Date().toISOString(), channels };
}

function meters() {
  const swing = (index) => -18 + 9 * Math.sin(frames / 7 + index);
  const reading = (index) => ({ peak_dbfs: [swing(index), swing(index + 1)], momentary: -23, short_term: -23 });
  const channels = Object.fromEntries(Array.from({ length: many }, (_, index) => [`channel-${index}`, reading(index)]));
  return { at: new Date().toISOString(), channels };
}

function stream(answer) {
  answer.writeHead(200, { 'content-type': 'text/event-stream' });
  const say = (event, data) => answer.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  say('snapshot', appliance());
  const timers = [
    setInterval(() => say('status', appliance()), 500),
    setInterval(() => say('heartbeat', { server_time: new Date().toISOString() }), 2000),
    setInterval(() => {
      frames += 1;
      say('meters', meters());
    }, 50),
  ];
  answer.on('close', () => timers.forEach(clearInterval));
}

const server = createServer(async (question, answer) => {
  const { pathname } = new URL(question.url, 'http://x');
  const give = (kind, body, more = {}) => answer.writeHead(200, { 'content-type': kind, ...more }).end(body);
  if (pathname === '/api/v1/events') return stream(answer);
  if (pathname === '/api/v1/events/recent') return give('application/json', '[]');
  if (pathname.endsWith('.jpg')) return give('image/jpeg', picture, { 'x-frame-age': '0.2' });
  const name = pathname === '/' ? 'index.html' : pathname.replace('/assets/', '');
  const file = await readFile(new URL(name, dist)).catch(() => null);
  if (file) return give(KINDS[name.split('.').at(-1)] ?? 'text/plain', file);
  return answer.writeHead(404, { 'content-type': 'application/problem+json' }).end('{"code":"not_found","status":404}');
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${server.address().port}`;

/** Processor time of the browser and all it has started, seconds. */
async function spent(root) {
  const stats = new Map();
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const text = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    if (fields.length > 12)
      stats.set(Number(entry), { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) });
  }
  const mine = (id) => id === root || (stats.has(id) && stats.get(id).parent > 1 && mine(stats.get(id).parent));
  return [...stats].reduce((sum, [id, { ticks }]) => sum + (mine(id) ? ticks : 0), 0) / 100;
}

const service = await chromium.launchServer({
  executablePath: process.env.UPLINK_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
const browser = await chromium.connect(service.wsEndpoint());
const page = await browser.newPage({ viewport: { width: 1920, height: 1080 } });
await page.setContent('<div style="width:640px;height:360px;background:linear-gradient(red,blue)"></div>');
picture = await page.locator('div').screenshot({ type: 'jpeg' });
await page.goto(url);
await page.locator('.tile canvas').first().waitFor();
const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
const session = await page.context().newCDPSession(page);
const heap = async () => {
  await session.send('HeapProfiler.collectGarbage');
  return (await session.send('Runtime.getHeapUsage')).usedSize;
};
await page.waitForTimeout(5000);
const before = { heap: await heap(), spent: await spent(service.process().pid), at: performance.now() };
await page.waitForTimeout(seconds * 1000);
const took = (performance.now() - before.at) / 1000;
const cores = ((await spent(service.process().pid)) - before.spent) / took;
const after = await heap();
const zipped = async (name) => gzipSync(await readFile(new URL(name, dist))).length;
console.log(
  JSON.stringify({
    bundle_gzip_bytes: (await zipped('panel.js')) + (await zipped('style.css')),
    first_paint_ms: Math.round(paint ?? Number.NaN),
    channels: many,
    seconds: Math.round(took),
    chromium_cores: Number(cores.toFixed(3)),
    heap_bytes: before.heap,
    heap_growth_bytes: after - before.heap,
  }),
);
await browser.close();
await service.close();
server.closeAllConnections();
server.close();
