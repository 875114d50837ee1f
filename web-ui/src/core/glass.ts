// What a freeze holds. The order has its answer (refused); who may breaks the glass, with a reason that is recorded, and the
// order is sent anew. Who may not is told who holds it.

import { signal } from '@preact/signals';
import type { Problem } from '../api';

export interface Held {
  problem: Problem;
  /** What was asked, in the words of the API, and of which channel, if of one. */
  verb: string;
  channel?: string;
  /** Of what of it, where it is not the whole; of what, where it is no channel. */
  about?: string;
  /** The same once more, all the same. */
  again: (reason: string) => void;
}

/** The newest one: who asks for something else has let go of the first. */
export const held = signal<Held | null>(null);

/** Whether that is why it was refused. */
export const isFrozen = (problem: Problem) => problem.status === 423;

export function letGo(): void {
  held.value = null;
}
