// One channel as a chain, from its sources to its destinations: where does it break? Stop is here, not on the desk.

import type { ChannelStatus, DestinationStatus, HealthReport } from '../api';
import * as acts from '../core/acts';
import { tally, worst } from '../core/channel';
import { bits, bytes, count, duration } from '../core/format';
import { since, status, tick } from '../core/store';
import { EventList } from '../parts/EventList';
import { Facts as FactList, Section } from '../parts/Frame';
import { Health } from '../parts/Health';
import { Table } from '../parts/Region';
import { Tile } from '../parts/Tile';
import { Waiting } from '../parts/Waiting';
import { programOrder, showing } from '../words/program';
import { say, word } from '../words/say';
import { ChannelCharts } from './Charts';
import { Failovers } from './Failovers';
import { Rest } from './Rest';
import { DestinationRows, SourceRows } from './rows';

export function ChannelPage({ id }: { id: string }) {
  const document = status.value;
  if (!document) return <Waiting />;
  const channel = document.channels.find((one) => one.id === id);
  if (!channel) return <p class="empty">{say('no_such_channel', { channel: id })}</p>;
  return (
    <div class="detail">
      <div class="column">
        <Tile channel={channel} />
        <Facts channel={channel} />
        {acts.delivers(channel) ? <Left channel={channel} /> : <Stop channel={channel} />}
      </div>
      <div class="column">
        <Chain channel={channel} />
        <Tables channel={channel} />
        {channel.report || channel.remainder ? (
          <Section title={say('last_minutes')} id="charts">
            <ChannelCharts channel={channel} />
          </Section>
        ) : null}
        <Section title={say('events')} id="channel-events">
          <EventList channel={id} most={30} />
        </Section>
      </div>
    </div>
  );
}

/** Wanted, actual, and whether it is any good. */
function Facts({ channel }: { channel: ChannelStatus }) {
  tick.value;
  const { worker } = channel;
  const program = channel.report?.program;
  const rows: [string, string][] = [
    [say('order'), word('tally', channel.order === 'on_air' ? 'on' : 'off')],
    [say('state'), word('state', channel.state)],
    [say('stream_class'), channel.stream_class],
  ];
  if (program) {
    rows.push([say('asked_for'), programOrder(program.order)], [say('shown'), showing(program.showing)]);
    const frames = { frames: count(program.frames), repeated: count(program.repeated), missed: count(program.missed) };
    rows.push([say('frames'), say('frames_of', frames)]);
  }
  const up = worker && {
    pid: worker.pid,
    up: duration(since(worker.since)),
    beat: duration(worker.heartbeat_age_seconds),
  };
  rows.push([say('worker'), up ? say(worker.adopted ? 'worker_adopted' : 'worker_of', up) : say('no_worker')]);
  rows.push([say('restarts'), count(channel.restarts)]);
  return (
    <Section title={say('facts')} id="facts">
      <FactList rows={rows} />
    </Section>
  );
}

function Stop({ channel }: { channel: ChannelStatus }) {
  return (
    <Section title={say('end')} id="end">
      <p class="quiet">{say('end_advice')}</p>
      <button
        type="button"
        class="stop"
        aria-label={`${say('stop')} ${channel.title}`}
        disabled={!acts.may(channel.id) || !acts.canStop(channel)}
        onClick={() => acts.pressStop(channel)}
      >
        {say('stop')}
      </button>
    </Section>
  );
}

/** It is off air, and not everybody has got everything. */
function Left({ channel }: { channel: ChannelStatus }) {
  return (
    <Section title={say('rest')} id="rest">
      <Rest channel={channel} />
    </Section>
  );
}

function Node({ name, report, facts }: { name: string; report: HealthReport | null; facts: string }) {
  const health = report?.health ?? 'inactive';
  return (
    <li class={`node is-${health}`}>
      <strong>{name}</strong>
      <Health health={health} />
      <span class="quiet">{facts}</span>
    </li>
  );
}

/** The way of the picture, with the worst of each step. */
function Chain({ channel }: { channel: ChannelStatus }) {
  const report = channel.report;
  if (!report) return null;
  const { sources, program, renditions, spool, destinations } = report;
  const sum = renditions.reduce((all, one) => all + one.measured, 0);
  const waits = Math.max(0, ...destinations.map((one) => one.queue_seconds));
  const good = (list: { health: HealthReport }[]) => list.filter((one) => one.health.health === 'healthy').length;
  const of = (list: { health: HealthReport }[]) => `${good(list)}/${list.length}`;
  const program_health =
    tally(channel) === 'slate' && program.order.show !== 'slate' ? worst(sources.map((s) => s.health)) : null;
  return (
    <Section title={say('chain')} id="chain">
      <ol class="chain">
        <Node name={say('page_sources')} report={worst(sources.map((one) => one.health))} facts={of(sources)} />
        <Node name={say('program')} report={program_health ?? channel.health} facts={showing(program.showing)} />
        <Node name={say('renditions')} report={worst(renditions.map((one) => one.health))} facts={bits(sum)} />
        <Node name={say('spool')} report={spool.health} facts={`${bytes(spool.bytes)} / ${bytes(spool.quota_bytes)}`} />
        <Node
          name={say('page_destinations')}
          report={worst(destinations.map((one) => one.health))}
          facts={`${of(destinations)} · ${duration(waits)}`}
        />
      </ol>
    </Section>
  );
}

function To({ channel, all }: { channel: ChannelStatus; all: DestinationStatus[] }) {
  return (
    <Section title={say('page_destinations')} id="destinations">
      <DestinationRows rows={all.map((destination) => ({ channel, destination }))} only />
    </Section>
  );
}

function Tables({ channel }: { channel: ChannelStatus }) {
  const report = channel.report;
  if (!report) {
    const left = channel.remainder?.destinations;
    return left ? <To channel={channel} all={left} /> : <p class="empty">{say('no_program')}</p>;
  }
  return (
    <>
      <Section title={say('page_sources')} id="sources">
        <SourceRows rows={report.sources.map((source) => ({ channel, source }))} only />
      </Section>
      <Section title={say('renditions')} id="renditions">
        <Table
          title={say('renditions')}
          heads={[
            say('rendition'),
            say('health'),
            say('encoder'),
            say('target'),
            say('measured'),
            say('segments'),
            say('dropped'),
          ]}
        >
          {report.renditions.map((one) => (
            <tr key={one.id}>
              <th scope="row">{one.id}</th>
              <td>
                <Health health={one.health.health} />
              </td>
              <td>{one.encoder}</td>
              <td class="number">{bits(one.target)}</td>
              <td class="number">
                {bits(one.measured)}{' '}
                <meter min={0} max={one.target * 1.3} value={one.measured} aria-label={say('measured')} />
              </td>
              <td class="number">{count(one.segments)}</td>
              <td class="number">{count(one.dropped_frames)}</td>
            </tr>
          ))}
        </Table>
      </Section>
      <To channel={channel} all={report.destinations} />
      <Section title={say('failovers')} id="failovers">
        <Failovers channel={channel} />
      </Section>
    </>
  );
}
