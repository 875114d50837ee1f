// The words of the panel. Sentences of the daemon (reasons, what it did) are its own and stay as it says them.

import { signal } from '@preact/signals';
import { read, write } from '../core/keep';
import { de } from './de';
import { en } from './en';

export type Key = keyof typeof en;
export const LANGUAGES = { en: 'English', de: 'Deutsch' } as const;
export type Language = keyof typeof LANGUAGES;

const BOOKS: Record<Language, Record<Key, string>> = { en, de };

function first(): Language {
  const kept = read('language');
  if (kept === 'en' || kept === 'de') return kept;
  return typeof navigator !== 'undefined' && navigator.language.startsWith('de') ? 'de' : 'en';
}

export const language = signal<Language>(first());

export function speak(wanted: Language): void {
  language.value = wanted;
  write('language', wanted);
}

/** The words for `key`, with `{name}` filled in. */
export function say(key: Key, names?: Record<string, string | number>): string {
  const text = BOOKS[language.value][key];
  return names ? text.replace(/\{(\w+)\}/g, (whole, name) => String(names[name] ?? whole)) : text;
}

/** The words for `prefix` and a word of the API; a word that is not known is shown as it is. */
export function word(prefix: string, api: string): string {
  const key = `${prefix}_${api}`;
  return key in BOOKS.en ? say(key as Key) : api.replaceAll('_', ' ');
}
