// Freezing for a show, and ending that. What is frozen is what the daemon's document says.

import type { Freeze, FreezeOrder } from '../api';
import { request } from './request';
import { now } from './store';

/** Hours that a freeze can be set for; 0 until somebody ends it. */
export const HOURS = [1, 2, 4, 8, 12, 24, 0];

/** What is frozen then: the whole box where no channel is named. Pure. */
export function order(reason: string, hours: number, channels: string[], at: number): FreezeOrder {
  const until = hours > 0 ? new Date(at + hours * 3_600_000).toISOString() : null;
  return { reason: reason.trim(), until, channels };
}

/** Whether it was done. In place of a freeze that is there already, the daemon asks first. */
export async function freeze(reason: string, hours: number, channels: string[]): Promise<boolean> {
  const body = order(reason, hours, channels, now());
  return (await request<Freeze>({ part: 'freeze', method: 'PUT', path: 'freeze', body })) !== null;
}

/** The daemon asks first: a guard is gone then. */
export function thaw(): void {
  void request({ part: 'thaw', method: 'DELETE', path: 'freeze' });
}
