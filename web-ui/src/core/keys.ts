// The one key map. On-air acts are function keys, never letters; no key acts while somebody writes, and a key that is held
// acts once.

import type { Key } from '../words/say';

export interface Binding {
  chord: string;
  says: Key;
  act: () => void;
}

export function chordOf(event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'altKey' | 'shiftKey' | 'metaKey'>): string {
  const { key, ctrlKey, altKey, shiftKey, metaKey } = event;
  return [ctrlKey && 'Ctrl', altKey && 'Alt', metaKey && 'Meta', shiftKey && 'Shift', key].filter(Boolean).join('+');
}

const WRITING = 'input, textarea, select, [contenteditable]';

export function listen(bindings: Binding[]): () => void {
  const map = new Map(bindings.map((binding) => [binding.chord, binding]));
  const hear = (event: KeyboardEvent) => {
    const binding = map.get(chordOf(event));
    const writes = event.target instanceof Element && event.target.closest(WRITING) !== null;
    if (!binding || writes) return;
    event.preventDefault();
    if (!event.repeat) binding.act();
  };
  addEventListener('keydown', hear);
  return () => removeEventListener('keydown', hear);
}
