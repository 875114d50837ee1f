// What is still delivered of a channel that is off air: how much, until when, and the way to end that.

import type { ChannelStatus } from '../api';
import * as acts from '../core/acts';
import { say } from '../words/say';
import { backlog } from './rows';

export function Rest({ channel }: { channel: ChannelStatus }) {
  const waiting = (channel.remainder?.destinations ?? []).filter((one) => one.queue_segments > 0);
  return (
    <div class="rest" data-rest={channel.id}>
      <p>
        <strong>▲ {say('rest_of', { channel: channel.title })}</strong>
      </p>
      <ul>
        {waiting.map((one) => (
          <li key={one.id}>
            {one.id}: {backlog(one)}
          </li>
        ))}
      </ul>
      <p class="quiet">{say('rest_advice')}</p>
      <button
        type="button"
        class="stop"
        aria-label={`${say('leave_rest')} ${channel.title}`}
        disabled={!acts.may(channel.id) || !acts.delivers(channel)}
        onClick={() => acts.leaveRest(channel)}
      >
        {say('leave_rest')}
      </button>
    </div>
  );
}
