// What is known, and whether it is still so. Only the link writes here; everything that is drawn reads.

import { computed, signal } from '@preact/signals';
import type { ApplianceStatus, ChannelStatus, StampedEvent } from '../api';
import { attention, type Change } from './reduce';

/** `lost`: what is shown is what was last known. */
export type Phase = 'connecting' | 'live' | 'lost' | 'forbidden';

export interface Return {
  /** Milliseconds that nothing was heard. */
  silence: number;
  at: number;
  changes: Change[];
}

export const status = signal<ApplianceStatus | null>(null);
export const phase = signal<Phase>('connecting');
export const events = signal<StampedEvent[]>([]);
/** What the last return found; none when somebody has seen it. */
export const returned = signal<Return | null>(null);
/** Beats twice a second: what moves by the clock alone reads it. */
export const tick = signal(0);

/** Milliseconds that the daemon's clock is ahead of this one, and when its last word came, by this one. */
export const clock = { ahead: 0, heard: 0 };

export const fresh = computed(() => phase.value === 'live');
export const notices = computed(() => (status.value ? attention(status.value) : []));

/** The daemon's clock now. */
export function now(): number {
  return Date.now() + clock.ahead;
}

/** The daemon's time of what is shown: it stands still when nothing is heard. */
export function known(): number {
  return phase.peek() === 'live' ? now() : clock.heard + clock.ahead;
}

/** Seconds from `time` to what is shown. */
export function since(time: string): number {
  return (known() - Date.parse(time)) / 1000;
}

export function channelOf(id: string): ChannelStatus | null {
  return status.value?.channels.find((channel) => channel.id === id) ?? null;
}
