// From what is kept to what is drawn. Pure.

import { bits, duration } from './format';
import { type Column, type Table, WINDOW_S } from './history';

/** A chart begins with so much, and grows with what is known. */
const LEAST_S = 120;

export type Kind = 'bits' | 'seconds';

export const spelled: Record<Kind, (value: number | null | undefined) => string> = {
  bits,
  seconds: (value) => (value == null ? '–' : duration(value)),
};

export interface Unit {
  name: string;
  /** How much one of it is. */
  of: number;
}

/** The unit in which figures up to `top` are numbers that one can read. */
export function unitOf(kind: Kind, top: number): Unit {
  if (kind === 'bits') return top >= 1e6 ? { name: 'Mbit/s', of: 1e6 } : { name: 'kbit/s', of: 1e3 };
  if (top >= 7200) return { name: 'h', of: 3600 };
  return top >= 180 ? { name: 'min', of: 60 } : { name: 's', of: 1 };
}

/** Seconds of UTC, and a column for each key; one that is not known is all holes. */
export function shaped(table: Table, keys: string[], shift: number): [number[], ...Column[]] {
  return [table.at.map((second) => second + shift), ...keys.map((key) => table.column(key))];
}

/** The axis of time: to `end`, from what is known. */
export function span(times: number[], end: number): [number, number] {
  const known = end - (times[0] ?? end);
  return [end - Math.min(WINDOW_S, Math.max(LEAST_S, known)), end];
}

/** The top of the scale: room over all that is drawn, and never nothing. */
export function topOf(least: number, columns: Column[]): number {
  return columns.flat().reduce<number>((top, value) => Math.max(top, (value ?? 0) * 1.05), Math.max(least, 1));
}

/** Times in which nothing is known, each from the last that was to the next. */
export function holes(times: number[], column: Column): [number, number][] {
  const found: [number, number][] = [];
  let before: number | null = null;
  let open = false;
  column.forEach((value, place) => {
    const time = times[place] ?? 0;
    if (value === null) open = before !== null;
    else {
      if (open && before !== null) found.push([before, time]);
      [before, open] = [time, false];
    }
  });
  const last = times.at(-1);
  if (open && before !== null && last !== undefined) found.push([before, last]);
  return found;
}

/** The least, the greatest and the newest that is known; none if nothing is. */
export function extent(column: Column): { low: number; high: number; newest: number | null } | null {
  const known = column.filter((value) => value !== null);
  if (known.length === 0) return null;
  return {
    low: known.reduce((low, value) => Math.min(low, value)),
    high: known.reduce((high, value) => Math.max(high, value)),
    newest: column.at(-1) ?? null,
  };
}
