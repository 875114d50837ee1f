// What the keys do. They are for the chosen channel: the one that has the focus or was touched last, or the only one.

import type { ChannelStatus } from '../api';
import type { Key } from '../words/say';
import * as acts from './acts';
import { BOUNCE_MS } from './arm';
import { places } from './channel';
import type { Binding } from './keys';
import { go, PAGES } from './route';
import { channelOf, status } from './store';
import { chosen, locked, sheet } from './surface';
import { toggle } from './watching';

function channel(): ChannelStatus | null {
  const all = status.peek()?.channels ?? [];
  return (chosen.peek() && channelOf(chosen.peek() ?? '')) || (all.length === 1 ? (all[0] ?? null) : null);
}

const withChannel = (act: (channel: ChannelStatus) => void) => () => {
  const one = channel();
  if (one) act(one);
};

function choose(step: number): void {
  const all = status.peek()?.channels ?? [];
  if (all.length === 0) return;
  const here = all.findIndex((one) => one.id === chosen.peek());
  const at = here < 0 ? (step > 0 ? 0 : all.length - 1) : (here + step + all.length) % all.length;
  chosen.value = all[at]?.id ?? null;
  document.querySelector<HTMLElement>(`.tile[data-channel="${CSS.escape(chosen.value ?? '')}"]`)?.focus();
}

/** The next place of the bus becomes what is next; what is on air is passed over. */
function nextPlace(one: ChannelStatus): void {
  const report = one.report;
  if (!report) return;
  const all = places(report.program, report.sources).filter((place) => !place.air);
  const here = all.findIndex((place) => place.next);
  const place = all[(here + 1) % all.length];
  if (place) void acts.putNext(one, place.order);
}

let slateAt = Number.NEGATIVE_INFINITY;
let slateOf = '';

/** Twice within three seconds, as on the button. */
function slateTwice(one: ChannelStatus): void {
  const since = performance.now() - slateAt;
  if (slateOf === one.id && since >= BOUNCE_MS && since < 3000) {
    slateAt = Number.NEGATIVE_INFINITY;
    acts.slate(one);
  } else {
    [slateAt, slateOf] = [performance.now(), one.id];
  }
}

export const BINDINGS: Binding[] = [
  {
    chord: 'F1',
    says: 'key_sheet',
    act: () => {
      sheet.value = !sheet.peek();
    },
  },
  { chord: 'F2', says: 'key_live', act: withChannel((one) => toggle(one.id)) },
  { chord: 'F6', says: 'key_next_channel', act: () => choose(1) },
  { chord: 'Shift+F6', says: 'key_previous_channel', act: () => choose(-1) },
  { chord: 'F7', says: 'key_next_source', act: withChannel(nextPlace) },
  { chord: 'F8', says: 'key_take', act: withChannel(acts.pressTake) },
  { chord: 'F9', says: 'key_slate', act: withChannel(slateTwice) },
  { chord: 'F10', says: 'key_release', act: withChannel(acts.release) },
  {
    chord: 'F4',
    says: 'key_lock',
    act: () => {
      locked.value = true;
    },
  },
  // In the order of the rail, which has one page more than there are digits.
  ...'1234567890'.split('').flatMap((digit, place): Binding[] => {
    const page = PAGES[place];
    if (!page) return [];
    return [{ chord: `Ctrl+Alt+${digit}`, says: `page_${page.replace('-', '_')}` as Key, act: () => go({ page }) }];
  }),
];
