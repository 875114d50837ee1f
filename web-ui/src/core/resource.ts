// A document that is asked for, again and again while its page is open. What was last known stays, marked as such.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Problem } from '../api';
import { read } from './ask';
import { phase } from './store';

export interface Resource<T> {
  data: T | null;
  problem: Problem | null;
  /** When `data` came, by this computer's clock. */
  at: number | null;
  /** Names the version of `data`. */
  tag: string | null;
  again: () => void;
}

/** Without a path nothing is asked for. */
export function useResource<T>(path: string | null, everyMs: number): Resource<T> {
  const state = useSignal<Omit<Resource<T>, 'again'>>({ data: null, problem: null, at: null, tag: null });
  const round = useSignal(0);
  useEffect(() => {
    let gone = false;
    const look = async () => {
      // Nobody answers now; what is shown is marked.
      if (path === null || phase.peek() === 'lost' || document.hidden) return;
      const reply = await read<T>(path);
      if (gone) return;
      if (reply.ok) state.value = { data: reply.data, problem: null, at: Date.now(), tag: reply.tag };
      else state.value = { ...state.peek(), problem: reply.problem };
    };
    void look();
    const timer = setInterval(look, everyMs);
    return () => {
      gone = true;
      clearInterval(timer);
    };
  }, [path, everyMs, round.value, phase.value === 'live']);
  return {
    ...state.value,
    again: () => {
      round.value += 1;
    },
  };
}
