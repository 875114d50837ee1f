// How long a certificate is good, by the daemon's own word of when it has to be renewed. Pure.

import type { ShownCertificate } from '../api';

const DAY_MS = 86_400_000;

export type Validity = { state: 'good' | 'soon' | 'over' | 'early'; days: number };

/** Days are those that are left, or that have gone since. */
export function validity(one: Pick<ShownCertificate, 'begins' | 'ends' | 'renew_by'>, now: number): Validity {
  const left = Date.parse(one.ends) - now;
  const days = Math.floor(Math.abs(left) / DAY_MS);
  if (left <= 0) return { state: 'over', days };
  if (Date.parse(one.begins) > now) return { state: 'early', days };
  return { state: Date.parse(one.renew_by) <= now ? 'soon' : 'good', days };
}
