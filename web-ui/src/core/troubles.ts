// What this panel was refused since it was loaded: each with the id by which the daemon's log knows the request.

import { signal } from '@preact/signals';
import type { Problem } from '../api';

export interface Trouble {
  at: number;
  asked: string;
  problem: Problem;
  /** So many times in a row. */
  times: number;
}

/** That many are kept. */
const MOST = 30;

/** Newest first. */
export const troubles = signal<Trouble[]>([]);

export function met(method: string, path: string, problem: Problem): void {
  // That it has no users, or no alarms, is no trouble of a daemon.
  if (problem.status === 404 && method === 'GET') return;
  const asked = `${method} ${path.replace(/\?.*/, '')}`;
  const [last, ...rest] = troubles.peek();
  const again = last?.asked === asked && last.problem.code === problem.code;
  const now = { at: Date.now(), asked, problem, times: again ? last.times + 1 : 1 };
  troubles.value = [now, ...(again ? rest : troubles.peek())].slice(0, MOST);
}
