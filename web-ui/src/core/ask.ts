// Questions and orders to the daemon. Whatever goes wrong is a problem with a code, in one shape.

import type { Problem } from '../api';
import { met } from './troubles';

export type Reply<T> =
  | {
      ok: true;
      data: T;
      /** Names this version of a document, where the daemon says so. */
      tag: string | null;
    }
  | { ok: false; problem: Problem };

/** The daemon bounds every order at a minute. */
export const GIVE_UP_MS = 65_000;
const READ_MS = 6000;

async function ask<T>(path: string, init: RequestInit, within: number): Promise<Reply<T>> {
  try {
    const answer = await fetch(path, { ...init, signal: AbortSignal.timeout(within) });
    return await told<T>(init.method ?? 'GET', path, answer);
  } catch (error) {
    return unanswered<T>(init.method ?? 'GET', path, error instanceof Error ? error.name : String(error));
  }
}

/** What an answer says, good or not. */
export async function told<T>(method: string, path: string, answer: Response): Promise<Reply<T>> {
  const said = answer.status === 204 ? null : await answer.json();
  if (answer.ok) return { ok: true, data: said as T, tag: answer.headers.get('etag') };
  const { title = answer.statusText, detail = '', code = `http_${answer.status}` } = said as Partial<Problem>;
  const { errors, confirm, frozen } = said as Partial<Problem>;
  const request_id = answer.headers.get('x-request-id') ?? undefined;
  const problem = { title, detail, code, status: answer.status, request_id, errors, confirm, frozen };
  // To be asked for a confirmation is no refusal.
  if (!confirm) met(method, path, problem);
  return { ok: false, problem };
}

/** Nobody has answered. */
export function unanswered<T>(method: string, path: string, detail: string): Reply<T> {
  const problem = { title: 'No answer', detail, code: 'no_answer', status: 0 };
  met(method, path, problem);
  return { ok: false, problem };
}

/** A piece of a list that grows. */
export interface Listed<T> {
  items: T[];
  next_cursor: string | null;
}

export function read<T>(path: string): Promise<Reply<T>> {
  return ask<T>(path, { cache: 'no-store' }, READ_MS);
}

export interface Conditions {
  /** Only if what is changed is still this version. */
  tag?: string | null;
  /** Only if there is none yet. */
  absent?: boolean;
  /** The confirmation that the daemon asked for. */
  confirm?: string;
  /** What somebody has typed, of what cannot be brought back. */
  name?: string;
  /** Why a freeze is overridden. */
  override?: string;
}

export function headersOf({ tag, absent, confirm, name, override }: Conditions): Record<string, string> {
  const headers: Record<string, string> = {};
  if (tag) headers['if-match'] = tag;
  if (absent) headers['if-none-match'] = '*';
  if (confirm) headers.confirm = confirm;
  // A header has Latin-1 alone.
  if (name) headers['confirm-name'] = encodeURIComponent(name);
  if (override) headers.override = encodeURIComponent(override);
  return headers;
}

export function send<T>(method: string, path: string, body?: unknown, conditions: Conditions = {}): Promise<Reply<T>> {
  const headers = headersOf(conditions);
  if (body !== undefined) headers['content-type'] = 'application/json';
  return ask<T>(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) }, GIVE_UP_MS);
}

/**
 * The same for what somebody has confirmed in this panel already, in two places: a daemon that asks once more gets that
 * confirmation. One that wants a name typed does not: nobody has typed it.
 */
export async function sendSure<T>(
  method: string,
  path: string,
  body?: unknown,
  conditions: Conditions = {},
): Promise<Reply<T>> {
  const reply = await send<T>(method, path, body, conditions);
  const asked = reply.ok ? null : reply.problem.confirm;
  return asked && asked.name === null ? send<T>(method, path, body, { ...conditions, confirm: asked.token }) : reply;
}
