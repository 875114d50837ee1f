// How a figure went in the last two minutes. The line is for the eye; the words beside it say as much.

import { type Course, SAMPLES } from '../core/history';
import { say } from '../words/say';

const WIDE = 120;
const HIGH = 26;

interface Props {
  of: Course;
  /** Top of the scale, unless the figure goes above it. */
  top: number;
  /** A dashed line: what it should be. */
  target?: number;
  name: string;
  spelled: (value: number) => string;
}

/** One line for each stretch without a hole; the newest is at the right edge. Pure. */
export function path(values: Course, top: number): string {
  const step = WIDE / (SAMPLES - 1);
  const left = WIDE - (values.length - 1) * step;
  let drawn = '';
  let open = false;
  values.forEach((value, place) => {
    if (value !== null) {
      const y = HIGH - 1 - (Math.max(0, Math.min(value, top)) / top) * (HIGH - 2);
      drawn += `${open ? 'L' : 'M'}${(left + place * step).toFixed(1)} ${y.toFixed(1)}`;
    }
    open = value !== null;
  });
  return drawn;
}

export function Spark({ of, top, target, name, spelled }: Props) {
  const known = of.filter((value) => value !== null);
  if (known.length < 2) return <span class="quiet">{say('spark_waiting')}</span>;
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const scale = Math.max(top, high, Number.MIN_VALUE);
  const words = say('spark_of', { name, low: spelled(low), high: spelled(high) });
  const y = target === undefined ? 0 : HIGH - 1 - (target / scale) * (HIGH - 2);
  return (
    <svg class="spark" viewBox={`0 0 ${WIDE} ${HIGH}`} role="img" aria-label={words}>
      <title>{words}</title>
      {target === undefined ? null : <path class="target" d={`M0 ${y.toFixed(1)}H${WIDE}`} />}
      <path d={path(of, scale)} />
    </svg>
  );
}
