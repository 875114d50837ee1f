// Who is in front of this surface, and what they may. A daemon that has no such thing lets everybody do everything.

import { effect, signal } from '@preact/signals';
import type { Problem, Role, Who } from '../api';
import { read, send } from './ask';
import { phase } from './store';

export const who = signal<Who | null>(null);
/** What is asked for before anything is shown. */
export const door = signal<'login' | 'setup' | 'closed'>('closed');

const RANK: Record<Role, number> = { viewer: 0, operator: 1, engineer: 2, admin: 3 };

/** Whether this person has at least this role. */
export function has(role: Role): boolean {
  const known = who.value;
  if (!known || known.access === 'open') return true;
  return known.role !== null && RANK[known.role] >= RANK[role];
}

/** The daemon shows nothing to whoever is here; the problem says what it wants. */
export function refused(problem: Problem): void {
  who.value = null;
  if (problem.status !== 401) door.value = 'closed';
  else door.value = problem.code === 'setup_required' ? 'setup' : 'login';
}

async function look(): Promise<void> {
  const reply = await read<Who>('/api/v1/session');
  if (reply.ok) who.value = reply.data;
  else if (reply.problem.status === 404) who.value = null;
}

/** Looks again whenever the link comes back: another daemon, another session. */
export function followSession(): void {
  effect(() => {
    if (phase.value === 'live') void look();
  });
}

export async function enter(path: 'session' | 'setup', form: Record<string, string>): Promise<Problem | null> {
  const reply = await send<unknown>('POST', `/api/v1/${path}`, form);
  return reply.ok ? null : reply.problem;
}

export async function leave(): Promise<void> {
  await send<unknown>('DELETE', '/api/v1/session');
  // A new page: nothing that was shown stays.
  location.reload();
}
