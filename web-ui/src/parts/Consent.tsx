// What the daemon asks before it does it, in its own words, away from the button that was pressed.

import { useEffect, useRef } from 'preact/hooks';
import { type Asking, asking, isPress, leftOf } from '../core/consent';
import { tick } from '../core/store';
import { say } from '../words/say';

export function Consent() {
  const current = asking.value;
  return current ? <Question key={current.confirm.token} one={current} /> : null;
}

function Question({ one }: { one: Asking }) {
  tick.value;
  const confirm = useRef<HTMLButtonElement>(null);
  // The keyboard goes to the confirmation, and back to where it was.
  useEffect(() => {
    const before = document.activeElement;
    confirm.current?.focus();
    return () => {
      const free = document.activeElement === null || document.activeElement === document.body;
      if (free && before instanceof HTMLElement) before.focus();
    };
  }, []);
  const seconds = Math.ceil(leftOf(one, performance.now()) / 1000);
  return (
    <fieldset
      class="asking"
      aria-label={say('consent')}
      data-band="consent"
      onKeyDown={(event: KeyboardEvent) => {
        if (event.key === 'Escape') one.answer(false);
        // A key that is held down does not confirm what it asked for.
        if (event.repeat) event.preventDefault();
      }}
    >
      <p>
        <strong>{say('consent')}</strong> <span lang="en">{one.confirm.text}.</span>{' '}
        <span class="left">{say('arm_left', { seconds })}</span>
      </p>
      <div class="row">
        <button
          type="button"
          ref={confirm}
          class="confirm ends"
          onClick={() => isPress(one, performance.now()) && one.answer(true)}
        >
          {say('consent_do')}
        </button>
        <button type="button" onClick={() => one.answer(false)}>
          {say('keep')}
        </button>
      </div>
    </fieldset>
  );
}
