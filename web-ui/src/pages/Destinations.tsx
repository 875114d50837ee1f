// Where it goes, and what happens when it breaks: backlog, endpoints, the last failover, drills.

import type { ChannelStatus, DestinationStatus } from '../api';
import * as acts from '../core/acts';
import * as destinations from '../core/destinations';
import { under } from '../core/dispatch';
import { level, stamp } from '../core/format';
import { status } from '../core/store';
import { Section } from '../parts/Frame';
import { Message } from '../parts/Message';
import { Probes } from '../parts/Probe';
import { Table } from '../parts/Region';
import { Waiting } from '../parts/Waiting';
import { say, word } from '../words/say';
import { DestinationCharts } from './Charts';
import { Rest } from './Rest';
import { DestinationRows } from './rows';

export function Destinations() {
  const document = status.value;
  if (!document) return <Waiting />;
  const rows = document.channels.flatMap((channel) =>
    ((channel.report ?? channel.remainder)?.destinations ?? []).map((destination) => ({ channel, destination })),
  );
  const left = document.channels.filter(acts.delivers);
  const backed = rows.filter(({ destination }) => (destination.endpoints ?? []).length > 1);
  return (
    <div class="page">
      <Section title={say('page_destinations')} id="all">
        {rows.length > 0 ? <DestinationRows rows={rows} /> : <p class="empty">{say('no_destination')}</p>}
      </Section>
      {left.length > 0 ? (
        <Section title={say('rest')} id="rest">
          {left.map((channel) => (
            <div key={channel.id}>
              <Rest channel={channel} />
              <Message channel={channel.id} />
            </div>
          ))}
        </Section>
      ) : null}
      <Section title={say('failover')} id="failover">
        {backed.length === 0 ? (
          <p class="empty">{say('no_backup')}</p>
        ) : (
          <Table
            title={say('failover')}
            heads={[say('destination'), say('in_use'), say('last_switch'), say('last_drill'), say('drill')]}
          >
            {backed.map(({ channel, destination }) => (
              <Backup key={`${channel.id}/${destination.id}`} channel={channel} one={destination} />
            ))}
          </Table>
        )}
      </Section>
      {rows.length > 0 ? (
        <Section title={say('last_minutes')} id="charts">
          <div class="charts">
            {rows.map(({ channel, destination }) => (
              <DestinationCharts key={`${channel.id}/${destination.id}`} channel={channel} one={destination} />
            ))}
          </div>
        </Section>
      ) : null}
      <Probes />
    </div>
  );
}

const seconds = (value: number | null | undefined) => (value == null ? '–' : `${level(value)} s`);

function Backup({ channel, one }: { channel: ChannelStatus; one: DestinationStatus }) {
  const active = (one.endpoints ?? []).filter((end) => end.duty === 'active').map((end) => end.name);
  const { last_switch: switched, last_drill: drilled } = one;
  const current = under.value[channel.id]?.order;
  const mine = current?.verb === 'drill' && current.about === one.id;
  const name = `${channel.title} / ${one.id}`;
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>
        {active.join(', ') || '–'} {one.forced ? `(${say('forced')})` : ''}
      </td>
      <td>
        {switched ? (
          <>
            {stamp(switched.at)} {switched.from} → {switched.to} ({seconds(switched.playable_seconds)}){' '}
            <span class="quiet" lang="en">
              {switched.why}
            </span>
          </>
        ) : (
          '–'
        )}
      </td>
      <td>
        {drilled ? (
          <>
            {stamp(drilled.at)} {drilled.endpoint}:{' '}
            {drilled.trouble ? <span lang="en">⬣ {drilled.trouble}</span> : seconds(drilled.playable_seconds)}
          </>
        ) : (
          say('never_drilled')
        )}
      </td>
      <td>
        <button
          type="button"
          aria-label={`${word('verb', 'drill')} ${name}`}
          disabled={!acts.may(channel.id) || channel.order !== 'on_air'}
          onClick={() => destinations.drill(channel, one)}
        >
          {word('verb', 'drill')}
        </button>
        {mine ? <Message channel={channel.id} /> : null}
      </td>
    </tr>
  );
}
