// Plays a recording or one of its movies; a marker is a press away.

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { RecordingSummary } from '../../api';
import { type Playing, play } from '../../core/playback';
import { playable } from '../../core/recordings';
import { say } from '../../words/say';

interface Props {
  one: RecordingSummary;
  /** The whole recording if none. */
  movie: string | null;
}

export function Player({ one, movie }: Props) {
  const video = useRef<HTMLVideoElement>(null);
  const playing = useRef<Playing | null>(null);
  const trouble = useSignal<string | null>(null);
  const attempt = useSignal(0);
  const address = playable(one, movie);
  useEffect(() => {
    const node = video.current;
    if (!node) return;
    const fails = (why: string) => {
      trouble.value = why;
    };
    if (movie !== null) {
      node.src = address;
      const error = () => fails(node.error?.message ?? '');
      node.addEventListener('error', error);
      return () => {
        node.removeEventListener('error', error);
        node.removeAttribute('src');
        node.load();
      };
    }
    let gone = false;
    play(node, address, one.state === 'recording', fails).then(
      (begun) => {
        if (gone) begun.end();
        else playing.current = begun;
      },
      (error: Error) => fails(error.message),
    );
    return () => {
      gone = true;
      playing.current?.end();
      playing.current = null;
    };
  }, [address, attempt.value]);
  const again = () => {
    trouble.value = null;
    attempt.value += 1;
  };
  return (
    <div class="player">
      {/* biome-ignore lint/a11y/useMediaCaption: captions are a part of what was recorded, where there are any. */}
      <video
        ref={video}
        controls
        autoplay
        playsInline
        aria-label={say('playing', { what: movie ?? one.title ?? one.id })}
      />
      {movie === null && one.markers.length > 0 ? (
        <div class="row">
          {one.markers.map(({ at, text }) => (
            <button key={`${at} ${text}`} type="button" onClick={() => playing.current?.seek(Date.parse(at))}>
              {at.slice(11, 19)} {text}
            </button>
          ))}
        </div>
      ) : null}
      {trouble.value === null ? null : (
        <div class="trouble" role="alert">
          <p>
            ⬣ {say('plays_not')} <span lang="en">{trouble.value}</span>
          </p>
          <button type="button" onClick={again}>
            {say('again')}
          </button>
        </div>
      )}
    </div>
  );
}
