// Live over the confidence picture, which stays beneath: what is not live any more gives way to it, with words.

import { useEffect, useRef } from 'preact/hooks';
import type { ChannelStatus } from '../api';
import { duration } from '../core/format';
import { fresh } from '../core/store';
import { hear, live, show, toggle, type Live as Watched } from '../core/watching';
import { say } from '../words/say';

/** One turn in ten seconds of pictures, by the pictures that were decoded. */
const TURN = 250;

export function Live({ channel }: { channel: ChannelStatus }) {
  const watched = live.value?.channel === channel.id ? live.value : null;
  useEffect(() => show(channel.id), [channel.id]);
  return (
    <div class={`watched is-${watched?.stand ?? 'off'}`}>
      {watched?.stream ? <Moving watched={watched} title={channel.title} /> : null}
      {watched ? <Word watched={watched} /> : null}
      <p class="buttons">
        {watched?.stand === 'live' ? (
          <button
            type="button"
            aria-pressed={watched.heard}
            aria-label={say('live_sound_of', { channel: channel.title })}
            onClick={() => hear(!watched.heard)}
          >
            {say('live_sound')}
          </button>
        ) : null}
        <button
          type="button"
          class="watch"
          aria-pressed={watched !== null}
          aria-label={say('live_of', { channel: channel.title })}
          disabled={!watched && (!fresh.value || channel.worker === null)}
          onClick={() => toggle(channel.id)}
        >
          {say('live')}
        </button>
      </p>
    </div>
  );
}

function Moving({ watched, title }: { watched: Watched; title: string }) {
  const { stream, stand, heard } = watched;
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (video.current) video.current.srcObject = stream;
  }, [stream]);
  // Muted until somebody asks: only then does a browser start it by itself.
  return (
    <video
      ref={video}
      aria-label={say('picture_of', { channel: title })}
      class={`is-${stand}`}
      muted={!heard}
      autoplay
      playsInline
    />
  );
}

function Word({ watched }: { watched: Watched }) {
  const { stand, frames } = watched;
  return (
    <>
      <p class="sr" role="status">
        {stand === 'lost' ? lost(watched) : say(stand === 'live' ? 'live_is' : 'live_connecting')}
      </p>
      <p class="word" aria-hidden="true">
        {stand === 'live' ? (
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <circle cx="8" cy="8" r="7" />
            <line x1="8" y1="8" x2="8" y2="2" transform={`rotate(${Math.round(((frames % TURN) / TURN) * 360)} 8 8)`} />
          </svg>
        ) : null}
        {text(watched)}
      </p>
    </>
  );
}

function text(watched: Watched): string {
  if (watched.stand === 'connecting') return say('live_connecting');
  if (watched.stand === 'lost') return lost(watched);
  if (watched.behind === null) return say('live_is');
  return say('live_behind', { delay: duration(watched.behind / 1000) });
}

function lost({ loss }: Watched): string {
  const why = loss && typeof loss === 'object' ? loss.said : say(`live_loss_${loss ?? 'stalled'}`);
  return say('live_lost', { why });
}
