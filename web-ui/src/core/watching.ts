// The live picture of one channel: one for the whole panel, and only while somebody wants it.
//
//   off ──press──▶ connecting ──pictures──▶ live ──none for 2 s, no worker, no word of the daemon──▶ lost ──later──▶ connecting
//    ▲               └── refused, none in time ─────────────────────────────────────────────────▶ lost, for good if it
//    └── press, or nobody shows it any more ──                                                      cannot heal

import { effect, signal } from '@preact/signals';
import { behind, judge, pause, type Seen, saw } from './live';
import { channelOf, now, phase } from './store';
import { open, type Session } from './whep';

const LOOK_MS = 250;
/** From one page to another that shows it as well. */
const MOVE_MS = 500;
/** What no later attempt heals by itself. */
const FINAL = new Set(['no_live_picture', 'bad_offer', 'forbidden', 'login_required', 'unknown_channel']);

export type Loss = 'stalled' | 'late' | 'no_worker' | 'link' | { said: string; final: boolean };

export interface Live {
  channel: string;
  stand: 'connecting' | 'live' | 'lost';
  stream: MediaStream | null;
  frames: number;
  /** Milliseconds behind the program, if the browser can tell. */
  behind: number | null;
  loss: Loss | null;
  /** Somebody wants to hear it. */
  heard: boolean;
}

export const live = signal<Live | null>(null);

/** Counts attempts: what is left of an older one says nothing any more. */
let attempt = 0;
let failures = 0;
let session: Session | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
const shown = new Map<string, number>();

export function toggle(channel: string): void {
  const again = live.peek()?.channel !== channel;
  stop();
  if (!again || !shown.get(channel)) return;
  const none = { stream: null, frames: 0, behind: null, loss: null, heard: false };
  live.value = { channel, stand: 'connecting', ...none };
  void begin();
}

export function hear(wanted: boolean): void {
  change({ heard: wanted });
}

/** Something shows this channel; what is returned ends that. */
export function show(channel: string): () => void {
  const count = (by: number) => shown.set(channel, (shown.get(channel) ?? 0) + by);
  count(1);
  return () => {
    count(-1);
    setTimeout(() => !shown.get(channel) && live.peek()?.channel === channel && stop(), MOVE_MS);
  };
}

/** A page that is left leaves no session; without a word of the daemon nothing is live. */
export function followWatching(): void {
  addEventListener('pagehide', stop);
  effect(() => {
    if (phase.value !== 'live' && live.peek()?.stream) lose('link');
  });
}

function change(next: Partial<Live>): void {
  const current = live.peek();
  if (current) live.value = { ...current, ...next };
}

function drop(): void {
  attempt += 1;
  clearTimeout(timer);
  session?.close();
  session = null;
}

function stop(): void {
  drop();
  failures = 0;
  live.value = null;
}

function lose(loss: Loss): void {
  drop();
  failures += 1;
  change({ stand: 'lost', stream: null, frames: 0, behind: null, loss });
  if (typeof loss === 'object' && loss.final) return;
  timer = setTimeout(() => void begin(), pause(failures));
}

/** What stands in the way of any attempt. */
function obstacle(channel: string): Loss | null {
  if (phase.peek() !== 'live') return 'link';
  return channelOf(channel)?.worker ? null : 'no_worker';
}

async function begin(): Promise<void> {
  const current = live.peek();
  if (!current) return;
  const hindered = obstacle(current.channel);
  if (hindered) {
    // Nothing was tried: it is looked again soon.
    failures = 0;
    lose(hindered);
    return;
  }
  drop();
  const own = attempt;
  change({ stand: 'connecting', loss: null });
  const begun = performance.now();
  const opened = await open(current.channel);
  const over = own !== attempt;
  if (!('stream' in opened)) {
    if (!over) lose({ said: opened.detail, final: FINAL.has(opened.code) });
    return;
  }
  if (over) {
    opened.close();
    return;
  }
  session = opened;
  change({ stream: opened.stream });
  void follow(opened, own, begun, { frames: 0, at: begun });
}

async function follow(opened: Session, own: number, begun: number, before: Seen): Promise<void> {
  const { frames, shown: time } = await opened.look();
  const current = live.peek();
  if (own !== attempt || !current) return;
  const seen = saw(before, frames, performance.now());
  const stand = judge(begun, seen, performance.now());
  const hindered = obstacle(current.channel);
  if (hindered || stand === 'lost') {
    lose(hindered ?? (seen.frames > 0 ? 'stalled' : 'late'));
    return;
  }
  if (stand === 'live') failures = 0;
  change({ stand, frames: seen.frames, behind: behind(time, now()) });
  timer = setTimeout(() => void follow(opened, own, begun, seen), LOOK_MS);
}
