// Changing a text that the box works by: a draft that is checked, and putting something in force after a look at what that
// would do. One desk for each text: the configuration (what is on disk is put in force), each stream class (a draft, or an
// older version, is written and put in force).
//
//   draft ──check──▶ faults at their lines
//   what is wanted ──dry run──▶ plan (what it would do, and in place of what) ──apply──▶ done
//                                                                              ├──▶ changed: somebody was there meanwhile
//                                                                              └──▶ frozen ──a reason──▶ applied all the same
//
// A stream class need not be there yet, or any more: then it is put in force in place of nothing, and of nothing else.

import { type Signal, signal } from '@preact/signals';
import type { ConfigurationReport, Outcome, Problem } from '../api';
import { read, send, sendSure } from './ask';

/** What is wanted. */
export interface Order {
  /** What is put in force, and answers a dry run. */
  act: string;
  body?: unknown;
  /** The text that it was made from; what is another one by now is not written over. */
  base?: string;
}

export interface Plan {
  order: Order;
  /** The text, as it was when this was asked. */
  seen: string | null;
  /** None if there was nothing. */
  tag: string | null;
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

/** There is no stream class of that name. */
export const isMissing = (problem: Problem) => problem.code === 'unknown_class';

interface Document {
  text?: string | null;
}

export class Desk {
  /** What somebody writes here, and the text that it began from. It stays while the panel is open, whatever page is shown. */
  readonly draft: Signal<{ base: string; text: string } | null> = signal(null);
  /** What the checker said, of which text. */
  readonly checked: Signal<{ text: string; report: ConfigurationReport } | null> = signal(null);
  /** Something is asked of the checker. */
  readonly checking = signal(false);
  readonly checkTrouble: Signal<Problem | null> = signal(null);
  readonly step: Signal<Step> = signal({ step: 'none' });

  /** `address` is that of the document with the text, below which it is checked. */
  constructor(readonly address: string) {}

  async check(text: string): Promise<void> {
    if (this.checking.peek()) return;
    this.checking.value = true;
    const reply = await send<ConfigurationReport>('POST', `${this.address}/check`, { text });
    this.checking.value = false;
    this.checkTrouble.value = reply.ok ? null : reply.problem;
    if (reply.ok) this.checked.value = { text, report: reply.data };
  }

  /** What it would do. */
  async plan(order: Order): Promise<void> {
    this.step.value = { step: 'asking' };
    const found = await read<Document>(this.address);
    if (!found.ok && !isMissing(found.problem)) return this.fail(found.problem, null);
    const seen = found.ok ? (found.data.text ?? null) : null;
    if (order.base !== undefined && order.base !== (seen ?? '')) {
      this.step.value = { step: 'changed', seen: order.base, now: seen };
      return;
    }
    const tag = found.ok ? (found.tag ?? '') : null;
    const path = `${this.address}/${order.act}?dry_run=true`;
    const reply = await send<Outcome>('POST', path, order.body, { tag, absent: tag === null });
    if (!reply.ok) return this.fail(reply.problem, seen);
    this.step.value = { step: 'planned', plan: { order, seen, tag, outcome: reply.data } };
  }

  /** Puts in force what was planned, and nothing else. `override`: why a freeze does not hold it. */
  async apply(override?: string): Promise<void> {
    const current = this.step.peek();
    if (current.step !== 'planned' && current.step !== 'frozen') return;
    const planned = current.plan;
    this.step.value = { step: 'applying', plan: planned };
    const { order, tag, seen } = planned;
    const conditions = { tag, absent: tag === null, override };
    const reply = await sendSure<Outcome>('POST', `${this.address}/${order.act}`, order.body, conditions);
    if (reply.ok) this.done(order, reply.data);
    else if (reply.problem.status === 423) this.step.value = { step: 'frozen', plan: planned, problem: reply.problem };
    else await this.fail(reply.problem, seen);
  }

  forget(): void {
    this.step.value = { step: 'none' };
  }

  private done({ body }: Order, outcome: Outcome): void {
    this.step.value = { step: 'done', outcome };
    // What was a draft is in force; another one stays.
    const written = (body as Document | undefined)?.text;
    if (written != null && written === this.draft.peek()?.text) this.draft.value = null;
  }

  private async fail(problem: Problem, seen: string | null): Promise<void> {
    this.step.value = { step: 'refused', problem };
    if (problem.status !== 412) return;
    const now = await read<Document>(this.address);
    this.step.value = { step: 'changed', seen, now: now.ok ? (now.data.text ?? null) : null };
  }
}

export const configuration = new Desk('/api/v1/config');

const classes = new Map<string, Desk>();

/** That of a stream class. */
export function deskOf(name: string): Desk {
  const known = classes.get(name) ?? new Desk(`/api/v1/stream-classes/${encodeURIComponent(name)}`);
  classes.set(name, known);
  return known;
}
