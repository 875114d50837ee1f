// What the box can carry, what is taken, and what else fits.

import type { ApplianceStatus, Resources } from '../api';
import { bits, bytes, level, stamp } from '../core/format';
import { Section } from '../parts/Frame';
import { Table } from '../parts/Region';
import { say, word } from '../words/say';

const AMOUNTS: { key: keyof Resources; spelled: (value: number) => string }[] = [
  { key: 'cores', spelled: level },
  { key: 'memory_bytes', spelled: bytes },
  { key: 'disk_bytes_per_second', spelled: (value) => bits(value * 8) },
];

export function Capacity({ document }: { document: ApplianceStatus }) {
  const { room, taken, sessions, classes, channels, measured, disk } = document.capacity;
  const titles = new Map(document.channels.map((one) => [one.id, one]));
  const needs = (of: Resources) =>
    AMOUNTS.map(({ key, spelled }) => (
      <td key={key} class="number">
        {spelled(of[key])}
      </td>
    ));
  const heads = AMOUNTS.map(({ key }) => word('amount', key));
  return (
    <>
      <Section title={say('capacity')} id="capacity">
        <p class="quiet">
          {say(measured ? 'costs_measured' : 'costs_shipped')}{' '}
          {disk ? say('disk_measured', { rate: bits(disk.bytes_per_second * 8), at: stamp(disk.measured_at) }) : ''}
        </p>
        <Table title={say('capacity')} heads={[say('of_what'), say('taken'), say('room'), say('share')]}>
          {AMOUNTS.map(({ key, spelled }) => (
            <tr key={key}>
              <th scope="row">{word('amount', key)}</th>
              <td class="number">{spelled(taken[key])}</td>
              <td class="number">{spelled(room[key])}</td>
              <td class="number">
                {room[key] > 0 ? `${Math.round((taken[key] / room[key]) * 100)} %` : '–'}{' '}
                <meter min={0} max={room[key] || 1} value={taken[key]} aria-label={word('amount', key)} />
              </td>
            </tr>
          ))}
          {(sessions ?? []).map((one) => (
            <tr key={`sessions-${one.profile}`}>
              <th scope="row">{say('encoder_sessions', { profile: one.profile })}</th>
              <td class="number">{one.taken}</td>
              <td class="number">{one.sessions}</td>
              <td class="number">
                {`${Math.round((one.taken / one.sessions) * 100)} %`}{' '}
                <meter min={0} max={one.sessions} value={one.taken} aria-label={one.profile} />
              </td>
            </tr>
          ))}
          {channels.map((one) => (
            <tr key={`channel-${one.channel}`}>
              <th scope="row" class="inner">
                {titles.get(one.channel)?.title ?? one.channel}
              </th>
              <td colSpan={3}>
                {one.on_air ? '●' : '○'} {AMOUNTS.map(({ key, spelled }) => spelled(one.needs[key])).join(' · ')}
              </td>
            </tr>
          ))}
        </Table>
      </Section>
      <Section title={say('stream_classes')} id="classes">
        {classes.length === 0 ? (
          <p class="empty">{say('no_class')}</p>
        ) : (
          <Table
            title={say('stream_classes')}
            heads={[say('stream_class'), say('used_by'), say('fits_more'), ...heads]}
          >
            {classes.map((one) => (
              <tr key={one.stream_class}>
                <th scope="row">{one.stream_class}</th>
                <td>
                  {document.channels
                    .filter((channel) => channel.stream_class.split(' ')[0] === one.stream_class.split(' ')[0])
                    .map((channel) => `${channel.title} (${channel.stream_class})`)
                    .join(', ') || say('nobody')}
                </td>
                <td class="number">{one.more}</td>
                {needs(one.needs)}
              </tr>
            ))}
          </Table>
        )}
      </Section>
    </>
  );
}
