// Why something cannot be ordered now: who sees a button that is dead is told. The daemon decides; this says it beforehand.

import type { Freeze, Role } from '../api';
import { has } from './session';
import { phase, status } from './store';
import { locked } from './surface';

export type Hindrance = { why: 'lost' | 'locked' } | { why: 'role'; role: Role } | { why: 'frozen'; freeze: Freeze };

export interface Act {
  /** Who may, at least. */
  role: Role;
  /** Whether a freeze holds it; who may break the glass is not hindered, but asked for a reason. */
  held?: boolean;
  /** What it touches, if that is a channel. */
  channel?: string;
}

export function covers(freeze: Freeze, channel: string | undefined): boolean {
  return freeze.channels.length === 0 || (channel !== undefined && freeze.channels.includes(channel));
}

export function hindrance({ role, held, channel }: Act): Hindrance | null {
  if (phase.value !== 'live') return { why: 'lost' };
  if (!has(role)) return { why: 'role', role };
  if (locked.value) return { why: 'locked' };
  const freeze = status.value?.freeze;
  if (held && freeze && covers(freeze, channel) && !has('engineer')) return { why: 'frozen', freeze };
  return null;
}
