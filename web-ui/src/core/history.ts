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

export interface Table {
  /** Seconds of this computer's steady clock: whoever sets its other one draws no line. */
  at: number[];
  columns: Map<string, Column>;
}

export const table = (): Table => ({ at: [], columns: new Map() });

/** By the name of their column. */
export type Figures = Map<string, number | null>;

/** One more row, if its second has none. */
export function add({ at, columns }: Table, second: number, figures: Figures): void {
  const last = at.at(-1);
  if (last !== undefined && second <= last) return;
  const row = (moment: number, values: Figures) => {
    at.push(moment);
    for (const [key, column] of columns) column.push(values.get(key) ?? null);
  };
  for (const key of figures.keys()) if (!columns.has(key)) columns.set(key, Array(at.length).fill(null));
  if (last !== undefined && second - last > HOLE_S) row(last + 1, new Map());
  row(second, figures);
  const old = at.findIndex((moment) => moment >= second - WINDOW_S);
  at.splice(0, old);
  for (const [key, column] of columns) {
    column.splice(0, old);
    if (!figures.has(key) && column.every((value) => value === null)) columns.delete(key);
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
const NOTHING = table();

export function followHistory(): void {
  effect(() => {
    if (phase.value !== 'live' || !status.value) return;
    const second = Math.floor(performance.now() / 1000);
    const { channels } = status.value;
    for (const id of tables.keys()) if (!channels.some((channel) => channel.id === id)) tables.delete(id);
    for (const channel of channels) {
      const held = tables.get(channel.id) ?? table();
      add(held, second, figuresOf(channel));
      tables.set(channel.id, held);
    }
  });
}

export const historyOf = (channel: string): Table => tables.get(channel) ?? NOTHING;

/** Seconds from this computer's steady clock to the time of the box. */
export const shift = (): number => (now() - performance.now()) / 1000;
