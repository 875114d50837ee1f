// Users, sessions, tokens and the audit log, as the daemon knows them. An act is followed by a look at what came of it.

import { signal } from '@preact/signals';
import type { Role, Time } from '../api';
import { sendSure } from './ask';
import { request } from './request';

export interface User {
  name: string;
  role: Role;
  created: Time;
  disabled: boolean;
}

export interface Session {
  id: string;
  user: string;
  created: Time;
  last_used: Time;
  ends: Time;
  from: string;
  agent: string;
  /** It is this one. */
  own: boolean;
}

export interface Token {
  id: string;
  name: string;
  role: Role | null;
  scopes: string[];
  created: Time;
  created_by: string;
  expires: Time | null;
  last_used: Time | null;
}

export interface Audited {
  id: number;
  at: Time;
  who: string;
  role?: Role;
  by: string;
  from: string;
  action: string;
  target: string;
  status: number;
  code?: string;
}

export interface Audit {
  items: Audited[];
  next_cursor?: string | null;
}

export const ROLES: Role[] = ['viewer', 'operator', 'engineer', 'admin'];
export const SCOPES = ['metrics', 'origin', 'unguarded'];

/** What a new token is: told once, and gone with the page. */
export const made = signal<{ name: string; token: string } | null>(null);

/** One act at a time. What came of it; none if it was not done. */
export function act<T>(part: string, method: string, path: string, body?: unknown): Promise<T | null> {
  return request<T>({ part, method, path, body }, {}, sendSure);
}

/** RFC 3339, so many days from `now`; null for ever. Pure. */
export function expiry(days: number, now: number): Time | null {
  return days > 0 ? new Date(now + days * 86_400_000).toISOString() : null;
}
