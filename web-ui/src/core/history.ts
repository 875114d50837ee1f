// What was measured in the last minutes, kept by this panel: it begins when the panel is loaded. One table for each channel,
// a row a second, so that its charts have one axis of time. A time in which nothing was heard is a row of holes, not a line.

import { effect } from '@preact/signals';
import type { ChannelStatus } from '../api';
import { now, phase, status } from './store';

/** Older rows are forgotten. */
export const WINDOW_S = 600;
/** Documents come twice a second: so long without one, and nobody knows what was. */
const HOLE_S = 3;

/** Null is a hole. */
export type Column = (number | null)[];

/** By the name of their column. */
export type Figures = Map<string, number | null>;

const ROWS = WINDOW_S + 1;
const numbers = () => new Float64Array(ROWS).fill(Number.NaN);

/** A ring of rows. Its room is taken with the first one, so that a day takes what ten minutes take. */
export class Table {
  readonly #times = numbers();
  /** What is no number is a hole. */
  readonly #columns = new Map<string, Float64Array>();
  #end = 0;
  #length = 0;

  /** Seconds of this computer's steady clock: whoever sets its other one draws no line. */
  get at(): number[] {
    return this.#places().map((place) => this.#times[place] ?? 0);
  }

  get keys(): string[] {
    return [...this.#columns.keys()];
  }

  /** All holes if nothing is known of it. */
  column(key: string): Column {
    const held = this.#columns.get(key);
    return this.#places().map((place) => {
      const value = held?.[place] ?? Number.NaN;
      return Number.isNaN(value) ? null : value;
    });
  }

  /** One more row, if its second has none. */
  add(second: number, figures: Figures): void {
    const last = this.#length ? (this.#times[(this.#end + ROWS - 1) % ROWS] ?? 0) : null;
    if (last !== null && second <= last) return;
    for (const key of figures.keys()) if (!this.#columns.has(key)) this.#columns.set(key, numbers());
    if (last !== null && second - last > HOLE_S) this.#row(last + 1, new Map());
    this.#row(second, figures);
    while ((this.#times[this.#places(1)[0] ?? 0] ?? 0) < second - WINDOW_S) this.#length -= 1;
    for (const key of this.#columns.keys()) {
      if (!figures.has(key) && this.column(key).every((value) => value === null)) this.#columns.delete(key);
    }
  }

  #row(second: number, figures: Figures): void {
    this.#times[this.#end] = second;
    for (const [key, column] of this.#columns) column[this.#end] = figures.get(key) ?? Number.NaN;
    this.#end = (this.#end + 1) % ROWS;
    this.#length = Math.min(ROWS, this.#length + 1);
  }

  /** Where the oldest rows lie, in order. */
  #places(most = this.#length): number[] {
    return Array.from({ length: most }, (_, row) => (this.#end - this.#length + row + ROWS) % ROWS);
  }
}

/** What a channel's charts are drawn from. */
export function figuresOf(channel: ChannelStatus): Figures {
  const figures: Figures = new Map();
  for (const { id, measured, target } of channel.report?.renditions ?? []) {
    figures.set(`rendition/${id}/measured`, measured).set(`rendition/${id}/target`, target);
  }
  for (const { id, queue_seconds, line } of (channel.report ?? channel.remainder)?.destinations ?? []) {
    figures.set(`destination/${id}/waiting`, queue_seconds);
    if (line) figures.set(`destination/${id}/line`, line.measured).set(`destination/${id}/needed`, line.needed);
  }
  return figures;
}

const tables = new Map<string, Table>();
const NOTHING = new Table();

export function followHistory(): void {
  effect(() => {
    if (phase.value !== 'live' || !status.value) return;
    const second = Math.floor(performance.now() / 1000);
    const { channels } = status.value;
    for (const id of tables.keys()) if (!channels.some((channel) => channel.id === id)) tables.delete(id);
    for (const channel of channels) {
      const held = tables.get(channel.id) ?? new Table();
      held.add(second, figuresOf(channel));
      tables.set(channel.id, held);
    }
  });
}

export const historyOf = (channel: string): Table => tables.get(channel) ?? NOTHING;

/** Seconds from this computer's steady clock to the time of the box. */
export const shift = (): number => (now() - performance.now()) / 1000;
