// Before the first document: a skeleton for a second, then words.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { say } from '../words/say';

export function Waiting() {
  const long = useSignal(false);
  useEffect(() => {
    const timer = setTimeout(() => {
      long.value = true;
    }, 1000);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div class="waiting" aria-busy="true">
      <div class="skeleton" />
      <div class="skeleton" />
      {long.value ? <p role="status">{say('waiting')}</p> : null}
    </div>
  );
}
