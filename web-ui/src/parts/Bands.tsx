// What must not be overlooked: that nothing is heard, what changed while nothing was, that nobody has to log in.

import { other, own } from '../core/edition';
import { duration, utc } from '../core/format';
import type { Change } from '../core/reduce';
import { clock, phase, returned, status, tick } from '../core/store';
import { say, word } from '../words/say';

export function LostBand() {
  if (phase.value === 'forbidden') {
    return (
      <div class="band" role="alert">
        <strong>{say('link_forbidden')}</strong> <span>{say('forbidden_page')}</span>
      </div>
    );
  }
  if (phase.value !== 'lost') return null;
  return (
    <div class="band" role="alert" data-band="lost">
      <strong>{say('last_known')}</strong>{' '}
      <span>
        {say('lost_since', { time: utc(clock.heard + clock.ahead) })} {say('lost_advice')}
      </span>
    </div>
  );
}

/** After an upgrade. Nobody is reloaded: who is at work says when. */
export function EditionBand() {
  const [mine, now] = [own.value, other.value];
  if (!mine || !now || phase.value !== 'live') return null;
  const same = mine.version === now.version;
  return (
    <div class="band slim" data-band="edition" role="status">
      <div class="row">
        <span>▲ {say(same ? 'edition_build' : 'edition_other', { now: now.version, own: mine.version })}</span>
        <button type="button" onClick={() => location.reload()}>
          {say('reload')}
        </button>
      </div>
    </div>
  );
}

export function OpenBand() {
  return status.value?.access === 'open' ? (
    <p class="band slim" data-band="open">
      {say('open_access')}
    </p>
  ) : null;
}

function changeText(change: Change): string {
  switch (change.what) {
    case 'restarted':
      return say('meanwhile_restarted');
    case 'config':
      return say('meanwhile_config');
    case 'added':
    case 'removed':
      return say(change.what === 'added' ? 'meanwhile_added' : 'meanwhile_removed', { channel: change.channel });
    case 'tally':
      return say('meanwhile_tally', {
        channel: change.channel,
        from: word('tally', change.from),
        to: word('tally', change.to),
      });
    case 'worker':
      return say('meanwhile_worker', { channel: change.channel });
    case 'shows':
      return say('meanwhile_shows', { channel: change.channel, to: change.to });
    case 'health':
      return say('meanwhile_health', {
        channel: change.channel,
        from: word('health', change.from),
        to: word('health', change.to),
      });
    case 'reach':
      return say('meanwhile_reach', { channel: change.channel, good: change.good, all: change.all });
  }
}

export function ReturnBand() {
  const back = returned.value;
  if (!back || phase.value !== 'live') return null;
  const texts = back.changes.map(changeText);
  return (
    <section class="returned" aria-label={say('meanwhile')} data-band="returned">
      <p role="status">
        <strong>{say('back_since', { time: utc(back.at), silence: duration(back.silence / 1000) })}</strong>{' '}
        {texts.length === 0 ? say('meanwhile_nothing') : say('meanwhile')}
      </p>
      {texts.length > 0 ? (
        <ul>
          {texts.map((text) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      ) : null}
      <button
        type="button"
        onClick={() => {
          returned.value = null;
        }}
      >
        {say('seen')}
      </button>
    </section>
  );
}

/** What the browser's tab says, too. */
export function tabTitle(): string {
  tick.value;
  const name = status.value?.name ?? 'Uplink';
  return phase.value === 'lost' ? `⚠ ${say('last_known')} · ${name}` : `${name} · Uplink`;
}
