// What the daemon asks before it does it, in its own words, away from the button that was pressed. What cannot be brought
// back wants its name typed.

import { useSignal } from '@preact/signals';
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
  const place = useRef<HTMLFormElement>(null);
  const typed = useSignal('');
  const { name, text } = one.confirm;
  // The keyboard goes to the confirmation, and back to where it was.
  useEffect(() => {
    const before = document.activeElement;
    place.current?.querySelector<HTMLElement>('input, .confirm')?.focus();
    return () => {
      const free = document.activeElement === null || document.activeElement === document.body;
      if (free && before instanceof HTMLElement) before.focus();
    };
  }, []);
  const seconds = Math.ceil(leftOf(one, performance.now()) / 1000);
  const meant = name === null || typed.value.trim() === name;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (meant && isPress(one, performance.now())) one.answer(true);
  };
  return (
    <fieldset
      class="asking"
      aria-label={say('consent')}
      data-band="consent"
      onKeyDown={(event: KeyboardEvent) => {
        if (event.key === 'Escape') one.answer(false);
        // A key that is held down does not confirm what it asked for.
        if (event.repeat && event.key === 'Enter') event.preventDefault();
      }}
    >
      <p>
        <strong>{say('consent')}</strong> <span lang="en">{text}.</span>{' '}
        <span class="left">{say('arm_left', { seconds })}</span>
      </p>
      <form class="row" ref={place} onSubmit={submit}>
        {name === null ? null : (
          <div class="field">
            <label for="consent-name">{say('consent_name', { name })}</label>
            <input
              id="consent-name"
              autocomplete="off"
              spellcheck={false}
              value={typed.value}
              onInput={(event) => {
                typed.value = event.currentTarget.value;
              }}
            />
          </div>
        )}
        <button type="submit" class="confirm ends" disabled={!meant}>
          {say('consent_do')}
        </button>
        <button type="button" onClick={() => one.answer(false)}>
          {say('keep')}
        </button>
      </form>
    </fieldset>
  );
}
