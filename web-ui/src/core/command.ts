// One order on its way. Nothing lights up because it was pressed: an order is sent, answered by the engine, and confirmed
// when the stream shows it. Pure.
//
//   sent ──▶ answered ──▶ confirmed        (what the stream shows may come before the answer)
//     │          └──▶ late ──▶ confirmed   (three seconds without both)
//     └──▶ refused | late

import type { ChannelStatus, Problem } from '../api';
import { isFrozen } from './glass';

/** From here on it is said that nothing has confirmed it. */
export const LATE_MS = 3000;

export type Phase = 'sent' | 'answered' | 'confirmed' | 'late' | 'refused';

export interface Order {
  channel: string;
  verb: string;
  /** Of what of the channel, where it is not the whole: a destination. */
  about?: string;
  /** Below the channel's address. */
  path: string;
  body?: unknown;
  /** Why a freeze does not hold it. */
  override?: string;
  /** Somebody has confirmed it in two places: the daemon's question has its answer. */
  sure?: boolean;
  /** True as soon as the channel's document shows what was asked; without it the engine's answer is the evidence. */
  shown?: (channel: ChannelStatus) => boolean;
}

export interface Under {
  id: number;
  order: Order;
  /** Milliseconds of the steady clock. */
  at: number;
  phase: Phase;
  /** The request has its answer. */
  settled: boolean;
  seen: boolean;
  /** From the press to the confirmation, milliseconds. */
  took: number | null;
  /** What the engine or the problem says. */
  text: string | null;
  code: string | null;
  unchanged: boolean;
}

export type Answer = { ok: true; text: string; changed: boolean } | { ok: false; problem: Problem };

export function begin(id: number, order: Order, at: number): Under {
  const nothing = { settled: false, seen: false, took: null, text: null, code: null, unchanged: false };
  return { id, order, at, phase: 'sent', ...nothing };
}

function confirmed(under: Under, now: number): Under {
  return { ...under, phase: 'confirmed', took: under.took ?? now - under.at };
}

export function answered(under: Under, answer: Answer, now: number): Under {
  if (!answer.ok) {
    const { code, detail } = answer.problem;
    // Who holds it is said where the glass is.
    const text = isFrozen(answer.problem) ? null : detail;
    // Not confirmed is not refused: what was asked stands, and may come true later.
    const phase = code === 'not_confirmed' || code === 'no_answer' ? 'late' : 'refused';
    return under.phase === 'confirmed' ? { ...under, settled: true } : { ...under, settled: true, phase, text, code };
  }
  const told = { ...under, settled: true, text: answer.text, unchanged: !answer.changed };
  if (under.phase === 'confirmed') return told;
  return told.seen || !told.order.shown ? confirmed(told, now) : { ...told, phase: 'answered' };
}

/** A document has come that was made after the press. */
export function observed(under: Under, channel: ChannelStatus, now: number): Under {
  if (under.seen || under.phase === 'refused' || !under.order.shown?.(channel)) return under;
  return confirmed({ ...under, seen: true }, now);
}

export function waited(under: Under, now: number): Under {
  const open = under.phase === 'sent' || under.phase === 'answered';
  return open && now - under.at > LATE_MS ? { ...under, phase: 'late' } : under;
}
