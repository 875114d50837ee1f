// Sources and destinations as rows: on the page of their channel and on the pages of all channels.

import type { ChannelStatus, DestinationStatus, InputStatus, LineStatus, SourceStatus } from '../api';
import { bits, bytes, count, duration } from '../core/format';
import { address } from '../core/route';
import { since, tick } from '../core/store';
import { DestinationActs } from '../parts/DestinationActs';
import { Health } from '../parts/Health';
import { Table } from '../parts/Region';
import { say, word } from '../words/say';

function ChannelCell({ channel }: { channel: ChannelStatus }) {
  return (
    <td>
      <a href={address({ page: 'channel', channel: channel.id })}>{channel.title}</a>
    </td>
  );
}

export interface SourceRow {
  channel: ChannelStatus;
  source: SourceStatus;
}

/** Signal faults that last, each with its time. */
function faults(source: SourceStatus): string {
  const signal = source.signal ?? {};
  const since_of = {
    black: signal.black_since,
    freeze: signal.freeze_since,
    silence: signal.silence_since,
    wrong_format: signal.wrong_format_since,
  };
  const all = Object.entries(since_of).filter(([, time]) => time);
  return all.map(([fault, time]) => `▲ ${word('signal', fault)} ${duration(since(time ?? ''))}`).join(', ');
}

export function Input({ input }: { input: InputStatus | null | undefined }) {
  if (!input) return <>–</>;
  return (
    <>
      {input.state === 'locked' ? '✓' : '▲'} {word('input', input.state)} {input.format ?? ''}
    </>
  );
}

export function SourceRows({ rows, only }: { rows: SourceRow[]; only?: boolean }) {
  tick.value;
  const heads = [say('source'), say('health'), say('state'), say('signal'), say('arriving'), say('frames_late')];
  return (
    <Table title={say('page_sources')} heads={only ? heads : [say('channel'), ...heads]}>
      {rows.map(({ channel, source }) => (
        <tr key={`${channel.id}/${source.id}`}>
          {only ? null : <ChannelCell channel={channel} />}
          <th scope="row">
            {source.id} <span class="quiet">{source.kind}</span>
          </th>
          <td>
            <Health health={source.health.health} />
            <Why report={source.health} />
          </td>
          <td>{word('source', source.state)}</td>
          <td>
            <Input input={source.input} /> {faults(source)}
          </td>
          <td>
            {source.picture ? `${source.picture} @ ${source.frame_rate ?? '?'}` : '–'}
            {source.sound ? <span class="quiet"> {source.sound}</span> : ''}
          </td>
          <td class="number">{say('frames_and_late', { frames: count(source.frames), late: count(source.late) })}</td>
        </tr>
      ))}
    </Table>
  );
}

function Why({ report }: { report: SourceStatus['health'] }) {
  if (report.health === 'healthy') return null;
  return (
    <span class="why">
      <span lang="en">{report.reason}</span> {report.action ? <span lang="en">{report.action}</span> : null}{' '}
      <span class="quiet">{duration(since(report.since))}</span>
    </span>
  );
}

export interface DestinationRow {
  channel: ChannelStatus;
  destination: DestinationStatus;
}

/** Program time that waits in the spool, and until when. */
export function backlog(one: DestinationStatus): string {
  const depth = duration(one.queue_seconds);
  const until = one.line?.catch_up;
  if (until?.is === 'takes') return say('even_in', { depth, time: duration(until.seconds) });
  return until?.is === 'never' ? say('even_never', { depth }) : depth;
}

/** How much of the line is used; more than it has is said in words. */
function Line({ line }: { line: LineStatus | null | undefined }) {
  if (!line) return <>–</>;
  const left = (line.renditions ?? []).filter((one) => one.carried === 'dropped').map((one) => one.id);
  return (
    <>
      {say('line_of', { needed: bits(line.needed), measured: bits(line.measured) })}
      {left.length > 0 ? ` ▲ ${say('left_out', { renditions: left.join(', ') })}` : ''}
    </>
  );
}

/** Sizes of the pictures that a WebRTC server takes, and those that it does not. */
function Layers({ one }: { one: DestinationStatus }) {
  const layers = (one.endpoints ?? []).flatMap((end) => end.link?.layers ?? []);
  const named = (sent: boolean) => layers.filter((layer) => layer.sent === sent).map((layer) => layer.rendition);
  if (layers.length === 0) return null;
  const left = named(false);
  return (
    <span class="why">
      {named(true).join(' · ')}
      {left.length > 0 ? ` ▲ ${say('left_out', { renditions: left.join(', ') })}` : ''}
    </span>
  );
}

export function DestinationRows({ rows, only }: { rows: DestinationRow[]; only?: boolean }) {
  tick.value;
  const heads = [
    say('destination'),
    say('health'),
    say('state'),
    say('waiting_there'),
    say('line'),
    say('acknowledged'),
    say('act'),
  ];
  return (
    <Table title={say('page_destinations')} heads={only ? heads : [say('channel'), ...heads]}>
      {rows.map(({ channel, destination: one }) => (
        <tr key={`${channel.id}/${one.id}`}>
          {only ? null : <ChannelCell channel={channel} />}
          <th scope="row">
            {one.id} <span class="quiet url">{one.url}</span>
          </th>
          <td>
            <Health health={one.health.health} />
            <Why report={one.health} />
          </td>
          <td>
            {word('destination', one.state)}
            {one.forced ? <span class="why">▲ {say('forced_to', { endpoint: one.forced })}</span> : null}
            {(one.endpoints ?? []).length > 1 ? (
              <span class="why">
                {(one.endpoints ?? [])
                  .map((end) => `${end.name}: ${word('duty', end.duty)}, ${word('destination', end.state)}`)
                  .join(' · ')}
              </span>
            ) : null}
          </td>
          <td class="number">
            {backlog(one)}{' '}
            <meter
              min={0}
              max={Math.max(60, one.queue_seconds)}
              value={one.queue_seconds}
              aria-label={say('waiting_there')}
            />
          </td>
          <td>
            <Line line={one.line} />
            <Layers one={one} />
          </td>
          <td class="number">
            {bytes(one.bytes_acknowledged)}
            {one.reconnects > 0 ? <span class="quiet"> {say('reconnects', { count: one.reconnects })}</span> : ''}
          </td>
          <td>
            <DestinationActs channel={channel} one={one} told={!only} />
          </td>
        </tr>
      ))}
    </Table>
  );
}
