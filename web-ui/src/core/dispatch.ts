// Orders under way, one for each channel: sent here, followed by the stream. The rules are in `command`.

import { signal } from '@preact/signals';
import type { ApplianceStatus, ChannelStatus, Outcome } from '../api';
import { read, sendSure } from './ask';
import { answered, begin, type Order, observed, type Under, waited } from './command';
import { sendAsked } from './consent';
import { held, isFrozen } from './glass';
import { replaced } from './reduce';
import { phase, status } from './store';

export const under = signal<Record<string, Under>>({});
let last = 0;

/** Whether something of this channel may be pressed: what is shown is true, and nothing else is under way. */
export function free(channel: string): boolean {
  const current = under.value[channel];
  return phase.value === 'live' && (!current || current.settled);
}

function change(channel: string, id: number, step: (under: Under) => Under): void {
  const current = under.peek()[channel];
  // Of an order that another one has followed nothing more is told.
  if (!current || current.id !== id) return;
  const next = step(current);
  if (next !== current) under.value = { ...under.peek(), [channel]: next };
}

/** Sends an order. `urgent` ones (the slate) do not wait for one that is under way. */
export async function order(wanted: Order, urgent = false): Promise<void> {
  if (phase.peek() !== 'live') return;
  const current = under.peek()[wanted.channel];
  if (current && !current.settled && !urgent) return;
  last += 1;
  const id = last;
  under.value = { ...under.peek(), [wanted.channel]: begin(id, wanted, performance.now()) };
  setTimeout(() => change(wanted.channel, id, (one) => waited(one, performance.now())), 3100);
  const give = wanted.sure ? sendSure : sendAsked;
  const { channel, verb, about, override } = wanted;
  const reply = await give<Outcome>('POST', `/api/v1/channels/${channel}/${wanted.path}`, wanted.body, { override });
  const answer = reply.ok ? { ok: true as const, text: reply.data.text, changed: reply.data.changed } : reply;
  change(channel, id, (one) => answered(one, answer, performance.now()));
  if (!reply.ok && isFrozen(reply.problem)) {
    const again = (reason: string) => void order({ ...wanted, override: reason });
    held.value = { problem: reply.problem, verb, channel, about, again };
  }
  if (reply.ok) await look(channel);
}

/** The stream tells twice a second; who has just pressed something sees what came of it at once. */
async function look(channel: string): Promise<void> {
  const reply = await read<ChannelStatus>(`/api/v1/channels/${encodeURIComponent(channel)}`);
  const held = status.peek();
  if (!reply.ok || !held || phase.peek() !== 'live') return;
  status.value = replaced(held, reply.data);
  observe(status.value);
}

/** A document has come: it confirms what it shows. */
export function observe(document: ApplianceStatus): void {
  for (const channel of document.channels) {
    const current = under.peek()[channel.id];
    if (current) change(channel.id, current.id, (one) => observed(one, channel, performance.now()));
  }
}
