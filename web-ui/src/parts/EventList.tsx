// What happened, newest first.

import type { Severity, StampedEvent } from '../api';
import { utc } from '../core/format';
import { events } from '../core/store';
import { say, word } from '../words/say';
import { Table } from './Region';

const SHAPE: Record<Severity, string> = { info: '○', warning: '▲', error: '⬣' };

interface Props {
  channel?: string | null;
  least?: Severity;
  most: number;
}

const RANK: Record<Severity, number> = { info: 0, warning: 1, error: 2 };

export function chosenEvents(all: StampedEvent[], { channel, least, most }: Props): StampedEvent[] {
  const fits = (one: StampedEvent) =>
    (!channel || one.channel === channel) && RANK[one.severity] >= RANK[least ?? 'info'];
  return all.filter(fits).slice(0, most);
}

export function EventList(props: Props) {
  const rows = chosenEvents(events.value, props);
  if (rows.length === 0) return <p class="empty">{say('no_event')}</p>;
  const heads = [say('time_utc'), say('severity'), ...(props.channel ? [] : [say('channel')]), say('what_happened')];
  return (
    <Table title={say('events')} heads={heads}>
      {rows.map((one) => (
        <tr key={one.seq} class={`severity-${one.severity}`}>
          <td class="number">{utc(one.at)}</td>
          <td class="severity">
            {SHAPE[one.severity]} {word('severity', one.severity)}
          </td>
          {props.channel ? null : <td>{[one.channel, one.subject].filter(Boolean).join(' / ') || say('the_box')}</td>}
          <td lang="en">
            {one.text}
            {one.hint ? <span class="quiet">; {one.hint}</span> : ''} <span class="quiet">{one.code}</span>
          </td>
        </tr>
      ))}
    </Table>
  );
}
