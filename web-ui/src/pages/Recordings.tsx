// What is recorded now, and what there is. Start and end are confirmed by the document, as every order is.

import type { ChannelStatus, DestinationStatus, JobStatus, RecordingSummary } from '../api';
import * as acts from '../core/acts';
import { items, type Listed } from '../core/ask';
import { recordings } from '../core/channel';
import { order, under } from '../core/dispatch';
import { bytes, count, counter, stamp } from '../core/format';
import { useResource } from '../core/resource';
import { since, status, tick } from '../core/store';
import { Section } from '../parts/Frame';
import { Health } from '../parts/Health';
import { Message } from '../parts/Message';
import { Region, Table } from '../parts/Region';
import { Waiting } from '../parts/Waiting';
import { say, word } from '../words/say';

export function Recordings() {
  const document = status.value;
  const found = useResource<Listed<RecordingSummary>>('/api/v1/recordings', 5000);
  const jobs = useResource<Listed<JobStatus>>('/api/v1/recording-jobs', 2000);
  if (!document) return <Waiting />;
  const recorders = document.channels.flatMap((channel) => recordings(channel).map((one) => ({ channel, one })));
  return (
    <div class="page">
      <Section title={say('recording_now')} id="now">
        {recorders.length === 0 ? (
          <p class="empty">{say('no_recorder')}</p>
        ) : (
          <Table
            title={say('recording_now')}
            heads={[
              say('channel'),
              say('recorder'),
              say('health'),
              say('since'),
              say('size'),
              say('gaps'),
              say('free'),
              say('act'),
            ]}
          >
            {recorders.map(({ channel, one }) => (
              <Recorder key={`${channel.id}/${one.id}`} channel={channel} one={one} />
            ))}
          </Table>
        )}
      </Section>
      <Section title={say('recordings')} id="recordings">
        <Region of={found} empty={(list) => items(list).length === 0} nothing={say('no_recording')}>
          {(list) => (
            <Table
              title={say('recordings')}
              heads={[
                say('begin'),
                say('title'),
                say('channel'),
                say('length'),
                say('size'),
                say('integrity'),
                say('markers'),
                say('files'),
              ]}
            >
              {items(list).map((one) => (
                <Recorded key={`${one.channel}/${one.id}`} one={one} />
              ))}
            </Table>
          )}
        </Region>
      </Section>
      <Section title={say('jobs')} id="jobs">
        <Region of={jobs} empty={(list) => items(list).length === 0} nothing={say('no_job')}>
          {(list) => (
            <Table title={say('jobs')} heads={[say('job'), say('state'), say('progress'), say('recording')]}>
              {items(list).map((one) => (
                <tr key={one.id}>
                  <th scope="row">{word('job', one.kind)}</th>
                  <td>{word('job_state', one.state)}</td>
                  <td>
                    {Math.floor(one.progress * 100)} % <span lang="en">{one.text}</span>
                  </td>
                  <td>
                    {one.channel} / {one.recording}
                  </td>
                </tr>
              ))}
            </Table>
          )}
        </Region>
      </Section>
    </div>
  );
}

function Recorder({ channel, one }: { channel: ChannelStatus; one: DestinationStatus }) {
  tick.value;
  const now = one.recording;
  if (!now) return null;
  const current = under.value[channel.id];
  const mine = current?.order.verb.startsWith('record_');
  const action = now.running ? 'stop' : 'start';
  const verb = `record_${action}`;
  const shown = (later: ChannelStatus) =>
    recordings(later).find((other) => other.id === one.id)?.recording?.running === (action === 'start');
  return (
    <tr>
      <td>{channel.title}</td>
      <th scope="row">
        {one.id} {now.title ? <span class="quiet">{now.title}</span> : ''}
      </th>
      <td>
        <Health health={one.health.health} />
      </td>
      <td class="number">{now.running && now.began ? `● ${counter(since(now.began))}` : '○'}</td>
      <td class="number">{bytes(now.bytes)}</td>
      <td class="number">{count(now.gaps)}</td>
      <td class="number">{bytes(now.free_bytes)}</td>
      <td>
        <button
          type="button"
          aria-label={`${word('verb', verb)} ${channel.title} ${one.id}`}
          disabled={!acts.may(channel.id) || channel.order !== 'on_air'}
          onClick={() =>
            order({ channel: channel.id, verb, path: `destinations/${one.id}/recording`, body: { action }, shown })
          }
        >
          {word('verb', verb)}
        </button>
        {mine ? <Message channel={channel.id} /> : null}
      </td>
    </tr>
  );
}

function Recorded({ one }: { one: RecordingSummary }) {
  const whole = one.gaps.length === 0 && one.state !== 'interrupted';
  const files = `/api/v1/recordings/${encodeURIComponent(one.channel)}/${encodeURIComponent(one.id)}/files/movies/`;
  return (
    <tr>
      <td>{stamp(one.begins)}</td>
      <th scope="row">
        {one.title ?? one.id} {one.protected ? <span class="quiet">{say('protected')}</span> : ''}
      </th>
      <td>{one.channel}</td>
      <td class="number">{counter(one.seconds)}</td>
      <td class="number">{bytes(one.bytes)}</td>
      <td>
        {whole ? '✓' : '▲'} {word('recording', one.state)}
        {one.gaps.length > 0 ? `, ${say('gaps_of', { count: one.gaps.length })}` : ''}
      </td>
      <td>{one.markers.map((marker) => `${marker.at.slice(11, 19)} ${marker.text}`).join(', ') || '–'}</td>
      <td>
        {one.movies.length === 0
          ? '–'
          : one.movies.map((movie) => (
              <a key={movie.name} href={`${files}${encodeURIComponent(movie.name)}`} download>
                {movie.name} ({bytes(movie.bytes)})
              </a>
            ))}
      </td>
    </tr>
  );
}
