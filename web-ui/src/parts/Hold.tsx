// A button that wants to be held for 600 ms: fast enough for a panic, too long for a stray touch. By keyboard, and for
// assistive technology, the same is two presses.

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { BOUNCE_MS } from '../core/arm';
import { say } from '../words/say';

const HOLD_MS = 600;
const AGAIN_MS = 3000;

interface Props {
  name: string;
  label: string;
  class: string;
  disabled: boolean;
  pending: boolean;
  act: () => void;
}

export function Hold({ name, label, class: look, disabled, pending, act }: Props) {
  const step = useSignal<'rest' | 'held' | 'again' | 'short'>('rest');
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const armedAt = useRef(0);
  const later = (ms: number, then: () => void) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(then, ms);
  };
  const rest = () => {
    step.value = 'rest';
  };
  useEffect(() => () => clearTimeout(timer.current), []);

  const down = (event: PointerEvent) => {
    if (event.button !== 0 || disabled) return;
    step.value = 'held';
    later(HOLD_MS, () => {
      rest();
      act();
    });
  };
  const up = () => {
    if (step.peek() !== 'held') return;
    step.value = 'short';
    later(1500, rest);
  };
  // A click without a pointer comes from a key or from assistive technology.
  const click = (event: MouseEvent) => {
    if (event.detail !== 0 || disabled) return;
    const again = step.peek() === 'again' && performance.now() - armedAt.current >= BOUNCE_MS;
    if (again) {
      clearTimeout(timer.current);
      rest();
      act();
    } else if (step.peek() !== 'again') {
      step.value = 'again';
      armedAt.current = performance.now();
      later(AGAIN_MS, rest);
    }
  };
  const hint = { rest: say('hold_hint'), held: say('hold_held'), again: say('hold_again'), short: say('hold_short') };
  return (
    <button
      type="button"
      class={`${look} hold ${step.value} ${pending ? 'pending' : ''}`}
      aria-label={`${label} (${step.value === 'again' ? hint.again : hint.rest})`}
      disabled={disabled}
      onPointerDown={down}
      onPointerUp={up}
      onPointerLeave={up}
      onPointerCancel={up}
      onContextMenu={(event: Event) => event.preventDefault()}
      onClick={click}
      onKeyDown={(event: KeyboardEvent) => event.repeat && event.preventDefault()}
    >
      <span>{name}</span>
      <span class="hint" aria-hidden="true">
        {hint[step.value]}
      </span>
    </button>
  );
}
