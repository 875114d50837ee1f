// A confidence picture with its age and a hand that moves only with new pictures: one that stands still looks so.

import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { duration } from '../core/format';
import { subscribe, type Taken } from '../core/pictures';
import { phase, tick } from '../core/store';
import { say } from '../words/say';

const STALE_S = 5;

interface Props {
  path: string;
  alt: string;
  /** Whether there should be one, and what is said while not. */
  wanted: boolean;
  idle: string;
}

export function Picture({ path, alt, wanted, idle }: Props) {
  const taken = useSignal<Taken | null>(null);
  const why = useSignal<string | null>(null);
  const box = useRef<HTMLElement>(null);
  const asks = useRef(wanted);
  asks.current = wanted;

  useEffect(() => {
    let seen = true;
    const watch = new IntersectionObserver((entries) => {
      seen = entries.some((entry) => entry.isIntersecting);
    });
    if (box.current) watch.observe(box.current);
    const forget = () => {
      taken.value = null;
    };
    const leave = subscribe({
      path,
      wanted: () => seen && asks.current && phase.peek() === 'live',
      took: (next) => {
        taken.value = next;
        why.value = null;
      },
      none: () => {
        forget();
        why.value = 'none';
      },
    });
    return () => {
      watch.disconnect();
      leave();
      forget();
    };
  }, [path]);

  return (
    <figure class="picture" ref={box}>
      {taken.value && wanted ? (
        <Shown taken={taken.value} alt={alt} />
      ) : (
        <p class="none">{wanted ? say(why.value ? 'picture_none' : 'picture_waiting') : idle}</p>
      )}
    </figure>
  );
}

function Shown({ taken, alt }: { taken: Taken; alt: string }) {
  tick.value;
  const place = useRef<HTMLDivElement>(null);
  const { image } = taken;
  useLayoutEffect(() => {
    image.alt = alt;
    place.current?.replaceChildren(image);
  }, [image, alt]);
  const age = (performance.now() - taken.at) / 1000;
  const stale = age > STALE_S || phase.value !== 'live';
  // One turn in ten seconds of pictures, by the time of the picture itself.
  const turn = ((taken.at / 1000) % 10) * 36;
  return (
    <div class={stale ? 'stale' : ''}>
      <div ref={place} />
      <figcaption class="age">
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <circle cx="8" cy="8" r="7" />
          <line x1="8" y1="8" x2="8" y2="2" transform={`rotate(${Math.round(turn)} 8 8)`} />
        </svg>
        {stale ? say('picture_stale', { age: duration(age) }) : duration(age)}
      </figcaption>
    </div>
  );
}
