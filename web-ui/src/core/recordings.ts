// What is done with recordings that there are. Jobs go on by themselves: the daemon's list says how far they are.

import type { Clip, RecordingSummary } from '../api';
import { request } from './request';

type Named = Pick<RecordingSummary, 'channel' | 'id'>;

export const keyOf = ({ channel, id }: Named) => `${channel}/${id}`;
/** Where the refusal of what is asked of one is kept; each form has a part of its own. */
export const partOf = (one: Named, what: string) => `${what} ${keyOf(one)}`;

const pathOf = ({ channel, id }: Named) => `recordings/${encodeURIComponent(channel)}/${encodeURIComponent(id)}`;

/** Its playlist, or one of its movies. */
export function playable(one: Named, movie: string | null): string {
  const file = movie === null ? 'multivariant.m3u8' : `movies/${encodeURIComponent(movie)}`;
  return `/api/v1/${pathOf(one)}/files/${file}`;
}

/** Whether it was taken up. */
async function job(one: Named, what: string, body?: unknown): Promise<boolean> {
  const path = `${pathOf(one)}/${what}`;
  return (await request<unknown>({ part: partOf(one, what), method: 'POST', path, body })) !== null;
}

export const stitch = (one: Named, exact: boolean) => job(one, 'stitch', { exact });
export const verify = (one: Named) => job(one, 'verify');

/** `megabits` a second at most, if anything is written there. */
export function upload(one: Named, to: string, megabits: string): Promise<boolean> {
  const most = Number(megabits.trim().replace(',', '.'));
  return job(one, 'upload', { to, limit: most > 0 ? Math.round(most * 1e6) : null });
}

/** Fields of a form as the daemon wants them: what is empty is not said. Pure. */
export function clipOf(fields: Record<string, string>): Clip {
  const text = (name: string) => fields[name]?.trim() || null;
  const { movie, exact } = fields;
  return { from: text('from'), to: text('to'), title: text('title'), movie: movie === 'on', exact: exact === 'on' };
}

export const clip = (one: Named, fields: Record<string, string>) => job(one, 'clip', clipOf(fields));

/** Whether it was changed. */
async function change(one: Named, verb: string, method: string, path: string, body?: unknown): Promise<boolean> {
  const wanted = { part: partOf(one, 'change'), method, path, body, verb, channel: one.channel };
  return (await request<unknown>(wanted)) !== null;
}

export const protect = (one: Named, wanted: boolean) =>
  change(one, wanted ? 'protect' : 'unprotect', 'PATCH', pathOf(one), { protected: wanted });

/** It cannot be brought back: the daemon wants its name. */
export const remove = (one: Named) => change(one, 'delete_recording', 'DELETE', pathOf(one));

export const removeMovie = (one: Named, movie: string) =>
  change(one, 'delete_movie', 'DELETE', `${pathOf(one)}/movies/${encodeURIComponent(movie)}`);

export async function stopJob(id: number): Promise<void> {
  await request<unknown>({ part: 'jobs', method: 'DELETE', path: `recording-jobs/${id}` });
}
