// A stream class that is made of another, deleted, or freed of its old versions.

import { signal } from '@preact/signals';
import type { PrunedStreamClass, StreamClassFile } from '../api';
import { read, sendSure } from './ask';
import { deskOf } from './draft';
import { request } from './request';

/** The one that was deleted here last. */
export const deleted = signal<string | null>(null);

/** What a name is: the daemon refuses others. */
export const NAME = '[a-z0-9][a-z0-9\\-]{0,62}';

const pathOf = (name: string) => `stream-classes/${encodeURIComponent(name)}`;

/** A class says its own name, which is that of its file, before any table of it. Pure. */
export function renamed(text: string, name: string): string {
  const [head = ''] = text.split(/^[ \t]*\[/m, 1);
  const named = head.replace(/^([ \t]*name[ \t]*=[ \t]*)("[^"\n]*"|'[^'\n]*')/m, `$1"${name}"`);
  return named + text.slice(head.length);
}

/** Begins a draft of `name` with the text of another one; whether that could be read. */
export async function copy(name: string, of: string): Promise<boolean> {
  const found = await read<StreamClassFile>(`/api/v1/${pathOf(of)}`);
  if (!found.ok || found.data.text == null) return false;
  const desk = deskOf(name);
  desk.forget();
  desk.draft.value = { base: '', text: renamed(found.data.text, name) };
  return true;
}

/** Confirmed here, in two places. Only as it is known. */
export async function remove(name: string, tag: string | null): Promise<boolean> {
  const wanted = { part: 'class', method: 'DELETE', path: pathOf(name), verb: 'delete_class', about: name };
  const done = (await request<unknown>(wanted, { tag }, sendSure)) !== null;
  if (done) {
    deskOf(name).draft.value = null;
    deskOf(name).forget();
    deleted.value = name;
  }
  return done;
}

/** The daemon asks first, and wants the name typed: they do not come back. */
export function prune(name: string, keep: number): Promise<PrunedStreamClass | null> {
  const path = `${pathOf(name)}/prune`;
  return request({ part: 'prune', method: 'POST', path, body: { keep }, verb: 'prune_class', about: name });
}
