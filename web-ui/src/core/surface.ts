// This surface: theme, lock, and which channel the keys are for.

import { effect, signal } from '@preact/signals';
import { read, write } from './keep';

export type Theme = 'dark' | 'light';

export const theme = signal<Theme>(read('theme') === 'light' ? 'light' : 'dark');
/** Against stray touches on this screen. The slate stays at hand. */
export const locked = signal(read('locked') === 'yes');
/** The channel that the keys are for. */
export const chosen = signal<string | null>(null);
export const sheet = signal(false);

export function keepSurface(): void {
  effect(() => {
    document.documentElement.dataset.theme = theme.value;
    write('theme', theme.value);
  });
  effect(() => write('locked', locked.value ? 'yes' : 'no'));
}
