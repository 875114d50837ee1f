// Who else is here: what the event stream said last.

import { signal } from '@preact/signals';
import type { Presence, Role } from '../api';

export const presence = signal<Presence | null>(null);

const ORDER: (Role | null)[] = ['admin', 'engineer', 'operator', 'viewer', null];

/** How many panels each role has open, those that may most first. Pure. */
export function byRole({ present }: Presence): [Role | null, number][] {
  const panels = present.filter((one) => one.seat === 'panel');
  const count = (role: Role | null) =>
    panels.reduce((sum, one) => sum + ((one.role ?? null) === role ? one.streams : 0), 0);
  return ORDER.map((role): [Role | null, number] => [role, count(role)]).filter(([, many]) => many > 0);
}
