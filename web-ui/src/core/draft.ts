// Changing the configuration: a draft that is checked, and putting in force what is on disk, after a look at what it would
// do. The daemon does not write its configuration: that is the technician's file.
//
//   draft ──check──▶ faults at their lines
//   file on disk ──dry run──▶ plan (what it would do, and of which version) ──apply──▶ done
//                                                                             ├──▶ changed: somebody was there meanwhile
//                                                                             └──▶ frozen ──a reason──▶ applied all the same

import { signal } from '@preact/signals';
import type { Configuration, ConfigurationReport, Outcome, Problem } from '../api';
import { read, send, sendSure } from './ask';

const CONFIG = '/api/v1/config';

/** What somebody writes here, and the file that it began from. It stays while the panel is open, whatever page is shown. */
export const draft = signal<{ base: string; text: string } | null>(null);
/** What the checker said, of which text. */
export const checked = signal<{ text: string; report: ConfigurationReport } | null>(null);

export interface Plan {
  /** The file, as it was when this was asked. */
  seen: string | null;
  tag: string;
  outcome: Outcome;
}

export type Step =
  | { step: 'none' }
  | { step: 'asking' }
  | { step: 'planned'; plan: Plan }
  | { step: 'applying'; plan: Plan }
  | { step: 'done'; outcome: Outcome }
  | { step: 'frozen'; plan: Plan; problem: Problem }
  | { step: 'changed'; seen: string | null; now: string | null }
  | { step: 'refused'; problem: Problem };

export const step = signal<Step>({ step: 'none' });
/** Something is asked of the checker. */
export const checking = signal(false);
export const checkTrouble = signal<Problem | null>(null);

export async function check(text: string): Promise<void> {
  if (checking.peek()) return;
  checking.value = true;
  const reply = await send<ConfigurationReport>('POST', `${CONFIG}/check`, { text });
  checking.value = false;
  checkTrouble.value = reply.ok ? null : reply.problem;
  if (reply.ok) checked.value = { text, report: reply.data };
}

/** What the file on disk would do. */
export async function plan(): Promise<void> {
  step.value = { step: 'asking' };
  const file = await read<Configuration>(CONFIG);
  if (!file.ok) return fail(file.problem, null);
  const seen = file.data.text ?? null;
  const tag = file.tag ?? '';
  const reply = await send<Outcome>('POST', `${CONFIG}/reload?dry_run=true`, undefined, { tag });
  if (!reply.ok) return fail(reply.problem, seen);
  step.value = { step: 'planned', plan: { seen, tag, outcome: reply.data } };
}

/** Puts in force what was planned, and nothing else. `override`: why a freeze does not hold it. */
export async function apply(override?: string): Promise<void> {
  const current = step.peek();
  if (current.step !== 'planned' && current.step !== 'frozen') return;
  const planned = current.plan;
  step.value = { step: 'applying', plan: planned };
  const conditions = { tag: planned.tag, override };
  const reply = await sendSure<Outcome>('POST', `${CONFIG}/reload`, undefined, conditions);
  if (reply.ok) step.value = { step: 'done', outcome: reply.data };
  else if (reply.problem.status === 423) step.value = { step: 'frozen', plan: planned, problem: reply.problem };
  else await fail(reply.problem, planned.seen);
}

async function fail(problem: Problem, seen: string | null): Promise<void> {
  step.value = { step: 'refused', problem };
  if (problem.status !== 412) return;
  const now = await read<Configuration>(CONFIG);
  step.value = { step: 'changed', seen, now: now.ok ? (now.data.text ?? null) : null };
}

export function forgetStep(): void {
  step.value = { step: 'none' };
}
