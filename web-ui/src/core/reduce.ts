// From documents and events to what the panel says of them. Pure.

import type { ApplianceStatus, ChannelStatus, StampedEvent } from '../api';
import { isBad, reach, type Tally, tally } from './channel';

/** `known` and `more` as one list, newest first, each once, `most` at most. */
export function remember(known: StampedEvent[], more: StampedEvent[], most: number): StampedEvent[] {
  const all = new Map(known.map((event) => [event.seq, event]));
  for (const event of more) all.set(event.seq, event);
  return [...all.values()].sort((a, b) => b.seq - a.seq).slice(0, most);
}

/** `document` as it is held: a channel that was asked for alone may be known in a newer state already. */
export function newest(held: ApplianceStatus | null, document: ApplianceStatus): ApplianceStatus {
  if (held?.started_at !== document.started_at) return document;
  const known = new Map(held.channels.map((channel) => [channel.id, channel]));
  const channels = document.channels.map((channel) => {
    const other = known.get(channel.id);
    return other && other.generation > channel.generation ? other : channel;
  });
  return { ...document, channels };
}

/** `held` with one channel in a newer state. */
export function replaced(held: ApplianceStatus, channel: ChannelStatus): ApplianceStatus {
  const newer = (one: ChannelStatus) => one.id === channel.id && one.generation <= channel.generation;
  return { ...held, channels: held.channels.map((one) => (newer(one) ? channel : one)) };
}

/** Something that is not as it was before nothing was heard. */
export type Change =
  | { what: 'restarted' }
  | { what: 'config' }
  | { what: 'added' | 'removed'; channel: string }
  | { what: 'tally'; channel: string; from: Tally; to: Tally }
  | { what: 'worker'; channel: string }
  | { what: 'shows'; channel: string; to: string }
  | { what: 'health'; channel: string; from: string; to: string }
  | { what: 'reach'; channel: string; good: number; all: number };

/** What changed between two documents, worst first as a reader needs it: the box, then each channel. */
export function meanwhile(before: ApplianceStatus, after: ApplianceStatus): Change[] {
  const changes: Change[] = [];
  if (before.started_at !== after.started_at) changes.push({ what: 'restarted' });
  else if (before.config.generation !== after.config.generation) changes.push({ what: 'config' });
  const old = new Map(before.channels.map((channel) => [channel.id, channel]));
  for (const channel of after.channels) {
    const was = old.get(channel.id);
    old.delete(channel.id);
    if (was) changes.push(...ofChannel(was, channel));
    else changes.push({ what: 'added', channel: channel.title });
  }
  for (const gone of old.values()) changes.push({ what: 'removed', channel: gone.title });
  return changes;
}

function ofChannel(was: ChannelStatus, is: ChannelStatus): Change[] {
  const channel = is.title;
  const changes: Change[] = [];
  const [from, to] = [tally(was), tally(is)];
  if (from !== to) changes.push({ what: 'tally', channel, from, to });
  if (was.worker && is.worker && was.worker.pid !== is.worker.pid) changes.push({ what: 'worker', channel });
  const [before, now] = [was.report?.program.showing, is.report?.program.showing];
  if (before && now && JSON.stringify(before) !== JSON.stringify(now) && now.showing === 'source') {
    changes.push({ what: 'shows', channel, to: now.source });
  }
  if (was.health.health !== is.health.health) {
    changes.push({ what: 'health', channel, from: was.health.health, to: is.health.health });
  }
  const [then, reached] = [reach(was), reach(is)];
  if (then.good !== reached.good || then.all !== reached.all) changes.push({ what: 'reach', channel, ...reached });
  return changes;
}

export type Priority = 'critical' | 'warning' | 'info';
export const RANK: Record<Priority, number> = { critical: 0, warning: 1, info: 2 };

/** Something that wants somebody. */
export interface Notice {
  priority: Priority;
  channel: string | null;
  title: string;
  code: string;
  reason: string;
  since: string;
}

/** By exception: nothing when all is well. Critical first, the newest of each first. */
export function attention(status: ApplianceStatus): Notice[] {
  const notices: Notice[] = [];
  if (status.config.rejected.length > 0) {
    const reason = status.config.rejected[0] ?? '';
    const since = status.config.loaded_at;
    const code = status.config.last_good ? 'config_last_good' : 'config_rejected';
    notices.push({ priority: 'warning', channel: null, title: status.name, code, reason, since });
  }
  for (const channel of status.channels) {
    if (!isBad(channel.health.health)) continue;
    const { code, reason, since } = channel.health;
    const off = channel.order === 'on_air' && !channel.on_air && channel.state !== 'starting';
    const priority = off || channel.health.health === 'unhealthy' ? 'critical' : 'warning';
    notices.push({ priority, channel: channel.id, title: channel.title, code, reason, since });
  }
  return notices.sort((a, b) => RANK[a.priority] - RANK[b.priority] || Date.parse(b.since) - Date.parse(a.since));
}
