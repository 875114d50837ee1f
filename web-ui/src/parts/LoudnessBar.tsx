// Loudness against its target: the bar is short-term, the arrow integrated, the line across both is the target with what is
// still good of it. Figures come twice a second, and so is it drawn.

import { useEffect, useRef } from 'preact/hooks';
import type { Loudness, LoudnessTarget } from '../api';
import { level, loudness } from '../core/format';
import { height, marks, verdict } from '../core/loudness';
import { phase } from '../core/store';
import { theme } from '../core/surface';
import { say } from '../words/say';
import { hatch } from './hatch';

const SCALE = 26;
const BAR = 12;
const ARROW = 6;

/** What makes a point of the screen: less is not drawn anew. */
const seen = (lufs: number | null) => (lufs === null ? null : Math.round(lufs * 4));

interface Props {
  channel: string;
  mix: Loudness | undefined;
  target: LoudnessTarget;
}

export function LoudnessBar({ channel, mix, target }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const look = theme.value;
  const old = phase.value !== 'live';
  const [short, integrated] = [mix?.short_term ?? null, mix?.integrated ?? null];
  useEffect(() => {
    const node = canvas.current;
    if (!node) return;
    // It is told the size at once, too.
    const measure = new ResizeObserver(() => draw(node, { short, integrated, target, old }));
    measure.observe(node);
    return () => measure.disconnect();
  }, [seen(short), seen(integrated), target.lufs, target.tolerance_lu, old, look]);
  const words = say('loudness_against', {
    channel,
    short: loudness(short),
    integrated: loudness(integrated),
    target: level(target.lufs),
    tolerance: target.tolerance_lu,
    verdict: say(`loudness_is_${verdict(integrated, target)}`),
  });
  const wide = SCALE + BAR + ARROW;
  return <canvas ref={canvas} class="lufs" style={{ width: `${wide}px` }} role="img" aria-label={words} />;
}

interface Shown {
  short: number | null;
  integrated: number | null;
  target: LoudnessTarget;
  old: boolean;
}

function draw(canvas: HTMLCanvasElement, { short, integrated, target, old }: Shown): void {
  const context = canvas.getContext('2d');
  const [width, high] = [canvas.clientWidth, canvas.clientHeight];
  if (!context || high === 0) return;
  const ratio = Math.min(2, devicePixelRatio || 1);
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(high * ratio);
  context.scale(ratio, ratio);
  const style = getComputedStyle(canvas);
  const ink = (name: string) => style.getPropertyValue(name).trim();
  const y = (lufs: number) => Math.round((1 - height(lufs, target)) * high);
  const fill = (colour: string, from: number, to: number, x = SCALE, wide = BAR) => {
    context.fillStyle = ink(colour);
    context.fillRect(x, from, wide, to - from);
  };
  fill('--well', 0, high);
  const [above, below] = [y(target.lufs + target.tolerance_lu), y(target.lufs - target.tolerance_lu)];
  fill('--key-hover', above, below);
  if (old) hatch(context, { x: SCALE, y: 0, width: BAR, height: high }, ink('--line'));
  else if (short !== null) {
    fill('--meter', Math.max(y(short), above), high, SCALE + 3, BAR - 6);
    if (y(short) < above) fill('--caution', y(short), above, SCALE + 3, BAR - 6);
  }
  const line = y(target.lufs);
  fill('--text', line - 1, line + 1, SCALE - 3, BAR + 3);
  if (!old && integrated !== null) arrow(context, y(integrated), ink('--text'));
  context.font = '10px system-ui, sans-serif';
  context.textAlign = 'right';
  context.textBaseline = 'middle';
  for (const lufs of marks(target)) {
    context.fillStyle = ink(lufs === target.lufs ? '--text' : '--muted');
    context.fillText(String(Math.round(lufs)), SCALE - 5, Math.min(high - 5, Math.max(5, y(lufs))));
  }
}

/** Beside the bar, pointing at it. */
function arrow(context: CanvasRenderingContext2D, y: number, colour: string): void {
  const x = SCALE + BAR;
  context.fillStyle = colour;
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x + ARROW, y - 4);
  context.lineTo(x + ARROW, y + 4);
  context.fill();
}
