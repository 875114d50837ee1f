// What a channel's document means on a desk. Pure: no document, no clock, no words.

import type {
  ChannelStatus,
  DestinationStatus,
  Health,
  HealthReport,
  ProgramOrder,
  ProgramStatus,
  Showing,
  SourceStatus,
} from '../api';

/** What a viewer gets. Only `on` and `slate` may be red. */
export type Tally = 'on' | 'slate' | 'starting' | 'stopping' | 'missing' | 'off';

export function tally(channel: ChannelStatus): Tally {
  if (channel.on_air) {
    const slate = channel.state === 'slate' || channel.report?.program.showing.showing === 'slate';
    return slate ? 'slate' : 'on';
  }
  if (channel.state === 'stopping') return 'stopping';
  if (channel.order === 'off_air') return 'off';
  return channel.health.health === 'unhealthy' || channel.state === 'failed' ? 'missing' : 'starting';
}

const RANK: Record<Health, number> = { inactive: 0, healthy: 1, partially_healthy: 2, unhealthy: 3 };

export function worst(reports: HealthReport[]): HealthReport | null {
  return reports.reduce<HealthReport | null>(
    (bad, one) => (bad === null || RANK[one.health] > RANK[bad.health] ? one : bad),
    null,
  );
}

export const isBad = (health: Health) => RANK[health] > RANK.healthy;

/** A part of the channel at a glance. */
export interface Part {
  part: 'source' | 'sound' | 'encoder' | 'spool' | 'destinations';
  health: Health;
  reason: string | null;
}

export function parts(channel: ChannelStatus): Part[] {
  const report = channel.report;
  if (!report) return [];
  const { program, sources, renditions, destinations, spool } = report;
  const shown = onAir(program.showing);
  const used = sources.filter((source) => shown.includes(source.id));
  const sound = (program.sound_states ?? []).find((state) => state.active);
  const of = (part: Part['part'], reports: HealthReport[]): Part => {
    const bad = worst(reports);
    return { part, health: bad?.health ?? 'inactive', reason: bad && isBad(bad.health) ? bad.reason : null };
  };
  const slated = program.showing.showing === 'slate' && program.order.show !== 'slate';
  const source: Part = slated
    ? {
        ...of(
          'source',
          sources.map((one) => one.health),
        ),
        health: 'unhealthy',
      }
    : of(
        'source',
        (used.length ? used : sources).map((one) => one.health),
      );
  return [
    source,
    { part: 'sound', health: sound ? 'partially_healthy' : 'healthy', reason: sound ? sound.fault : null },
    of(
      'encoder',
      renditions.map((one) => one.health),
    ),
    of('spool', [spool.health]),
    of(
      'destinations',
      delivering(destinations).map((one) => one.health),
    ),
  ];
}

/** Destinations that are to deliver: recordings and what is switched off are not counted. */
export function delivering(destinations: DestinationStatus[]): DestinationStatus[] {
  return destinations.filter((one) => !one.recording && one.state !== 'disabled');
}

/** k of n: those that are healthy. */
export function reach(channel: ChannelStatus): { good: number; all: number } {
  const all = delivering(channel.report?.destinations ?? []);
  return { good: all.filter((one) => one.health.health === 'healthy').length, all: all.length };
}

/** What records now. */
export function recordings(channel: ChannelStatus): DestinationStatus[] {
  return (channel.report?.destinations ?? []).filter((one) => one.recording);
}

/** The sources in the picture. */
export function onAir(showing: Showing): string[] {
  if (showing.showing === 'source') return [showing.source];
  return showing.showing === 'scene' ? showing.scene.sources : [];
}

/** The sources that an order names. */
export function named(order: ProgramOrder | null | undefined): string[] {
  if (!order) return [];
  if (order.show === 'source') return [order.source];
  return order.show === 'scene' ? order.scene.sources : [];
}

const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

export interface Place {
  key: string;
  /** The source; none for best source and slate. */
  source: string | null;
  order: ProgramOrder;
  air: boolean;
  next: boolean;
  asked: boolean;
  bad: SourceStatus | null;
}

/** What can be put next, in the order of the configuration: sources, then best source and slate. */
export function places(program: ProgramStatus, sources: SourceStatus[]): Place[] {
  const { order, showing, preview } = program;
  const place = (key: string, source: string | null, own: ProgramOrder, air: boolean): Place => {
    const next = preview != null && (same(preview, own) || (source !== null && named(preview).includes(source)));
    const asked = !air && (same(order, own) || (source !== null && named(order).includes(source)));
    return { key, source, order: own, air, next, asked, bad: null };
  };
  const shown = onAir(showing);
  const all = sources.map((one) => ({
    ...place(`source-${one.id}`, one.id, { show: 'source', source: one.id }, shown.includes(one.id)),
    bad: one.health.health === 'healthy' ? null : one,
  }));
  return [
    ...all,
    place('auto', null, { show: 'auto' }, false),
    place('slate', null, { show: 'slate' }, showing.showing === 'slate'),
  ];
}

/** A program order as the body of a take or a preview. */
export function body(order: ProgramOrder): Record<string, unknown> {
  if (order.show === 'source') return { source: order.source };
  return order.show === 'scene' ? { scene: order.scene } : { show: order.show };
}

/** Whether the program does what `order` says. The best source is what the worker says it is. */
export function shows(program: ProgramStatus, order: ProgramOrder): boolean {
  if (!same(program.order, order)) return false;
  if (order.show === 'slate') return program.showing.showing === 'slate';
  if (order.show === 'auto') return true;
  return same([...named(order)].sort(), [...onAir(program.showing)].sort());
}
