// The daemon's alarms, where it has any: without them the strip shows what the documents say.

import { effect, signal } from '@preact/signals';
import type { Alarm } from '../api';
import { items, type Listed, read, send } from './ask';
import type { Notice } from './reduce';
import { channelOf, events, phase, status } from './store';

const EVERY_MS = 5000;

/** None if this daemon keeps none. */
export const alarms = signal<Alarm[] | null>(null);

async function look(): Promise<void> {
  if (phase.peek() !== 'live') return;
  const reply = await read<Listed<Alarm>>('/api/v1/alarms');
  if (reply.ok) alarms.value = items(reply.data);
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

export async function acknowledge(id: string): Promise<void> {
  await send<unknown>('POST', `/api/v1/alarms/${encodeURIComponent(id)}/ack`);
  await look();
}

/** An alarm as the strip shows it. */
export interface Listing extends Notice {
  id: string;
  action: string;
  over: boolean;
  acked: boolean;
}

const RANK = { critical: 0, warning: 1 };

/** What is not put aside, unacknowledged before acknowledged, critical first. */
export function listed(all: Alarm[]): Listing[] {
  const shown = all.filter((one) => one.shelved === null && (one.active || one.acked === null));
  const listing = (one: Alarm): Listing => ({
    id: one.id,
    priority: one.priority === 'critical' ? 'critical' : 'warning',
    channel: one.channel,
    title: (one.channel && channelOf(one.channel)?.title) || one.channel || (status.value?.name ?? ''),
    code: one.code,
    reason: one.reason,
    action: one.action,
    since: one.since,
    over: !one.active,
    acked: one.acked !== null,
  });
  const order = (a: Listing, b: Listing) =>
    Number(a.acked) - Number(b.acked) ||
    RANK[a.priority] - RANK[b.priority] ||
    Date.parse(b.since) - Date.parse(a.since);
  return shown.map(listing).sort(order);
}
