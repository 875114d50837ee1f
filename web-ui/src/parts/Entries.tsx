// Entries of the timeline, newest first: as many as somebody wants to see, to be saved as a file.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Problem, TimelineEntry, TimelineEntryPage } from '../api';
import { read } from '../core/ask';
import { count, duration, stamp } from '../core/format';
import { useResource } from '../core/resource';
import { save } from '../core/save';
import { events, fresh } from '../core/store';
import { asked, csv, extended, type Known, refreshed } from '../core/timeline';
import { say, word } from '../words/say';
import { Region, Table, Trouble } from './Region';

const EVERY_MS = 5000;
/** After an event, until what is told in the same breath has come. */
const SOON_MS = 300;
/** Pages of a file; a show has fewer entries. */
const MOST_PAGES = 40;

const SHAPE = { info: '○', warning: '▲', error: '⬣' };

const behind = (path: string, place: string) => `${path}&cursor=${encodeURIComponent(place)}`;

export function Entries({ path }: { path: string }) {
  const found = useResource<TimelineEntryPage>(path, EVERY_MS);
  const known = useSignal<Known>({ entries: [], end: null });
  const refused = useSignal<Problem | null>(null);
  useEffect(() => {
    if (found.data) known.value = refreshed(known.peek(), found.data);
  }, [found.data]);
  // What has just happened is not waited for.
  const newest = events.value[0]?.seq;
  useEffect(() => {
    const timer = setTimeout(found.again, SOON_MS);
    return () => clearTimeout(timer);
  }, [newest]);
  const older = async () => {
    const place = known.peek().end;
    if (place === null) return;
    const reply = await read<TimelineEntryPage>(behind(path, place));
    refused.value = reply.ok ? null : reply.problem;
    if (reply.ok) known.value = extended(known.peek(), reply.data);
  };
  const { entries, end } = known.value;
  // One answer looks only so far back: what fits may lie before that.
  useEffect(() => {
    if (entries.length === 0 && end !== null) void older();
  }, [end]);
  return (
    <>
      <Region
        of={found}
        empty={({ items }) => items.length === 0 && entries.length === 0 && end === null}
        nothing={say('no_entry')}
      >
        {() => <List entries={entries} />}
      </Region>
      {refused.value ? <Trouble problem={refused.value} again={() => void older()} /> : null}
      <div class="row">
        <button type="button" disabled={end === null || !fresh.value} onClick={older}>
          {say('older')}
        </button>
        <Save path={path} />
      </div>
    </>
  );
}

function List({ entries }: { entries: TimelineEntry[] }) {
  const heads = [say('time_utc'), say('kind'), say('severity'), say('channel'), say('what_happened')];
  return (
    <Table title={say('page_timeline')} heads={heads}>
      {entries.map((one) => (
        <tr key={one.place} class={`severity-${one.severity} kind-${one.type}`}>
          <td class="number">{stamp(one.at)}</td>
          <td>{word('kind', one.type)}</td>
          <td class="severity">
            {SHAPE[one.severity]} {word('severity', one.severity)}
          </td>
          <td>{[one.channel, one.event?.subject].filter(Boolean).join(' / ') || say('the_box')}</td>
          <td class="name">{one.act ? <Act of={one} /> : <Happened of={one} />}</td>
        </tr>
      ))}
    </Table>
  );
}

function Happened({ of: { at, event } }: { of: TimelineEntry }) {
  if (!event) return null;
  const lasted = event.since ? duration((Date.parse(at) - Date.parse(event.since)) / 1000) : '';
  return (
    <>
      {event.since ? <strong>▨ {say('gap_of', { time: lasted, from: stamp(event.since) })} </strong> : null}
      <span lang="en">
        {event.text}
        {event.hint ? <span class="quiet">; {event.hint}</span> : ''} <span class="quiet">{event.code}</span>
      </span>
    </>
  );
}

function Act({ of }: { of: TimelineEntry }) {
  const act = of.act;
  if (!act) return null;
  const answer = `${act.status < 400 ? '✓' : '⬣'} ${act.status} ${act.code ?? ''}`;
  return (
    <>
      <strong>{act.who}</strong> <span class="quiet">{act.role ? word('role', act.role) : act.by}</span>{' '}
      <span lang="en">
        {asked(of)} <span class="quiet">{answer}</span>
      </span>
      {act.before == null && act.after == null ? null : (
        <details>
          <summary>{say('before_and_after')}</summary>
          <code>{JSON.stringify(act.before ?? null)}</code> → <code>{JSON.stringify(act.after ?? null)}</code>
        </details>
      )}
    </>
  );
}

/** All that fits, not only what is shown. */
function Save({ path }: { path: string }) {
  const busy = useSignal(false);
  const told = useSignal('');
  const refused = useSignal<Problem | null>(null);
  const all = async (): Promise<TimelineEntry[] | null> => {
    const whole = path.replace(/limit=\d+/, 'limit=500');
    let [entries, place]: [TimelineEntry[], string | null] = [[], null];
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const reply: Awaited<ReturnType<typeof read<TimelineEntryPage>>> = await read<TimelineEntryPage>(
        place === null ? whole : behind(whole, place),
      );
      refused.value = reply.ok ? null : reply.problem;
      if (!reply.ok) return null;
      entries = [...entries, ...reply.data.items];
      place = reply.data.next_cursor ?? null;
      if (place === null) break;
    }
    told.value = say(place === null ? 'saved_all' : 'saved_newest', { count: count(entries.length) });
    return entries;
  };
  const take = async (kind: 'csv' | 'json') => {
    busy.value = true;
    const entries = await all();
    busy.value = false;
    if (!entries) return;
    const text = kind === 'csv' ? csv(entries) : `${JSON.stringify(entries, null, 1)}\n`;
    save(`uplink-timeline.${kind}`, text, kind === 'csv' ? 'text/csv' : 'application/json');
  };
  return (
    <>
      {(['csv', 'json'] as const).map((kind) => (
        <button key={kind} type="button" disabled={busy.value || !fresh.value} onClick={() => take(kind)}>
          {say('save_as', { kind: kind.toUpperCase() })}
        </button>
      ))}
      <span role="status">{told.value}</span>
      {refused.value ? <Trouble problem={refused.value} /> : null}
    </>
  );
}
