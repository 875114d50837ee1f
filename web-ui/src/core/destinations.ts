// What is done to a destination by hand: which endpoint it uses, whether it is used, and which box of a pair delivers. The
// daemon confirms what it has put in force; here it is confirmed when the destination's document shows it.

import type { ChannelStatus, DestinationStatus, EndpointStatus, LiveChange } from '../api';
import { order } from './dispatch';

const of = (channel: ChannelStatus, id: string) =>
  (channel.report?.destinations ?? []).find((one) => one.id === id) ?? null;

const endpoints = (one: DestinationStatus): EndpointStatus[] => one.endpoints ?? [];

/** Endpoints that it could use instead. */
export function spare(one: DestinationStatus): EndpointStatus[] {
  return one.state === 'disabled' ? [] : endpoints(one).filter((end) => end.duty !== 'active');
}

/** Whether somebody has said that it is used, or that it is not, whatever the configuration says. */
export function isOverruled(channel: ChannelStatus, one: DestinationStatus): boolean {
  return channel.live.destinations?.[one.id]?.enabled != null;
}

/** Whether this box delivers for a pair, and the other one could. */
export function leads(one: DestinationStatus): boolean {
  return endpoints(one).some((end) => end.pair?.mode === 'active-standby' && end.pair.role === 'holder');
}

function set(
  channel: ChannelStatus,
  one: DestinationStatus,
  verb: string,
  body: LiveChange,
  good: (later: DestinationStatus) => boolean,
): void {
  const shown = (now: ChannelStatus) => {
    const later = of(now, one.id);
    return later !== null && good(later);
  };
  void order({ channel: channel.id, verb, about: one.id, path: 'set', body, shown });
}

/** Uses this endpoint, whatever becomes of it, until it is left to the rules again. */
export function failOver(channel: ChannelStatus, one: DestinationStatus, endpoint: string): void {
  set(channel, one, 'failover', { set: 'endpoint', destination: one.id, endpoint }, (later) => {
    const active = endpoints(later).some((end) => end.name === endpoint && end.duty === 'active');
    return later.forced === endpoint && active;
  });
}

export function byRules(channel: ChannelStatus, one: DestinationStatus): void {
  const body: LiveChange = { set: 'endpoint', destination: one.id, endpoint: null };
  set(channel, one, 'by_rules', body, (later) => later.forced === null);
}

/** True: it is used. False: it gets nothing. The daemon asks for a confirmation where viewers would notice. */
export function use(channel: ChannelStatus, one: DestinationStatus, enabled: boolean): void {
  const body: LiveChange = { set: 'destination', destination: one.id, enabled };
  const verb = enabled ? 'enable' : 'disable';
  set(channel, one, verb, body, (later) => (later.state !== 'disabled') === enabled);
}

/** Used or not, as the configuration says. */
export function asConfigured(channel: ChannelStatus, one: DestinationStatus): void {
  const body: LiveChange = { set: 'destination', destination: one.id, enabled: null };
  const shown = (now: ChannelStatus) => !isOverruled(now, one);
  void order({ channel: channel.id, verb: 'as_configured', about: one.id, path: 'set', body, shown });
}

/** The other box of the pair delivers. */
export function handOver(channel: ChannelStatus, one: DestinationStatus): void {
  const shown = (now: ChannelStatus) => {
    const later = of(now, one.id);
    return later !== null && !leads(later);
  };
  const body = { destination: one.id };
  void order({ channel: channel.id, verb: 'hand_over', about: one.id, path: 'hand-over', body, shown });
}

/** Tries a backup without leaving the endpoint in use. */
export function drill(channel: ChannelStatus, one: DestinationStatus): void {
  void order({ channel: channel.id, verb: 'drill', about: one.id, path: 'drill', body: { destination: one.id } });
}
