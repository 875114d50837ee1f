// Health by shape, word and luminance; colour comes last, and what is well has none.

import type { HealthReport, Health as Word } from '../api';
import { duration } from '../core/format';
import { since, tick } from '../core/store';
import { word } from '../words/say';

const SHAPE: Record<Word, string> = { inactive: '○', healthy: '✓', partially_healthy: '▲', unhealthy: '⬣' };

export function Health({ health, label }: { health: Word; label?: string }) {
  return (
    <span class={`health is-${health}`}>
      <span aria-hidden="true">{SHAPE[health] ?? '?'}</span> {label ? `${label}: ` : ''}
      {word('health', health)}
    </span>
  );
}

/** A part that is well says its name; one that is not says what it is, too. */
export function Chip({
  health,
  label,
  extra,
  title,
}: {
  health: Word;
  label: string;
  extra?: string;
  title?: string | null;
}) {
  const well = health === 'healthy' || health === 'inactive';
  return (
    <span class={`chip is-${health}`} title={title ?? undefined}>
      <span aria-hidden="true">{SHAPE[health] ?? '?'}</span> {label}
      {extra ? ` ${extra}` : ''}
      {well ? '' : <span class="sr">{`: ${word('health', health)}`}</span>}
    </span>
  );
}

/** Why it is so, and for how long. */
export function Reason({ report }: { report: HealthReport }) {
  tick.value;
  if (report.health === 'healthy' || report.health === 'inactive') return null;
  return (
    <p class={`reason is-${report.health}`}>
      <span aria-hidden="true">{SHAPE[report.health]}</span> <span lang="en">{report.reason}</span>{' '}
      {report.action ? <span lang="en">{report.action}</span> : null}{' '}
      <span class="quiet">
        {report.code} · {duration(since(report.since))}
      </span>
    </p>
  );
}
