// Two steps for what ends something of somebody: the first press asks, another place confirms, a few seconds keep it as it is.

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { BOUNCE_MS } from '../core/arm';
import { say } from '../words/say';

/** How long it asks. */
const ASKS_MS = 8000;

interface Props {
  label: string;
  /** What it is about, for who does not see the row. */
  about: string;
  disabled: boolean;
  act: () => void;
}

export function Sure({ label, about, disabled, act }: Props) {
  const since = useSignal<number | null>(null);
  const confirm = useRef<HTMLButtonElement>(null);
  const opener = useRef<HTMLButtonElement>(null);
  const asked = since.value;
  // The keyboard goes to the confirmation, and back to where it was.
  useEffect(() => {
    if (asked === null) return;
    confirm.current?.focus();
    const timer = setTimeout(() => {
      since.value = null;
    }, ASKS_MS);
    return () => {
      clearTimeout(timer);
      if (document.activeElement === document.body) opener.current?.focus();
    };
  }, [asked]);
  const keep = () => {
    since.value = null;
  };
  // A double click, or a key that is held, is one press.
  const after = (press: () => void) => () => {
    if (asked !== null && performance.now() - asked >= BOUNCE_MS) press();
  };
  if (asked === null || disabled) {
    const ask = () => {
      since.value = performance.now();
    };
    return (
      <button type="button" ref={opener} aria-label={`${label} ${about}`} disabled={disabled} onClick={ask}>
        {label}
      </button>
    );
  }
  return (
    <fieldset class="sure" aria-label={`${label} ${about}?`}>
      <button type="button" onClick={after(keep)}>
        {say('keep')}
      </button>
      <button
        type="button"
        ref={confirm}
        class="confirm ends"
        onClick={after(() => {
          keep();
          act();
        })}
      >
        {say('sure', { what: label })}
      </button>
    </fieldset>
  );
}
