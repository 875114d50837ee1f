// A daemon that plays many channels on air: documents twice a second, meters twenty times, a picture for each, events. For
// what the panel costs; what it shows is tried against real ones.
//
//   speed 1  as a daemon     speed 20  an hour in three minutes (pictures at their own pace: the panel asks for them)
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { channelOf, appliance as small } from './units/documents.mjs';

const dist = new URL('../dist/', import.meta.url);
const KINDS = { html: 'text/html', js: 'text/javascript', css: 'text/css' };

const rendition = (id, measured) => ({
  id,
  encoder: 'x264enc',
  target: id === '720p' ? 3e6 : 1e6,
  measured: Math.round(measured),
  position: null,
  media_sequence: null,
  segments: 10,
  dropped_frames: 0,
  health: { health: 'healthy', code: 'ok', reason: 'all is well', since: '2026-11-21T10:00:00Z' },
});

/** Serves the panel in `dist` over `many` channels; `picture` is a JPEG. */
export async function crowd(many, picture, speed = 1) {
  const since = new Date(Date.now() - 4_000_000).toISOString();
  const ids = Array.from({ length: many }, (_, index) => `channel-${index}`);
  const counts = { documents: 0, meters: 0, events: 0, pictures: 0 };

  const appliance = () => {
    const channels = ids.map((id, index) => {
      const one = channelOf('demo');
      Object.assign(one, { id, title: `Channel ${index}`, on_air_since: since });
      one.report.program.frames += counts.meters;
      const loud = -23 + 4 * Math.sin(counts.documents / 5 + index);
      one.loudness_target = { lufs: -23, tolerance_lu: 1 };
      one.report.program.loudness = [
        { channels: [1, 2], momentary: loud, short_term: loud, integrated: -23, lra: 6, true_peak: [-6, -6], since },
      ];
      const measured = 3e6 + 2e5 * Math.sin(counts.documents / 9 + index);
      one.report.renditions = [rendition('720p', measured), rendition('360p', measured / 3)];
      return one;
    });
    return { ...small(), now: new Date().toISOString(), channels };
  };
  const meters = () => {
    const swing = (index) => -18 + 9 * Math.sin(counts.meters / 7 + index);
    const of = (index) => ({ peak_dbfs: [swing(index), swing(index + 1)], momentary: -23, short_term: -23 });
    return { at: new Date().toISOString(), channels: Object.fromEntries(ids.map((id, index) => [id, of(index)])) };
  };
  const event = () => ({
    seq: counts.events,
    at: new Date().toISOString(),
    severity: 'info',
    code: 'source_restored',
    channel: ids[counts.events % many],
    subject: 'cam-1',
    text: `cam-1 delivers again, for the ${counts.events}th time`,
  });

  const stream = (answer) => {
    answer.writeHead(200, { 'content-type': 'text/event-stream' });
    const say = (kind, data, id) =>
      answer.write(`${id ? `id: ${id}\n` : ''}event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`);
    const every = (ms, act) => setInterval(act, ms / speed);
    say('snapshot', appliance());
    const timers = [
      every(500, () => {
        counts.documents += 1;
        say('status', appliance());
      }),
      every(50, () => {
        counts.meters += 1;
        say('meters', meters());
      }),
      every(10_000, () => {
        counts.events += 1;
        say('event', event(), `boot-${counts.events}`);
      }),
      setInterval(() => say('heartbeat', { server_time: new Date().toISOString() }), 2000),
    ];
    answer.on('close', () => timers.forEach(clearInterval));
  };

  const server = createServer(async (question, answer) => {
    const { pathname } = new URL(question.url, 'http://x');
    const give = (kind, body, more = {}) => answer.writeHead(200, { 'content-type': kind, ...more }).end(body);
    if (pathname === '/api/v1/events') return stream(answer);
    if (pathname === '/api/v1/events/recent') return give('application/json', '{"items":[],"next_cursor":null}');
    if (pathname.endsWith('.jpg')) {
      counts.pictures += 1;
      return give('image/jpeg', picture, { 'x-frame-age': '0.2' });
    }
    const name = pathname === '/' ? 'index.html' : pathname.replace('/assets/', '');
    const file = await readFile(new URL(name, dist)).catch(() => null);
    if (file) return give(KINDS[name.split('.').at(-1)] ?? 'text/plain', file);
    return answer
      .writeHead(404, { 'content-type': 'application/problem+json' })
      .end('{"code":"not_found","status":404}');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, counts, close };
}
