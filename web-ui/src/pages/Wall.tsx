// To be read in one second at three metres: name, tally, health, time, how many destinations have it. Figures are for the
// desk.

import type { ChannelStatus } from '../api';
import { reach, tally } from '../core/channel';
import { status } from '../core/store';
import { Health } from '../parts/Health';
import { Elapsed, Recording, Tally } from '../parts/Tile';
import { Waiting } from '../parts/Waiting';
import { say } from '../words/say';

function Board({ channel }: { channel: ChannelStatus }) {
  const { good, all } = reach(channel);
  const title = `wall-${channel.id}`;
  return (
    <section class={`board tally-${tally(channel)}`} aria-labelledby={title} data-channel={channel.id}>
      <h2 id={title}>{channel.title}</h2>
      <div class="line">
        <Tally channel={channel} />
        <Elapsed channel={channel} />
      </div>
      <div class="facts">
        <Health health={channel.health.health} />
        {channel.report ? (
          <span class={good < all ? 'short' : ''}>
            <span aria-hidden="true">→ </span>
            {good}/{all}
            <span class="sr"> {say('destinations_good')}</span>
          </span>
        ) : null}
        <Recording channel={channel} />
      </div>
    </section>
  );
}

export function Wall() {
  const document = status.value;
  if (!document) return <Waiting />;
  const many = document.channels.length;
  if (many === 0) return <p class="empty">{say('no_channel')}</p>;
  const columns = many === 1 ? 1 : many <= 4 ? 2 : many <= 9 ? 3 : 4;
  return (
    <div class={`wall columns-${columns}`}>
      {document.channels.map((channel) => (
        <Board key={channel.id} channel={channel} />
      ))}
    </div>
  );
}
