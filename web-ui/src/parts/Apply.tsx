// Putting something in force: first what it would do, and then, in another place, that and nothing else.

import type { ChannelEffect, Outcome } from '../api';
import type { Desk } from '../core/draft';
import { duration } from '../core/format';
import { has } from '../core/session';
import { channelOf, fresh } from '../core/store';
import { locked } from '../core/surface';
import { say, word } from '../words/say';
import { Difference } from './Difference';
import { BreakGlass } from './Glass';
import { Table, Trouble } from './Region';

interface Props {
  desk: Desk;
  /** What is put in force, and how. */
  advice: string;
  /** What is wanted, if anything is. */
  plan: (() => void) | null;
  /** It was done. */
  again: () => void;
}

export function Apply({ desk, advice, plan, again }: Props) {
  const current = desk.step.value;
  const busy = current.step === 'asking' || current.step === 'applying';
  const may = fresh.value && has('engineer');
  return (
    <>
      <p class="quiet">{advice}</p>
      {has('engineer') ? null : <p class="empty">{say('needs_role', { role: word('role', 'engineer') })}</p>}
      <div class="row">
        <button type="button" disabled={!may || busy || !plan} onClick={() => plan?.()}>
          {say('plan')}
        </button>
      </div>
      <div class="step" data-step={current.step} aria-live="polite">
        <Shown desk={desk} may={may && !locked.value} again={again} />
      </div>
    </>
  );
}

interface Act {
  desk: Desk;
  may: boolean;
  again: () => void;
}

function Shown({ desk, may, again }: Act) {
  const current = desk.step.value;
  switch (current.step) {
    case 'none':
      return null;
    case 'asking':
      return <p>{say('planning')}</p>;
    case 'applying':
      return <p>… {say('applying')}</p>;
    case 'planned': {
      const { outcome } = current.plan;
      const ends = (outcome.channels ?? []).some((one) => one.effect === 'restart' || one.effect === 'stops');
      return (
        <>
          <Effects outcome={outcome} />
          {ends ? <p class="why">▲ {say('plan_interrupts')}</p> : null}
          <div class="row">
            <button type="button" onClick={() => desk.forget()}>
              {say('keep')}
            </button>
            <button
              type="button"
              class={`confirm ${ends ? 'ends' : ''}`}
              disabled={!may}
              onClick={() => void desk.apply().then(again)}
            >
              {say('put_in_force')}
            </button>
          </div>
        </>
      );
    }
    case 'done':
      return (
        <>
          <p>
            ✓ {say('in_force')} <span lang="en">{current.outcome.text}</span>
          </p>
          <Effects outcome={current.outcome} />
        </>
      );
    case 'frozen':
      return (
        <BreakGlass
          problem={current.problem}
          what={say('put_in_force')}
          keep={() => desk.forget()}
          give={(reason) => void desk.apply(reason).then(again)}
        />
      );
    case 'changed':
      return <Changed seen={current.seen} now={current.now} />;
    case 'refused':
      return (
        <>
          <Trouble problem={current.problem} />
          <ul lang="en">
            {(current.problem.errors ?? []).map((one) => (
              <li key={one.detail}>{one.detail}</li>
            ))}
          </ul>
        </>
      );
  }
}

/** Nothing was done: it was not any more what was looked at. */
function Changed({ seen, now }: { seen: string | null; now: string | null }) {
  return (
    <div class="conflict" role="alert">
      <p>
        <strong>▲ {say('somebody_changed')}</strong> {say('look_again')}
      </p>
      {seen !== null && now !== null ? (
        seen === now ? (
          <p class="quiet">{say('other_in_force')}</p>
        ) : (
          <Difference first={seen} second={now} title={say('their_changes')} />
        )
      ) : null}
    </div>
  );
}

function Effects({ outcome }: { outcome: Outcome }) {
  const effects = outcome.channels ?? [];
  if (effects.length === 0) {
    return (
      <p>
        {say('no_effect')} <span lang="en">{outcome.text}</span>
      </p>
    );
  }
  return (
    <Table
      title={say('effects')}
      heads={[say('channel'), say('effect'), say('off_air_for'), say('destinations_hit'), say('reasons')]}
    >
      {effects.map((one) => (
        <Effect key={one.channel} one={one} />
      ))}
    </Table>
  );
}

const SHAPE: Record<ChannelEffect['effect'], string> = {
  unchanged: '○',
  live: '✓',
  restart: '⬣',
  next_start: '○',
  starts: '▲',
  added: '○',
  stops: '⬣',
  removed: '○',
};

function Effect({ one }: { one: ChannelEffect }) {
  const hit = (one.destinations ?? []).map((each) => {
    const time = each.seconds == null ? '' : ` ${duration(each.seconds)}`;
    return `${each.destination}: ${word('hit', each.change)}${time}`;
  });
  const reasons = [...(one.restart ?? []), ...(one.live ?? [])];
  return (
    <tr>
      <th scope="row">{channelOf(one.channel)?.title ?? one.channel}</th>
      <td>
        {SHAPE[one.effect]} {word('effect', one.effect)}
        {one.happened ? (
          <span class="why" lang="en">
            {one.happened}
          </span>
        ) : null}
      </td>
      <td class="number">{one.off_air_seconds == null ? '–' : duration(one.off_air_seconds)}</td>
      <td>{hit.join(', ') || '–'}</td>
      <td lang="en">{reasons.join('; ') || '–'}</td>
    </tr>
  );
}
