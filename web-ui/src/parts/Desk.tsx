// The desk of a channel: put something next, take it; slate and release. What is next and on air is what the worker says.

import type { ChannelStatus } from '../api';
import * as acts from '../core/acts';
import { type Place, places } from '../core/channel';
import { under } from '../core/dispatch';
import { has } from '../core/session';
import { programOrder } from '../words/program';
import { say, word } from '../words/say';
import { Hold } from './Hold';

/** Lengths of a transition, milliseconds; 0 is a cut. */
const LENGTHS = [0, 250, 500, 1000, 2000];

export function Bus({ channel }: { channel: ChannelStatus }) {
  const report = channel.report;
  if (!report) return null;
  const on = channel.order === 'on_air' && channel.state !== 'failed';
  return (
    <fieldset class="bus" aria-label={say('bus_of', { channel: channel.title })}>
      {places(report.program, report.sources).map((place) => (
        <Choice key={place.key} channel={channel} place={place} on={on} />
      ))}
    </fieldset>
  );
}

/** What is in the program is on air only if viewers get it. */
function marks(place: Place, onAir: boolean): string {
  const fault = place.bad ? `▲ ${word('source', place.bad.state)}` : '';
  return [
    place.air && say(onAir ? 'on_air' : 'marked_shown'),
    place.next && say('marked_next'),
    place.asked && say('asked'),
    fault,
  ]
    .filter(Boolean)
    .join(' · ');
}

function Choice({ channel, place, on }: { channel: ChannelStatus; place: Place; on: boolean }) {
  const name = place.source ?? say(place.order.show === 'auto' ? 'best_source' : 'slate');
  const told = marks(place, channel.on_air);
  const look = [place.air && (channel.on_air ? 'air' : 'shown'), place.next && 'next', place.bad && 'bad']
    .filter(Boolean)
    .join(' ');
  return (
    <button
      type="button"
      class={look}
      data-place={place.key}
      aria-pressed={place.next}
      aria-label={say('put_next', { name, channel: channel.title }) + (told ? ` (${told})` : '')}
      disabled={!on || !acts.may(channel.id)}
      onClick={() => acts.putNext(channel, place.order)}
    >
      <span class="name">{name}</span>
      <span class="state">{told}</span>
    </button>
  );
}

export function Verbs({ channel }: { channel: ChannelStatus }) {
  const current = under.value[channel.id];
  const pending = (verb: string) => current?.order.verb === verb && !current.settled;
  const free = acts.may(channel.id);
  const next = acts.nextOf(channel);
  if (!has('operator')) return <p class="quiet">{say('needs_operator')}</p>;
  if (acts.canStart(channel)) {
    return (
      <div class="verbs">
        <button
          type="button"
          class={`start ${pending('start') ? 'pending' : ''}`}
          aria-label={`${say('start')} ${channel.title}`}
          disabled={!free}
          onClick={() => acts.start(channel)}
        >
          {say('start')}
        </button>
      </div>
    );
  }
  return (
    <div class="verbs">
      <Take channel={channel} pending={pending('take')} />
      <select
        aria-label={say('transition_of', { channel: channel.title })}
        disabled={!free || next === null}
        value={acts.dissolves.value[channel.id] ?? 0}
        onChange={(event) => {
          const ms = Number(event.currentTarget.value);
          acts.dissolves.value = { ...acts.dissolves.peek(), [channel.id]: ms };
        }}
      >
        {LENGTHS.map((ms) => (
          <option key={ms} value={ms}>
            {ms === 0 ? say('cut') : `${ms / 1000} s`}
          </option>
        ))}
      </select>
      <Hold
        name={say('slate')}
        label={`${say('slate')} ${channel.title}`}
        class="slate"
        disabled={!acts.maySlate() || !acts.canSlate(channel)}
        pending={pending('slate')}
        act={() => acts.slate(channel)}
      />
      <button
        type="button"
        class={`release ${pending('release') ? 'pending' : ''}`}
        aria-label={`${say('release')} ${channel.title}`}
        disabled={!free || !acts.canRelease(channel)}
        onClick={() => acts.release(channel)}
      >
        {say('release')}
      </button>
    </div>
  );
}

function Take({ channel, pending }: { channel: ChannelStatus; pending: boolean }) {
  const next = acts.nextOf(channel);
  const ready = acts.isReady(channel);
  const what = next ? programOrder(next) : '';
  return (
    <button
      type="button"
      class={`take ${ready ? 'ready' : ''} ${pending ? 'pending' : ''}`}
      aria-label={next ? say('take_of', { next: what, channel: channel.title }) : `${say('take')} ${channel.title}`}
      disabled={!acts.may(channel.id) || !acts.canTake(channel)}
      onClick={() => acts.pressTake(channel)}
    >
      <span>{say('take')}</span>
      <span class="hint" aria-hidden="true">
        {what}
      </span>
    </button>
  );
}
