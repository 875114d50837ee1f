// Loudness against its target: the bar is short-term, the arrow integrated, the line across both is the target with what is
// still good of it. Figures come twice a second, and so is it drawn.

import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
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
/** The page's colours that it needs. */
const INKS = ['well', 'key-hover', 'line', 'meter', 'caution', 'text', 'muted'] as const;

/** What makes a point of the screen: less is not drawn anew. */
const seen = (lufs: number | null) => (lufs === null ? null : Math.round(lufs * 4));

interface Props {
  channel: string;
  mix: Loudness | undefined;
  target: LoudnessTarget;
}

export function LoudnessBar({ channel, mix, target }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const gauge = useRef<Gauge | null>(null);
  const look = theme.value;
  const old = phase.value !== 'live';
  const [short, integrated] = [mix?.short_term ?? null, mix?.integrated ?? null];
  const shown = useRef<Shown>({ short, integrated, old });
  shown.current = { short, integrated, old };
  useEffect(() => {
    const node = canvas.current;
    const context = node?.getContext('2d');
    if (!node || !context) return;
    const made = new Gauge(context, target, getComputedStyle(node));
    gauge.current = made;
    // It is told the size at once, too.
    const measure = new ResizeObserver(() => {
      made.resize(node.clientWidth, node.clientHeight);
      made.show(shown.current);
    });
    measure.observe(node);
    return () => measure.disconnect();
  }, [target.lufs, target.tolerance_lu, look]);
  // With the frame that shows the figures: an effect after it would cost the page one more.
  useLayoutEffect(() => gauge.current?.show(shown.current), [seen(short), seen(integrated), old]);
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
  old: boolean;
}

/** The instrument on its canvas: the scale is drawn once for each size, the bar whenever it moves. */
class Gauge {
  #context: CanvasRenderingContext2D;
  #target: LoudnessTarget;
  #ink: Record<(typeof INKS)[number], string>;
  #height = 0;

  constructor(context: CanvasRenderingContext2D, target: LoudnessTarget, style: CSSStyleDeclaration) {
    this.#context = context;
    this.#target = target;
    const colours = INKS.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]);
    this.#ink = Object.fromEntries(colours);
  }

  resize(width: number, height: number): void {
    const [context, target] = [this.#context, this.#target];
    const ratio = Math.min(2, devicePixelRatio || 1);
    this.#height = height;
    context.canvas.width = Math.round(width * ratio);
    context.canvas.height = Math.round(height * ratio);
    context.scale(ratio, ratio);
    context.font = '10px system-ui, sans-serif';
    context.textAlign = 'right';
    context.textBaseline = 'middle';
    for (const lufs of marks(target)) {
      context.fillStyle = lufs === target.lufs ? this.#ink.text : this.#ink.muted;
      const y = Math.min(height - 5, Math.max(5, this.#y(lufs)));
      context.fillText(String(Math.round(lufs)), SCALE - 5, y);
    }
  }

  show({ short, integrated, old }: Shown): void {
    const [context, ink, high, { lufs, tolerance_lu }] = [this.#context, this.#ink, this.#height, this.#target];
    if (high === 0) return;
    context.clearRect(SCALE - 3, 0, 3 + BAR + ARROW, high);
    this.#fill(ink.well, 0, high);
    const above = this.#y(lufs + tolerance_lu);
    this.#fill(ink['key-hover'], above, this.#y(lufs - tolerance_lu));
    if (old) hatch(context, { x: SCALE, y: 0, width: BAR, height: high }, ink.line);
    else if (short !== null) {
      const top = this.#y(short);
      this.#fill(ink.meter, Math.max(top, above), high, SCALE + 3, BAR - 6);
      if (top < above) this.#fill(ink.caution, top, above, SCALE + 3, BAR - 6);
    }
    const line = this.#y(lufs);
    this.#fill(ink.text, line - 1, line + 1, SCALE - 3, BAR + 3);
    if (!old && integrated !== null) arrow(context, this.#y(integrated), ink.text);
  }

  #y(lufs: number): number {
    return Math.round((1 - height(lufs, this.#target)) * this.#height);
  }

  #fill(colour: string, from: number, to: number, x = SCALE, wide = BAR): void {
    this.#context.fillStyle = colour;
    this.#context.fillRect(x, from, wide, to - from);
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
