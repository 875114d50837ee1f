// Is every channel fine, and act within two seconds. In the order of the configuration, always: the eye knows where each is.

import { status } from '../core/store';
import { Tile } from '../parts/Tile';
import { Waiting } from '../parts/Waiting';
import { say } from '../words/say';

export function OnAir() {
  const document = status.value;
  if (!document) return <Waiting />;
  const many = document.channels.length;
  if (many === 0) return <p class="empty">{say('no_channel')}</p>;
  return (
    <div class={`tiles of-${Math.min(many, 5)}`}>
      {document.channels.map((channel) => (
        <Tile key={channel.id} channel={channel} />
      ))}
    </div>
  );
}
