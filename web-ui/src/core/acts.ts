// What an operator does to a channel, by finger or by key: the same guards for both.

import { signal } from '@preact/signals';
import type { ChannelStatus, ProgramOrder, TakeAsk, TransitionAsk } from '../api';
import { type Armed, confirms, left, type What } from './arm';
import { body, shows } from './channel';
import { free, order } from './dispatch';
import { has } from './session';
import { channelOf, phase } from './store';
import { locked } from './surface';

/** One for the whole panel: who arms a second thing has let go of the first. */
export const armed = signal<Armed | null>(null);

/** How a take is done, for each channel; milliseconds of a dissolve, 0 for a cut. */
export const dissolves = signal<Record<string, number>>({});

/** Whether an order of this channel may be given now. */
export function may(channel: string): boolean {
  return free(channel) && !locked.value && has('operator');
}

/** Whether the way out is open: what is shown is true, and this person may. */
export const maySlate = () => phase.value === 'live' && has('operator');

const json = (value: unknown) => JSON.stringify(value ?? null);

export function nextOf(channel: ChannelStatus): ProgramOrder | null {
  return channel.report?.program.preview ?? null;
}

function arm(channel: string, what: What, about: string, by: Armed['by']): void {
  armed.value = { channel, what, about, by, at: performance.now() };
}

export function disarm(): void {
  armed.value = null;
}

/** Called often: what was not confirmed in time, or can no longer be, is let go. */
export function expire(): void {
  const current = armed.peek();
  if (!current) return;
  const next = channelOf(current.channel);
  const moved = current.what === 'take' && next !== null && json(nextOf(next)) !== current.about;
  // After a choice, the document that shows it may still be on its way.
  const late = left(current, performance.now()) <= 0 || phase.peek() !== 'live';
  if (late || (moved && current.by === 'press')) disarm();
}

export function isNext(channel: ChannelStatus, wanted: ProgramOrder): boolean {
  return json(nextOf(channel)) === json(wanted);
}

/** Puts something next: the first of the two steps of a take. */
export async function putNext(channel: ChannelStatus, wanted: ProgramOrder): Promise<void> {
  if (!may(channel.id)) return;
  arm(channel.id, 'take', json(wanted), 'select');
  if (isNext(channel, wanted)) return;
  const shown = (now: ChannelStatus) => isNext(now, wanted);
  await order({ channel: channel.id, verb: 'preview', path: 'preview', body: body(wanted), shown });
}

export function canTake(channel: ChannelStatus): boolean {
  return channel.order === 'on_air' && channel.state !== 'failed' && nextOf(channel) !== null;
}

/** Whether what is next was put there just now, here: then the take button takes it. */
export function isReady(channel: ChannelStatus): boolean {
  const current = armed.value;
  if (!current || current.channel !== channel.id || current.what !== 'take' || current.by !== 'select') return false;
  return current.about === json(nextOf(channel));
}

/** The take button: takes what was just put next; else asks for a confirmation in another place. */
export function pressTake(channel: ChannelStatus): void {
  if (!may(channel.id) || !canTake(channel)) return;
  const about = json(nextOf(channel));
  const wanted = { channel: channel.id, what: 'take', about, by: 'select' } as const;
  if (confirms(armed.peek(), wanted, performance.now())) take(channel);
  else arm(channel.id, 'take', about, 'press');
}

export function pressStop(channel: ChannelStatus): void {
  if (may(channel.id)) arm(channel.id, 'stop', '', 'press');
}

/** The other place. */
export function pressConfirm(channel: ChannelStatus): void {
  const current = armed.peek();
  if (!current || !may(channel.id)) return;
  const about = current.what === 'take' ? json(nextOf(channel)) : '';
  const wanted = { channel: channel.id, what: current.what, about, by: 'press' } as const;
  if (!confirms(current, wanted, performance.now())) return;
  if (current.what === 'take') take(channel);
  else stop(channel);
}

function take(channel: ChannelStatus): void {
  disarm();
  const wanted = nextOf(channel);
  if (!wanted) return;
  const ms = dissolves.peek()[channel.id] ?? 0;
  const transition: TransitionAsk = ms > 0 ? { kind: 'dissolve', duration_ms: ms } : { kind: 'cut' };
  const shown = (now: ChannelStatus) => now.report !== null && shows(now.report.program, wanted);
  // Another operator may put something else there on the way.
  const asked: TakeAsk = { transition, expect: wanted };
  void order({ channel: channel.id, verb: 'take', path: 'take', body: asked, shown });
}

function stop(channel: ChannelStatus): void {
  disarm();
  const shown = (now: ChannelStatus) => now.order === 'off_air' && !now.on_air;
  void order({ channel: channel.id, verb: 'stop', path: 'stop', sure: true, shown });
}

export const canSlate = (channel: ChannelStatus) => channel.order === 'on_air' && channel.state !== 'failed';

/** The way out: waits for nothing, and no lock holds it. */
export function slate(channel: ChannelStatus): void {
  if (!maySlate() || !canSlate(channel)) return;
  if (armed.peek()?.channel === channel.id) disarm();
  const shown = (now: ChannelStatus) => now.report?.program.showing.showing === 'slate';
  void order({ channel: channel.id, verb: 'slate', path: 'slate', shown }, true);
}

export function canRelease(channel: ChannelStatus): boolean {
  const program = channel.report?.program;
  return channel.order === 'on_air' && program !== undefined && program.order.show !== 'auto';
}

/** Back to the best source. */
export function release(channel: ChannelStatus): void {
  if (!may(channel.id) || !canRelease(channel)) return;
  const shown = (now: ChannelStatus) => now.report?.program.order.show === 'auto';
  void order({ channel: channel.id, verb: 'release', path: 'release', shown });
}

export const canStart = (channel: ChannelStatus) => channel.order === 'off_air' || channel.state === 'failed';
export const canStop = (channel: ChannelStatus) =>
  channel.order === 'on_air' || !['idle', 'stopping', 'delivering'].includes(channel.state);

/** Whether it is off air, and destinations still get what they have not got. */
export const delivers = (channel: ChannelStatus) => channel.state === 'delivering';

/** What is left stays where it is. The daemon asks for a confirmation. */
export function leaveRest(channel: ChannelStatus): void {
  if (!may(channel.id) || !delivers(channel)) return;
  const shown = (now: ChannelStatus) => !delivers(now);
  void order({ channel: channel.id, verb: 'leave_rest', path: 'stop?now=true', shown });
}

export function start(channel: ChannelStatus): void {
  if (!may(channel.id) || !canStart(channel)) return;
  const shown = (now: ChannelStatus) => now.order === 'on_air' && now.on_air;
  void order({ channel: channel.id, verb: 'start', path: 'start', shown });
}
