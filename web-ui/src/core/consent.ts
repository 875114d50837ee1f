// What the daemon wants confirmed before it does it: whatever viewers would notice and nobody has confirmed in two places
// yet. It is shown in the head of the page, and asked for as long as the daemon waits.

import { signal } from '@preact/signals';
import type { Confirm } from '../api';
import { BOUNCE_MS } from './arm';
import { type Conditions, type Reply, send } from './ask';

export interface Asking {
  confirm: Confirm;
  at: number;
  answer: (yes: boolean) => void;
}

/** One at a time: who is asked something else has not confirmed the first. */
export const asking = signal<Asking | null>(null);

/** Nobody types a name in the seconds that the daemon waits: its question is put to it once more then. */
const TYPING_S = 60;

/** Milliseconds that are left to confirm. */
export function leftOf({ at, confirm }: Asking, now: number): number {
  const seconds = confirm.name === null ? confirm.seconds : TYPING_S;
  return Math.max(0, at + seconds * 1000 - now);
}

/** A press sooner than this is the press that asked. */
export const isPress = (one: Asking, now: number) => now - one.at >= BOUNCE_MS;

function asked(confirm: Confirm): Promise<boolean> {
  asking.peek()?.answer(false);
  return new Promise((resolve) => {
    const answer = (yes: boolean) => {
      if (asking.peek()?.answer === answer) asking.value = null;
      resolve(yes);
    };
    asking.value = { confirm, at: performance.now(), answer };
  });
}

/** Called often: what was not confirmed in time is let go. */
export function expireAsking(): void {
  const one = asking.peek();
  if (one && leftOf(one, performance.now()) <= 0) one.answer(false);
}

/** Sends an order; if the daemon asks for a confirmation, somebody gives it here, or it is not done. */
export function sendAsked<T>(
  method: string,
  path: string,
  body?: unknown,
  conditions: Conditions = {},
): Promise<Reply<T>> {
  return confirmed((given) => send<T>(method, path, body, given), conditions);
}

/** The same, however it is sent. */
export async function confirmed<T>(
  give: (conditions: Conditions) => Promise<Reply<T>>,
  conditions: Conditions,
): Promise<Reply<T>> {
  const reply = await give(conditions);
  const confirm = reply.ok ? null : reply.problem.confirm;
  if (!confirm || !(await asked(confirm))) return reply;
  if (confirm.name === null) return give({ ...conditions, confirm: confirm.token });
  const anew = await give(conditions);
  const now = anew.ok ? null : anew.problem.confirm;
  if (!now) return anew;
  // What was confirmed is what it said then, and nothing else.
  if (now.text !== confirm.text || now.name !== confirm.name) return confirmed(give, conditions);
  return give({ ...conditions, confirm: now.token, name: confirm.name });
}
