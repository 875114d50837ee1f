// What sounds, and when. An alarm that nobody has seen sounds once each time that it is raised, or comes back from where it
// was put aside; what can wait for days never does. Pure.

import type { Alarm } from '../api';
import type { Phase } from './store';

export type Chime = 'critical' | 'warning' | 'lost' | 'back';

/** Each raise of an alarm that wants somebody now. */
function calls(all: Alarm[]): Map<string, Chime> {
  const open = all.filter((one) => one.active && one.acked === null && one.shelved === null);
  const loud = open.flatMap((one) =>
    one.priority === 'info' ? [] : [[`${one.id} ${one.raised}`, one.priority] as const],
  );
  return new Map(loud);
}

/** What is to sound now, and what has sounded by then: the same is not heard twice. */
export function called(heard: ReadonlySet<string>, all: Alarm[]): { chime: Chime | null; heard: Set<string> } {
  const now = calls(all);
  const fresh = [...now].filter(([key]) => !heard.has(key)).map(([, chime]) => chime);
  const chime = fresh.includes('critical') ? 'critical' : (fresh[0] ?? null);
  return { chime, heard: new Set(now.keys()) };
}

/** A link that is lost, or back. */
export function linked(before: Phase, now: Phase): Chime | null {
  if (before === 'live' && now === 'lost') return 'lost';
  return before === 'lost' && now === 'live' ? 'back' : null;
}
