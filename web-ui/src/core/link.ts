// The link to the daemon: one event stream and the watchdog over it. Controls come back only with a whole document: what
// was known before a silence is no ground to act on.
//
//   connecting ──document──▶ live ──silence──▶ lost ──document──▶ live, with what changed meanwhile
//        └──────── answered with 401 or 403 ────────▶ forbidden ──document──▶ live

import { batch } from '@preact/signals';
import type { ApplianceStatus, Meters, Presence, StampedEvent } from '../api';
import { alarms } from './alarms';
import { type Listed, read } from './ask';
import { observe } from './dispatch';
import { soon, wake } from './instruments';
import { feed, feedSlowly, forget } from './levels';
import { pump } from './pictures';
import { presence } from './presence';
import { meanwhile, newest, remember } from './reduce';
import { refused } from './session';
import { clock, events, phase, returned, status, tick } from './store';
import { between, judge, type Moment } from './watchdog';

/** Events that the panel holds. */
export const EVENTS = 500;
const CHECK_MS = 500;
/** Times are drawn with the documents, as a frame of their own costs as much; without any for so long, alone. */
const ALONE_MS = 750;

const moment = (): Moment => ({ steady: performance.now(), wall: Date.now() });

let source: EventSource | null = null;
let heard: Moment | null = null;
let tried: Moment = moment();
/** The newest event's id: the stream goes on behind it. */
let place = '';
let silentSince: Moment | null = null;
let counted = 0;

export function start(): void {
  open();
  setInterval(check, CHECK_MS);
  // Timers of a page in the background are throttled: look again as soon as it is seen.
  document.addEventListener('visibilitychange', check);
  addEventListener('pageshow', check);
}

/** Milliseconds since anything was heard. */
export function silence(): number | null {
  return heard && between(heard, moment());
}

/** Opens the stream anew, at once. */
export function retry(): void {
  open();
}

function open(): void {
  source?.close();
  tried = moment();
  const stream = new EventSource(`/api/v1/events?meters=20${place && `&after=${encodeURIComponent(place)}`}`);
  source = stream;
  const on = (kind: string, act: (data: unknown) => void) =>
    stream.addEventListener(kind, (message) => {
      if (stream !== source) return;
      hear();
      if (message.lastEventId) place = message.lastEventId;
      act(JSON.parse(message.data));
    });
  on('snapshot', (data) => {
    take(data as ApplianceStatus);
    void history();
  });
  on('status', (data) =>
    soon(() => {
      if (stream !== source) return;
      batch(() => {
        take(data as ApplianceStatus);
        count();
      });
    }),
  );
  on('event', (data) => {
    events.value = remember(events.peek(), [data as StampedEvent], EVENTS);
  });
  on('presence', (data) => {
    presence.value = data as Presence;
  });
  on('heartbeat', (data) => {
    clock.ahead = Date.parse((data as { server_time: string }).server_time) - Date.now();
  });
  on('meters', (data) => {
    for (const [id, reading] of Object.entries((data as Meters).channels)) feed(id, reading.peak_dbfs);
    wake();
  });
  // Another run of the daemon: its events are numbered anew. The snapshot follows.
  on('reset', () => {
    place = '';
    events.value = [];
  });
  // Too slow for the stream: it ends, and the next one begins behind the place that is held, or with a reset.
  on('gap', () => {});
  stream.addEventListener('error', () => {
    if (stream === source && stream.readyState === EventSource.CLOSED) void why();
  });
}

function hear(): void {
  if (phase.peek() === 'lost' && silentSince === null) silentSince = heard;
  heard = moment();
  clock.heard = Date.now();
}

function take(document: ApplianceStatus): void {
  const before = status.peek();
  batch(() => {
    if (clock.ahead === 0) clock.ahead = Date.parse(document.now) - Date.now();
    if (before && phase.peek() !== 'live') {
      const lasted = silentSince ? between(silentSince, moment()) : 0;
      returned.value = { silence: lasted, at: Date.now() + clock.ahead, changes: meanwhile(before, document) };
    }
    silentSince = null;
    status.value = newest(before, document);
    phase.value = 'live';
  });
  for (const channel of document.channels) {
    if (channel.report) feedSlowly(channel.id, channel.report.program.peak_dbfs);
  }
  observe(status.peek() ?? document);
  wake();
}

async function history(): Promise<void> {
  const reply = await read<Listed<StampedEvent>>(`/api/v1/events/recent?limit=${EVENTS}`);
  if (reply.ok) events.value = remember(events.peek(), reply.data.items, EVENTS);
}

/** A stream that was refused does not say why; a question does. */
async function why(): Promise<void> {
  const reply = await read<unknown>('/api/v1/status');
  if (!reply.ok && (reply.problem.status === 401 || reply.problem.status === 403)) {
    forget();
    batch(() => {
      // Who may see nothing sees nothing, nor what was there before.
      status.value = null;
      events.value = [];
      alarms.value = null;
      presence.value = null;
      returned.value = null;
      refused(reply.problem);
      phase.value = 'forbidden';
    });
    place = '';
  }
}

/** Whatever shows a time shows it as it is now. */
function count(): void {
  counted = performance.now();
  tick.value += 1;
}

function check(): void {
  const verdict = judge(heard, tried, moment(), source?.readyState === EventSource.CLOSED);
  if (verdict.lost && phase.peek() === 'live') {
    silentSince = heard;
    phase.value = 'lost';
  }
  if (verdict.reopen) open();
  soon(() => {
    if (phase.peek() !== 'live' || performance.now() - counted > ALONE_MS) count();
  });
  pump();
  wake();
}
