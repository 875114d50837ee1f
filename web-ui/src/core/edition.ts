// Whether this panel is still the daemon's. A page that stays open outlives an upgrade, and would drive the daemon of today
// with the panel of yesterday: it says so, and somebody reloads it, never it itself while a show is on.

import { effect, signal } from '@preact/signals';
import { phase, status } from './store';

const PATIENCE_MS = 6000;

export interface Edition {
  version: string;
  /** Names the panel that the daemon serves; none if that was not to be had. */
  tag: string | null;
}

/** The daemon's, if it is another one than this panel's. */
export const other = signal<Edition | null>(null);
/** This panel's. */
export const own = signal<Edition | null>(null);

/** Two builds of one version are two, where that can be told. Pure. */
export function differs(first: Edition, now: Edition): boolean {
  const tags = first.tag !== null && now.tag !== null && first.tag !== now.tag;
  return first.version !== now.version || tags;
}

async function served(): Promise<string | null> {
  try {
    const answer = await fetch('/assets/panel.js', {
      method: 'HEAD',
      cache: 'no-store',
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    return answer.ok ? answer.headers.get('etag') : null;
  } catch {
    return null;
  }
}

async function look(version: string): Promise<void> {
  const now = { version, tag: await served() };
  own.value ??= now;
  other.value = differs(own.value, now) ? now : null;
}

/** Looks with each run of the daemon. */
export function followEdition(): void {
  let run = '';
  effect(() => {
    const document = status.value;
    if (!document || phase.value !== 'live' || document.started_at === run) return;
    run = document.started_at;
    void look(document.version);
  });
}
