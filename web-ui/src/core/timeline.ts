// The timeline as it is asked for, joined and saved. Pure.
//
//   newest page, again and again ─┐
//   older pages, as asked for ────┴─▶ one list, each entry once

import type { EntryKind, Severity, TimelineEntry, TimelineEntryPage } from '../api';

export const KINDS: EntryKind[] = ['program', 'alarm', 'act', 'gap', 'event'];

/** What of it is wanted; times in UTC as an input for them has them. */
export interface Wanted {
  kinds: EntryKind[];
  channel: string;
  least: Severity;
  from: string;
  to: string;
}

/** The address of its newest page; none for times that are not written to the end. */
export function address({ kinds, channel, least, from, to }: Wanted, limit: number): string {
  const query = new URLSearchParams({ limit: String(limit) });
  if (kinds.length < KINDS.length) query.set('types', kinds.join(','));
  if (channel) query.set('channel', channel);
  if (least !== 'info') query.set('severity', least);
  for (const [name, time] of Object.entries({ from, to })) {
    const at = Date.parse(`${time}Z`);
    if (!Number.isNaN(at)) query.set(name, new Date(at).toISOString());
  }
  return `/api/v1/timeline?${query}`;
}

const parts = (place: string): bigint[] => place.split('-').map(BigInt);

/** Newest first. Times of two entries may be one. */
export function byPlace(a: TimelineEntry, b: TimelineEntry): number {
  const [one, other] = [parts(a.place), parts(b.place)];
  const differs = one.findIndex((part, n) => part !== other[n]);
  return differs < 0 ? 0 : (one[differs] ?? 0n) > (other[differs] ?? 0n) ? -1 : 1;
}

export interface Known {
  entries: TimelineEntry[];
  /** What is older goes on from here; none if there is no more. */
  end: string | null;
}

/** With its newest page as it is now. If that does not reach what is known, there would be a hole: it begins anew. */
export function refreshed(known: Known, page: TimelineEntryPage): Known {
  const [oldest, newest] = [page.items.at(-1), known.entries[0]];
  const apart = page.next_cursor != null && newest && oldest && byPlace(oldest, newest) < 0;
  if (known.entries.length === 0 || apart) return { entries: page.items, end: page.next_cursor ?? null };
  return { ...known, entries: joined(known.entries, page.items) };
}

/** With one more page of older ones. */
export function extended(known: Known, page: TimelineEntryPage): Known {
  return { entries: joined(known.entries, page.items), end: page.next_cursor ?? null };
}

function joined(some: TimelineEntry[], more: TimelineEntry[]): TimelineEntry[] {
  const all = new Map([...some, ...more].map((one) => [one.place, one]));
  return [...all.values()].sort(byPlace);
}

/** What somebody asked for, in one line. */
export function asked(entry: TimelineEntry): string {
  const { act } = entry;
  if (!act) return '';
  const method = act.action.split(' ')[0];
  return [method, act.target, act.asked == null ? '' : JSON.stringify(act.asked)].filter(Boolean).join(' ');
}

const COLUMNS = ['at', 'since', 'type', 'severity', 'channel', 'subject', 'who', 'code', 'text', 'hint'];

/** For a spreadsheet (RFC 4180). */
export function csv(entries: TimelineEntry[]): string {
  const row = (entry: TimelineEntry): (string | null | undefined)[] => {
    const { at, type, severity, channel, event, act } = entry;
    const head = [at, event?.since, type, severity, channel];
    if (event) return [...head, event.subject, null, event.code, event.text, event.hint];
    return [...head, null, act?.who, act?.code ?? String(act?.status ?? ''), asked(entry), null];
  };
  return [COLUMNS, ...entries.map(row)].map((cells) => `${cells.map(cell).join(',')}\r\n`).join('');
}

/** A spreadsheet takes some texts for formulas: somebody else has written them. */
function cell(value: string | null | undefined): string {
  const text = value ?? '';
  return `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
}
