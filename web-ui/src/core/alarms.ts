// The daemon's alarms, where it has any: without them the strip shows what the documents say.

import { effect, signal } from '@preact/signals';
import type { Alarm, AlarmShelf } from '../api';
import { type Listed, read } from './ask';
import { type Notice, RANK } from './reduce';
import { request } from './request';
import { channelOf, events, phase, status } from './store';

const EVERY_MS = 5000;
/** For how long one can be put aside; half an hour is the daemon's most. */
export const MINUTES = [5, 10, 15, 30];

/** None if this daemon keeps none. */
export const alarms = signal<Alarm[] | null>(null);

async function look(): Promise<void> {
  if (phase.peek() !== 'live') return;
  const reply = await read<Listed<Alarm>>('/api/v1/alarms');
  if (reply.ok) alarms.value = reply.data.items;
  else if (reply.problem.status === 404) alarms.value = null;
}

/** Asks now and then, and at once when something of them has changed. */
export function followAlarms(): void {
  let newest = -1;
  effect(() => {
    const first = events.value[0];
    const told = first !== undefined && first.seq !== newest && first.code.startsWith('alarm_');
    newest = first?.seq ?? -1;
    if (phase.value === 'live' && (told || alarms.peek() === null)) void look();
  });
  setInterval(() => alarms.peek() && void look(), EVERY_MS);
}

/** Where the refusal of what is asked of one is kept. */
export const partOf = (id: string) => `alarm ${id}`;

async function say(id: string, what: string, body?: unknown): Promise<boolean> {
  const path = `alarms/${encodeURIComponent(id)}/${what}`;
  const done = await request<unknown>({ part: partOf(id), method: 'POST', path, body });
  await look();
  return done !== null;
}

export const acknowledge = (id: string) => say(id, 'ack');
export const shelve = (id: string, minutes: number, reason: string) => say(id, 'shelve', { minutes, reason });
export const unshelve = (id: string) => say(id, 'unshelve');

/** An alarm as the strip shows it. */
export interface Listing extends Notice {
  id: string;
  action: string;
  over: boolean;
  acked: boolean;
  shelf: AlarmShelf | null;
}

function listing(one: Alarm): Listing {
  return {
    id: one.id,
    priority: one.priority,
    channel: one.channel,
    title: (one.channel && channelOf(one.channel)?.title) || one.channel || (status.value?.name ?? ''),
    code: one.code,
    reason: one.reason,
    action: one.action,
    since: one.since,
    over: !one.active,
    acked: one.acked !== null,
    shelf: one.shelved,
  };
}

/** What is not put aside, unacknowledged before acknowledged, critical first. */
export function listed(all: Alarm[]): Listing[] {
  const shown = all.filter((one) => one.shelved === null && (one.active || one.acked === null));
  const order = (a: Listing, b: Listing) =>
    Number(a.acked) - Number(b.acked) ||
    RANK[a.priority] - RANK[b.priority] ||
    Date.parse(b.since) - Date.parse(a.since);
  return shown.map(listing).sort(order);
}

/** What is put aside, what comes back soonest first. */
export function shelved(all: Alarm[]): Listing[] {
  const until = (one: Listing) => Date.parse(one.shelf?.until ?? '');
  const aside = all.filter((one) => one.shelved !== null).map(listing);
  return aside.sort((a, b) => until(a) - until(b));
}
