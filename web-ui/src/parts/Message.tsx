// What became of the last order of a channel: sent, confirmed, not confirmed, refused. The engine's own words follow ours.

import { under } from '../core/dispatch';
import { duration } from '../core/format';
import { fresh, tick } from '../core/store';
import { say, word } from '../words/say';

const SHAPE = { sent: '…', answered: '…', confirmed: '✓', late: '▲', refused: '⬣' } as const;

export function Message({ channel }: { channel: string }) {
  const current = under.value[channel];
  return (
    <p class={`message ${current ? `is-${current.phase}` : ''}`} role="status" data-phase={current?.phase}>
      {current ? <Told channel={channel} /> : null}
    </p>
  );
}

function Told({ channel }: { channel: string }) {
  const current = under.value[channel];
  if (!current) return null;
  const { verb, about } = current.order;
  const what = about ? `${word('verb', verb)} ${about}` : word('verb', verb);
  const words = {
    sent: () => say('order_sent', { what }),
    answered: () => say('order_answered', { what }),
    confirmed: () =>
      say(current.unchanged ? 'order_was_so' : 'order_confirmed', { what, took: duration((current.took ?? 0) / 1000) }),
    late: () => say('order_late', { what }),
    refused: () => say('order_refused', { what }),
  };
  return (
    <>
      <span aria-hidden="true">{SHAPE[current.phase]}</span> {words[current.phase]()}
      {current.settled ? null : <Running at={current.at} />}
      {!current.settled && !fresh.value ? ` ${say('order_unknown')}` : ''}
      {current.text && current.phase !== 'confirmed' ? <span lang="en"> {current.text}</span> : ''}
      {current.code ? <span class="quiet"> [{current.code}]</span> : ''}
    </>
  );
}

/** The seconds move for the eye; a screen reader is told of steps only. */
function Running({ at }: { at: number }) {
  tick.value;
  return <span aria-hidden="true"> {duration((performance.now() - at) / 1000)}</span>;
}
