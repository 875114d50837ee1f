// Whether the box's clock is kept right. Pure.

import type { ApplianceStatus } from '../api';

/** From here on the daemon raises an alarm, too. */
const OFF_MS = 100;

export type Sync = 'good' | 'off' | 'none' | 'unknown';

export function sync(clock: ApplianceStatus['clock']): Sync {
  if (!clock) return 'unknown';
  if (!clock.synchronised) return 'none';
  return clock.error_ms > OFF_MS ? 'off' : 'good';
}
