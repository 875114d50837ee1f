// A text to be taken elsewhere: by the button, or by hand where the browser lets nothing be copied (plain HTTP).

import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { say } from '../words/say';

interface Props {
  text: string;
  /** What it is, for who does not see what stands beside it. */
  about: string;
}

export function Copy({ text, about }: Props) {
  const told = useSignal<'copied' | 'copy_by_hand' | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const copy = async () => {
    field.current?.select();
    const written = navigator.clipboard?.writeText(text) ?? Promise.reject(new Error('no clipboard'));
    told.value = await written.then(
      () => 'copied' as const,
      () => 'copy_by_hand' as const,
    );
    if (told.peek() === 'copy_by_hand') field.current?.focus();
  };
  return (
    <span class="copy">
      <input ref={field} readOnly aria-label={about} value={text} />
      <button type="button" aria-label={`${say('copy')} ${about}`} onClick={copy}>
        {say('copy')}
      </button>
      <span role="status">{told.value ? say(told.value) : ''}</span>
    </span>
  );
}
