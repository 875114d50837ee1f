// The images of the box, for slates and logos: sent, replaced, deleted. A new one takes no other's place, and what is
// replaced or deleted is the file that was seen.

import { signal } from '@preact/signals';
import type { Image } from '../api';
import type { Conditions, Reply } from './ask';
import { sendAsked } from './consent';
import { request } from './request';
import { putFile } from './upload';

/** The daemon takes no larger one. */
export const MOST_BYTES = 2 * 1024 * 1024;

/** What a name is: the daemon refuses others. */
export const NAME = '[A-Za-z0-9\\-_][A-Za-z0-9\\-_.]{0,59}\\.([pP][nN][gG]|[jJ][pP][eE]?[gG])';

/** How much of the file that is being sent has left, from 0 to 1; none if none is. */
export const sent = signal<number | null>(null);
/** The one that was sent here last, and how often something has changed: also through a broken glass, a while after the press. */
export const kept = signal<string | null>(null);
export const changes = signal(0);

/** With its tag, it is another one when it is another file. */
export const address = ({ name, tag }: Image) => `/api/v1/${pathOf(name)}?tag=${encodeURIComponent(tag)}`;

const pathOf = (name: string) => `images/${encodeURIComponent(name)}`;

/** The name of a file as the box takes it. Pure. */
export function nameFor(file: string): string {
  const name = file.replace(/.*[\\/]/, '').replace(/[^A-Za-z0-9\-_.]+/g, '-');
  return name.replace(/^\.+/, '').slice(-64);
}

/** Whatever came of it, it is looked at anew. */
function came<T>(reply: Reply<T>): Reply<T> {
  changes.value += 1;
  return reply;
}

/** Sends it, in place of `old` where there is one. */
export async function put(name: string, file: Blob, old: Image | undefined): Promise<void> {
  kept.value = null;
  const conditions = old ? { tag: old.tag } : { absent: true };
  const verb = old ? 'replace_image' : 'send_image';
  const progress = (part: number) => {
    sent.value = part;
  };
  const give = async <T>(_: string, path: string, __?: unknown, given: Conditions = {}): Promise<Reply<T>> => {
    const reply = await putFile<T>(path, file, given, progress);
    sent.value = null;
    if (reply.ok) kept.value = name;
    return came(reply);
  };
  await request<Image>({ part: 'put-image', method: 'PUT', path: pathOf(name), verb, about: name }, conditions, give);
}

/** The daemon asks first. */
export async function remove({ name, tag }: Image): Promise<void> {
  const give = async <T>(method: string, path: string, body?: unknown, given?: Conditions): Promise<Reply<T>> =>
    came(await sendAsked<T>(method, path, body, given));
  const wanted = { part: 'images', method: 'DELETE', path: pathOf(name), verb: 'delete_image', about: name };
  await request(wanted, { tag }, give);
}
