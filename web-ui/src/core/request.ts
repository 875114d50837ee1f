// One request at a time, of a part of a page: what is asked of something that is no channel on air. The part says what it was
// refused with; what a freeze holds is said where the glass is.

import { signal } from '@preact/signals';
import type { Problem } from '../api';
import type { Conditions, Reply } from './ask';
import { sendAsked } from './consent';
import { held, isFrozen } from './glass';

/** Which part of a page is waiting for an answer, and what the last request of each was refused with. */
export const busy = signal<string | null>(null);
export const refusals = signal<Record<string, Problem | null>>({});

export interface Wanted {
  part: string;
  method: string;
  /** Below the API's address. */
  path: string;
  body?: unknown;
  /** In the words of the API, and of which channel, or of what else, for who is held by a freeze. */
  verb?: string;
  channel?: string;
  about?: string;
}

type Give = <T>(method: string, path: string, body?: unknown, conditions?: Conditions) => Promise<Reply<T>>;

/** What came of it; none if it was not done. The daemon's questions are put to somebody, unless `give` answers them. */
export async function request<T>(wanted: Wanted, conditions?: Conditions, give: Give = sendAsked): Promise<T | null> {
  if (busy.peek() !== null) return null;
  const { part, method, path, body, verb, channel, about } = wanted;
  busy.value = part;
  const reply = await give<T>(method, `/api/v1/${path}`, body, conditions);
  busy.value = null;
  // What is done without a word (204) is done, too.
  if (reply.ok) {
    refused(part, null);
    return reply.data ?? ({} as T);
  }
  const glazed = isFrozen(reply.problem) && verb !== undefined;
  if (glazed) {
    const again = (reason: string) => void request<T>(wanted, { ...conditions, override: reason }, give);
    held.value = { problem: reply.problem, verb, channel, about, again };
  }
  // Somebody was asked, and has said no.
  refused(part, glazed || reply.problem.confirm ? null : reply.problem);
  return null;
}

function refused(part: string, problem: Problem | null): void {
  refusals.value = { ...refusals.peek(), [part]: problem };
}
