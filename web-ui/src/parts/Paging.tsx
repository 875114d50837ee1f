// A list that grows, a page at a time, newest first.

import type { Signal } from '@preact/signals';
import { say } from '../words/say';

/** Places of the pages before this one; the newest page has none. */
export type Places = Signal<string[]>;

/** Where a page begins, as the daemon has said it. */
export function paged(path: string, limit: number, places: Places): string {
  const place = places.value.at(-1);
  return `${path}?limit=${limit}${place ? `&cursor=${encodeURIComponent(place)}` : ''}`;
}

export function Paging({ places, next }: { places: Places; next: string | null | undefined }) {
  return (
    <div class="row">
      <button
        type="button"
        disabled={places.value.length === 0}
        onClick={() => {
          places.value = places.value.slice(0, -1);
        }}
      >
        {say('newer')}
      </button>
      <button
        type="button"
        disabled={!next}
        onClick={() => {
          if (next) places.value = [...places.value, next];
        }}
      >
        {say('older')}
      </button>
    </div>
  );
}
