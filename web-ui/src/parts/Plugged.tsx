// Something was plugged in or unplugged a moment ago: who stands there sees that the box has noticed.

import { signal } from '@preact/signals';
import { address } from '../core/route';
import { events, now, phase, tick } from '../core/store';
import { say } from '../words/say';

const LASTS_MS = 20_000;
const CODES = ['device_plugged', 'device_unplugged'];

/** The one that somebody has seen. */
const seen = signal('');

export function Plugged() {
  tick.value;
  const newest = events.value.find((one) => CODES.includes(one.code));
  if (!newest || phase.value !== 'live' || now() - Date.parse(newest.at) > LASTS_MS) return null;
  const key = `${newest.seq} ${newest.at}`;
  if (seen.value === key) return null;
  return (
    <section class="returned" aria-label={say('device')} data-band="plugged">
      <p role="status">
        ◇ <span lang="en">{newest.text}</span>
      </p>
      <a class="alone" href={address({ page: 'sources' })}>
        {say('page_sources')}
      </a>
      <button
        type="button"
        onClick={() => {
          seen.value = key;
        }}
      >
        {say('seen')}
      </button>
    </section>
  );
}
