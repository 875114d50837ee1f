// Recorders of channels on air. Start, end and markers are confirmed by the document, as every order is.

import type { ChannelStatus, DestinationStatus, RecordingStatus } from '../../api';
import { recordings } from '../../core/channel';
import { free, order, under } from '../../core/dispatch';
import { bytes, count, counter } from '../../core/format';
import { hindrance } from '../../core/hindrance';
import { since, tick } from '../../core/store';
import { Field, Form } from '../../parts/Form';
import { Health } from '../../parts/Health';
import { Hindered } from '../../parts/Hindered';
import { Message } from '../../parts/Message';
import { Table } from '../../parts/Region';
import { say, word } from '../../words/say';

export function Recorders({ channels }: { channels: ChannelStatus[] }) {
  const all = channels.flatMap((channel) => recordings(channel).map((one) => ({ channel, one })));
  if (all.length === 0) return <p class="empty">{say('no_recorder')}</p>;
  const heads = ['channel', 'recorder', 'health', 'since', 'size', 'gaps', 'markers', 'free', 'act'] as const;
  return (
    <Table title={say('recording_now')} heads={heads.map((head) => say(head))}>
      {all.map(({ channel, one }) => (
        <Recorder key={`${channel.id}/${one.id}`} channel={channel} one={one} />
      ))}
    </Table>
  );
}

interface Props {
  channel: ChannelStatus;
  one: DestinationStatus;
}

const of = (channel: ChannelStatus, id: string): RecordingStatus | null =>
  recordings(channel).find((one) => one.id === id)?.recording ?? null;

function ask(channel: ChannelStatus, id: string, verb: string, body: unknown, good: (now: RecordingStatus) => boolean) {
  const shown = (later: ChannelStatus) => {
    const now = of(later, id);
    return now !== null && good(now);
  };
  return order({ channel: channel.id, verb, about: id, path: `destinations/${id}/recording`, body, shown });
}

function Recorder({ channel, one }: Props) {
  tick.value;
  const now = one.recording;
  if (!now) return null;
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
      <td class="number">{count(now.markers)}</td>
      <td class="number">{bytes(now.free_bytes)}</td>
      <td>
        <Acts channel={channel} one={one} now={now} />
      </td>
    </tr>
  );
}

function Acts({ channel, one, now }: Props & { now: RecordingStatus }) {
  const action = now.running ? 'stop' : 'start';
  const verb = `record_${action}`;
  const by = hindrance({ role: 'operator', channel: channel.id });
  // Only the end is held by a freeze.
  const heldBy = now.running ? hindrance({ role: 'operator', channel: channel.id, held: true }) : by;
  const busy = !free(channel.id) || channel.order !== 'on_air';
  const current = under.value[channel.id]?.order;
  const mine = current?.about === one.id && current.verb.startsWith('record_');
  const mark = async ({ text = '' }: Record<string, string>) => {
    const before = now.markers;
    await ask(
      channel,
      one.id,
      'record_marker',
      { action: 'marker', text: text.trim() },
      (later) => later.markers > before,
    );
    return under.peek()[channel.id]?.phase !== 'refused';
  };
  return (
    <div class="acts">
      <button
        type="button"
        aria-label={`${word('verb', verb)} ${channel.title} ${one.id}`}
        disabled={busy || heldBy !== null}
        onClick={() => ask(channel, one.id, verb, { action }, (later) => later.running === (action === 'start'))}
      >
        {word('verb', verb)}
      </button>
      {now.running ? (
        <Form
          part={`marker ${channel.id}/${one.id}`}
          title={`${say('set_marker')} ${channel.title} ${one.id}`}
          button={say('set_marker')}
          dead={busy || by !== null}
          send={mark}
        >
          <Field id={`marker-${channel.id}-${one.id}`} name="text" label={say('marker')} most={200} />
        </Form>
      ) : null}
      <Hindered by={by ?? heldBy} />
      {mine ? <Message channel={channel.id} /> : null}
    </div>
  );
}
