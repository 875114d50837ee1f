// One file for support: what the daemon says of itself, and what this panel saw. The daemon leaves secrets out of its
// documents.

import { read } from './ask';
import { clock } from './store';
import { troubles } from './troubles';

const DOCUMENTS = [
  'status',
  'capacity',
  'config',
  'alarms',
  'devices',
  'notify',
  'recording-jobs',
  'events/recent?limit=500',
];

/** Each document, or why there is none: what is missing is no reason to send nothing. */
export async function whole(): Promise<string> {
  const each = DOCUMENTS.map(async (name) => {
    const reply = await read<unknown>(`/api/v1/${name}`);
    // Its keys are enough: a file with a fault may hold what should not be in it.
    const data =
      reply.ok && name === 'config' ? { ...(reply.data as object), text: undefined } : reply.ok && reply.data;
    return [name.replace(/\?.*/, ''), reply.ok ? data : { problem: reply.problem }] as const;
  });
  const panel = {
    made_at: new Date().toISOString(),
    clock_behind_ms: Math.round(clock.ahead),
    agent: navigator.userAgent,
    window: `${innerWidth}x${innerHeight}`,
    refusals: troubles.peek(),
  };
  return JSON.stringify({ panel, ...Object.fromEntries(await Promise.all(each)) }, null, 2);
}
