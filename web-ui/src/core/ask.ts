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
const GIVE_UP_MS = 65_000;
const READ_MS = 6000;

async function ask<T>(path: string, init: RequestInit, within: number): Promise<Reply<T>> {
  try {
    const answer = await fetch(path, { ...init, signal: AbortSignal.timeout(within) });
    const said = answer.status === 204 ? null : await answer.json();
    if (answer.ok) return { ok: true, data: said as T, tag: answer.headers.get('etag') };
    const { title = answer.statusText, detail = '', code = `http_${answer.status}` } = said as Partial<Problem>;
    const { errors, confirm, frozen } = said as Partial<Problem>;
    const request_id = answer.headers.get('x-request-id') ?? undefined;
    const problem = { title, detail, code, status: answer.status, request_id, errors, confirm, frozen };
    // To be asked for a confirmation is no refusal.
    if (!confirm) met(init.method ?? 'GET', path, problem);
    return { ok: false, problem };
  } catch (error) {
    const detail = error instanceof Error ? error.name : String(error);
    const problem = { title: 'No answer', detail, code: 'no_answer', status: 0 };
    met(init.method ?? 'GET', path, problem);
    return { ok: false, problem };
  }
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
  /** The confirmation that the daemon asked for. */
  confirm?: string;
  /** What somebody has typed, of what cannot be brought back. */
  name?: string;
  /** Why a freeze is overridden. */
  override?: string;
}

export function send<T>(
  method: string,
  path: string,
  body?: unknown,
  { tag, confirm, name, override }: Conditions = {},
): Promise<Reply<T>> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (tag) headers['if-match'] = tag;
  if (confirm) headers.confirm = confirm;
  // A header has Latin-1 alone.
  if (name) headers['confirm-name'] = encodeURIComponent(name);
  if (override) headers.override = encodeURIComponent(override);
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
