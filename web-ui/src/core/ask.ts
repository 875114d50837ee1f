// Questions and orders to the daemon. Whatever goes wrong is a problem with a code, in one shape.

import type { Problem } from '../api';

export type Reply<T> = { ok: true; data: T } | { ok: false; problem: Problem };

/** The daemon bounds every order at a minute. */
const GIVE_UP_MS = 65_000;
const READ_MS = 6000;

async function ask<T>(path: string, init: RequestInit, within: number): Promise<Reply<T>> {
  try {
    const answer = await fetch(path, { ...init, signal: AbortSignal.timeout(within) });
    const said = answer.status === 204 ? null : await answer.json();
    if (answer.ok) return { ok: true, data: said as T };
    const {
      title = answer.statusText,
      detail = '',
      code = `http_${answer.status}`,
      confirm,
    } = said as Partial<Problem>;
    return { ok: false, problem: { title, detail, code, status: answer.status, confirm } };
  } catch (error) {
    const detail = error instanceof Error ? error.name : String(error);
    return { ok: false, problem: { title: 'No answer', detail, code: 'no_answer', status: 0 } };
  }
}

/** Lists are plain, or pages with `items`. */
export type Listed<T> = T[] | { items: T[] };

export function items<T>(list: Listed<T>): T[] {
  return Array.isArray(list) ? list : list.items;
}

export function read<T>(path: string): Promise<Reply<T>> {
  return ask<T>(path, { cache: 'no-store' }, READ_MS);
}

interface Conditions {
  /** The confirmation that the daemon asked for. */
  confirm?: string;
}

export function send<T>(method: string, path: string, body?: unknown, { confirm }: Conditions = {}): Promise<Reply<T>> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (confirm) headers.confirm = confirm;
  return ask<T>(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) }, GIVE_UP_MS);
}

/**
 * The same for what somebody has confirmed in this panel already, in two places: a daemon that asks once more gets that
 * confirmation. One that wants a name typed does not: nobody has typed it.
 */
export async function sendSure<T>(method: string, path: string, body?: unknown): Promise<Reply<T>> {
  const reply = await send<T>(method, path, body);
  const asked = reply.ok ? null : reply.problem.confirm;
  return asked && asked.name === null ? send<T>(method, path, body, { confirm: asked.token }) : reply;
}
