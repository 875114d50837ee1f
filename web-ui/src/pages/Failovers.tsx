// What has switched of a channel, newest first.

import type { ChannelStatus } from '../api';
import { duration, stamp } from '../core/format';
import { events } from '../core/store';
import { Table } from '../parts/Region';
import { say } from '../words/say';

/** What has switched: program and endpoints, by the events that are held, and each destination's last switch with its time. */
export function Failovers({ channel }: { channel: ChannelStatus }) {
  const last = (channel.report?.destinations ?? []).flatMap((one) =>
    one.last_switch ? [{ id: one.id, ...one.last_switch }] : [],
  );
  const switches = ['program_switched', 'endpoint_switched', 'slate_on', 'slate_off'];
  const told = events.value.filter((one) => one.channel === channel.id && switches.includes(one.code)).slice(0, 12);
  if (last.length === 0 && told.length === 0) return <p class="empty">{say('no_failover')}</p>;
  return (
    <Table title={say('failovers')} heads={[say('time_utc'), say('of_what'), say('what_happened')]}>
      {last.map((one) => (
        <tr key={one.id}>
          <td class="number">{stamp(one.at)}</td>
          <th scope="row">{one.id}</th>
          <td>
            {say('switched', {
              from: one.from,
              to: one.to,
              time: one.playable_seconds == null ? '–' : duration(one.playable_seconds),
            })}{' '}
            <span class="quiet" lang="en">
              {one.why}
            </span>
          </td>
        </tr>
      ))}
      {told.map((one) => (
        <tr key={one.seq}>
          <td class="number">{stamp(one.at)}</td>
          <th scope="row">{one.subject ?? say('program')}</th>
          <td lang="en">{one.text}</td>
        </tr>
      ))}
    </Table>
  );
}
