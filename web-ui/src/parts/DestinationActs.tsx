// What can be done to a destination by hand. A change of endpoint asks in two places here; what viewers would notice, the
// daemon asks for itself; what can be taken back at once is one press.

import type { ChannelStatus, DestinationStatus } from '../api';
import * as destinations from '../core/destinations';
import { free, under } from '../core/dispatch';
import { hindrance } from '../core/hindrance';
import { say } from '../words/say';
import { Hindered } from './Hindered';
import { Message } from './Message';
import { Sure } from './Sure';

interface Props {
  channel: ChannelStatus;
  one: DestinationStatus;
  /** Whether what came of the last order is said here; a page with the channel's tile says it there. */
  told: boolean;
}

export function DestinationActs({ channel, one, told }: Props) {
  // Recorders have a page of their own; of a channel off air nothing is sent.
  if (one.recording || channel.order !== 'on_air') return <>–</>;
  const by = hindrance({ role: 'operator', channel: channel.id });
  const heldBy = hindrance({ role: 'operator', channel: channel.id, held: true });
  const busy = !free(channel.id);
  const name = `${channel.title} / ${one.id}`;
  const current = under.value[channel.id]?.order;
  // What came of a drill is said beside its button.
  const mine = told && current?.about === one.id && current.verb !== 'drill';
  return (
    <div class="acts">
      <div class="row">
        {destinations.spare(one).map((end) => (
          <Sure
            key={end.name}
            label={say('failover_to', { endpoint: end.name })}
            about={name}
            disabled={busy || by !== null || one.forced === end.name}
            act={() => destinations.failOver(channel, one, end.name)}
          />
        ))}
        {one.forced ? (
          <Sure
            label={say('by_rules')}
            about={name}
            disabled={busy || by !== null}
            act={() => destinations.byRules(channel, one)}
          />
        ) : null}
        {destinations.leads(one) ? (
          <button
            type="button"
            aria-label={`${say('hand_over')} ${name}`}
            disabled={busy || by !== null}
            onClick={() => destinations.handOver(channel, one)}
          >
            {say('hand_over')}
          </button>
        ) : null}
        <Use channel={channel} one={one} name={name} dead={busy || heldBy !== null} />
      </div>
      <Hindered by={by ?? heldBy} />
      {mine ? <Message channel={channel.id} /> : null}
    </div>
  );
}

interface UseProps {
  channel: ChannelStatus;
  one: DestinationStatus;
  name: string;
  dead: boolean;
}

function Use({ channel, one, name, dead }: UseProps) {
  const off = one.state === 'disabled';
  const label = say(off ? 'use_it' : 'use_not');
  return (
    <>
      <button
        type="button"
        aria-label={`${label} ${name}`}
        disabled={dead}
        onClick={() => destinations.use(channel, one, off)}
      >
        {label}
      </button>
      {destinations.isOverruled(channel, one) ? (
        <button
          type="button"
          aria-label={`${say('as_configured')} ${name}`}
          disabled={dead}
          onClick={() => destinations.asConfigured(channel, one)}
        >
          {say('as_configured')}
        </button>
      ) : null}
    </>
  );
}
