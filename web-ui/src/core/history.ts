// The last minutes of what is measured, kept by this panel: it begins when the panel is loaded. A time in which nothing was
// heard is a hole, not a line.

import { effect } from '@preact/signals';
import type { ChannelStatus } from '../api';
import { phase, status } from './store';

/** One figure a second, for two minutes. */
export const SAMPLES = 120;
const EVERY_MS = 1000;

/** Newest last; null is a hole. */
export type Course = (number | null)[];

const courses = new Map<string, { at: number; values: Course }>();

/** Adds `value` of the second `now`, with holes for seconds that were missed. Pure. */
export function extended(values: Course, gap: number, value: number | null): Course {
  const holes = Math.min(SAMPLES, Math.max(0, gap - 1));
  return [...values, ...Array<null>(holes).fill(null), value].slice(-SAMPLES);
}

function put(key: string, second: number, value: number | null): void {
  const known = courses.get(key);
  if (known?.at === second) return;
  const values = extended(known?.values ?? [], known ? second - known.at : 1, value);
  courses.set(key, { at: second, values });
}

function keep(channel: ChannelStatus, second: number): void {
  const report = channel.report;
  for (const one of report?.renditions ?? []) put(`${channel.id}/rendition/${one.id}`, second, one.measured);
  const destinations = (report ?? channel.remainder)?.destinations ?? [];
  for (const one of destinations) put(`${channel.id}/destination/${one.id}`, second, one.queue_seconds);
}

export function followHistory(): void {
  effect(() => {
    if (phase.value !== 'live') return;
    // By the steady clock: whoever sets this computer's clock draws no line.
    const second = Math.floor(performance.now() / EVERY_MS);
    for (const channel of status.value?.channels ?? []) keep(channel, second);
  });
}

/** What is known of a rendition's bit rate, or of a destination's backlog. */
export function courseOf(channel: string, kind: 'rendition' | 'destination', id: string): Course {
  return courses.get(`${channel}/${kind}/${id}`)?.values ?? [];
}
