// The glass over what a freeze holds: who holds it, since when and why; and for who may, breaking it with a reason.

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Problem } from '../api';
import { stamp } from '../core/format';
import { type Held, held, letGo } from '../core/glass';
import { has } from '../core/session';
import { channelOf, fresh } from '../core/store';
import { locked } from '../core/surface';
import { say, word } from '../words/say';

interface Props {
  problem: Problem;
  /** What is done if the glass is broken. */
  what: string;
  keep: () => void;
  give: (reason: string) => void;
}

export function BreakGlass({ problem, what, keep, give }: Props) {
  const reason = useSignal('');
  const may = has('engineer');
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const text = reason.peek().trim();
    if (text && may) give(text);
  };
  return (
    <form class="act glass" aria-label={`${say('frozen')}: ${what}`} onSubmit={submit}>
      <Holder problem={problem} what={what} />
      {may ? (
        <>
          <div class="field">
            <label for="override">{say('override_reason')}</label>
            <input
              id="override"
              required
              maxLength={200}
              autocomplete="off"
              value={reason.value}
              onInput={(event) => {
                reason.value = event.currentTarget.value;
              }}
            />
          </div>
          <button type="button" onClick={keep}>
            {say('keep')}
          </button>
          <button type="submit" class="confirm ends" disabled={!fresh.value || locked.value}>
            {say('break_glass', { what })}
          </button>
        </>
      ) : (
        <>
          <p>{say('glass_role', { role: word('role', 'engineer') })}</p>
          <button type="button" onClick={keep}>
            {say('close')}
          </button>
        </>
      )}
    </form>
  );
}

function Holder({ problem, what }: { problem: Problem; what: string }) {
  const { frozen } = problem;
  const time = stamp(frozen?.since ?? null);
  return (
    <div class="trouble is-frozen" role="alert">
      <p>
        <strong>
          ▣ {say('frozen')}: {say('not_done', { what })}
        </strong>{' '}
        {frozen ? (
          <>
            {frozen.by ? say('held_by', { name: frozen.by, time }) : say('held', { time })},{' '}
            {frozen.until ? say('freeze_until', { time: stamp(frozen.until) }) : say('freeze_open_end')}:{' '}
            {frozen.reason}
          </>
        ) : (
          <span lang="en">{problem.detail}</span>
        )}
      </p>
    </div>
  );
}

/** In the head of every page, for what is ordered there. */
export function Glass() {
  const one = held.value;
  return one ? <Asked key={`${one.channel} ${one.about} ${one.verb}`} one={one} /> : null;
}

function Asked({ one }: { one: Held }) {
  const place = useRef<HTMLFieldSetElement>(null);
  // The keyboard goes to what is asked, and back to where it was.
  useEffect(() => {
    const before = document.activeElement;
    place.current?.querySelector<HTMLElement>('input, button')?.focus();
    return () => {
      const free = document.activeElement === null || document.activeElement === document.body;
      if (free && before instanceof HTMLElement) before.focus();
    };
  }, []);
  const title = one.channel === undefined ? undefined : (channelOf(one.channel)?.title ?? one.channel);
  const what = [word('verb', one.verb), title, one.about].filter(Boolean).join(' ');
  return (
    <fieldset
      ref={place}
      class="asking"
      aria-label={say('frozen')}
      data-band="glass"
      onKeyDown={(event: KeyboardEvent) => {
        if (event.key === 'Escape') letGo();
      }}
    >
      <BreakGlass
        problem={one.problem}
        what={what}
        keep={letGo}
        give={(reason) => {
          letGo();
          one.again(reason);
        }}
      />
    </fieldset>
  );
}
