// Programme meters on canvas. Scale and bars are neutral: red and green belong to the tally; above the permitted maximum
// the bar is amber. What is not measured now is hatched, never silence.

import { useEffect, useRef } from 'preact/hooks';
import type { Loudness, LoudnessTarget, SoundState } from '../api';
import { FLOOR_DB, Ppm, place } from '../core/ballistics';
import { level, loudness } from '../core/format';
import { attach } from '../core/instruments';
import { newest } from '../core/levels';
import { status } from '../core/store';
import { theme } from '../core/surface';
import { say, word } from '../words/say';
import { hatch } from './hatch';

/** Permitted maximum and alignment level (EBU R 68), dBFS. */
const MAXIMUM_DB = -9;
const ALIGNMENT_DB = -18;
const MARKS = [MAXIMUM_DB, ALIGNMENT_DB];
const BAR = 9;
const GAP = 3;
const SCALE = 20;

interface Ink {
  bar: string;
  high: string;
  well: string;
  mark: string;
  text: string;
}

function ink(node: Element): Ink {
  const style = getComputedStyle(node);
  const of = (name: string) => style.getPropertyValue(name).trim();
  return { bar: of('--meter'), high: of('--caution'), well: of('--well'), mark: of('--line'), text: of('--muted') };
}

/** The instrument on its canvas. A bar is drawn anew only where it has moved by a point of the screen. */
class Face {
  #context: CanvasRenderingContext2D;
  #ink: Ink;
  #ratio = 1;
  #width = 0;
  #height = 0;
  /** What each bar shows; none before the first time, and while nothing is measured. */
  #drawn: string[] = [];
  #old = false;

  constructor(context: CanvasRenderingContext2D, colours: Ink) {
    this.#context = context;
    this.#ink = colours;
  }

  resize(width: number, height: number): void {
    const { canvas } = this.#context;
    this.#ratio = Math.min(2, devicePixelRatio || 1);
    [this.#width, this.#height] = [width, height];
    canvas.width = Math.round(width * this.#ratio);
    canvas.height = Math.round(height * this.#ratio);
    this.#drawn = [];
  }

  show(bars: Ppm[], old: boolean): void {
    if (this.#height === 0) return;
    const whole = this.#drawn.length !== bars.length || this.#old !== old;
    if (whole) this.#ground(bars.length, old);
    this.#old = old;
    if (old) return;
    bars.forEach((bar, index) => {
      const [top, hold] = [this.#y(bar.level), this.#y(bar.hold)];
      const key = `${top}/${hold}`;
      if (this.#drawn[index] !== key) this.#bar(index, bar, top, hold);
      this.#drawn[index] = key;
    });
  }

  /** Whole points: what is between two of them looks the same. */
  #y(db: number): number {
    return Math.round((1 - place(db, FLOOR_DB, 0)) * this.#height * this.#ratio) / this.#ratio;
  }

  #bar(index: number, bar: Ppm, top: number, hold: number): void {
    const [context, height, { bar: low, high, well, mark, text }] = [this.#context, this.#height, this.#ink];
    const x = SCALE + index * (BAR + GAP);
    const limit = this.#y(MAXIMUM_DB);
    context.fillStyle = well;
    context.fillRect(x, 0, BAR, height);
    context.fillStyle = low;
    context.fillRect(x, Math.max(top, limit), BAR, height);
    context.fillStyle = high;
    if (top < limit) context.fillRect(x, top, BAR, limit - top);
    context.fillStyle = bar.hold > MAXIMUM_DB ? high : text;
    if (bar.hold > FLOOR_DB + 1) context.fillRect(x, hold, BAR, 2);
    context.fillStyle = mark;
    for (const db of MARKS) context.fillRect(x, this.#y(db), BAR, 1);
  }

  /** Scale and wells; hatched while nothing is measured. */
  #ground(many: number, old: boolean): void {
    const [context, width, height, ink] = [this.#context, this.#width, this.#height, this.#ink];
    this.#drawn = Array.from({ length: many }, () => '');
    context.setTransform(this.#ratio, 0, 0, this.#ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    for (let index = 0; index < many; index += 1) {
      const x = SCALE + index * (BAR + GAP);
      context.fillStyle = ink.well;
      context.fillRect(x, 0, BAR, height);
      if (old) hatch(context, { x, y: 0, width: BAR, height }, ink.mark);
    }
    context.fillStyle = ink.mark;
    for (const db of MARKS) context.fillRect(SCALE, this.#y(db), many * (BAR + GAP) - GAP, 1);
    context.fillStyle = ink.text;
    context.font = '10px system-ui, sans-serif';
    context.textAlign = 'right';
    context.textBaseline = 'middle';
    for (const db of [0, ...MARKS, -30, -40, -60]) {
      context.fillText(String(Math.abs(db)), SCALE - 4, Math.min(height - 5, Math.max(5, this.#y(db))));
    }
  }
}

/** The bars of a channel's program; their figures are text beside them. */
export function Bars({ channel, channels, title }: { channel: string; channels: number; title: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const many = Math.max(1, channels);
  const look = theme.value;
  useEffect(() => {
    const node = canvas.current;
    const context = node?.getContext('2d');
    if (!node || !context) return;
    const bars = Array.from({ length: many }, () => new Ppm());
    const face = new Face(context, ink(node));
    let seen = true;
    const watch = new IntersectionObserver((entries) => {
      seen = entries.some((entry) => entry.isIntersecting);
    });
    watch.observe(node);
    const measure = new ResizeObserver(() => {
      face.resize(node.clientWidth, node.clientHeight);
      face.show(bars, newest(channel) === null);
    });
    measure.observe(node);
    const leave = attach((ms) => {
      const now = newest(channel, ms);
      bars.forEach((bar, index) => {
        bar.step(ms, now?.peaks[index] ?? FLOOR_DB);
      });
      // What nobody sees moves, but is not drawn.
      if (!seen) return false;
      face.show(bars, now === null);
      return now !== null && bars.some((bar, index) => !bar.rests(now.peaks[index] ?? FLOOR_DB));
    });
    return () => {
      watch.disconnect();
      measure.disconnect();
      leave();
    };
  }, [channel, many, look]);
  const wide = SCALE + many * (BAR + GAP);
  return <canvas ref={canvas} class="bars" style={{ width: `${wide}px` }} role="img" aria-label={title} />;
}

interface Measured {
  mix: Loudness | undefined;
  states: SoundState[];
  target: LoudnessTarget | null;
}

/** R 128 in figures: momentary, short-term, integrated and what that is to be, range, highest true peak. */
export function Figures({ mix, states, target }: Measured) {
  const rows: [string, string, string][] = [
    ['M', loudness(mix?.momentary), say('loudness_momentary')],
    ['S', loudness(mix?.short_term), say('loudness_short')],
    ['I', loudness(mix?.integrated), say('loudness_integrated')],
    ...(target ? [goal(target)] : []),
    ['LRA', unsettled(mix) ? '…' : level(mix?.lra), say('loudness_range')],
    ['TP', mix && mix.true_peak.length > 0 ? level(Math.max(...mix.true_peak)) : '–', say('loudness_peak')],
  ];
  const faults = states.filter((one) => one.active && one.channels.join() === (mix?.channels ?? one.channels).join());
  return (
    <dl class="figures">
      {rows.map(([name, value, title]) => (
        <div key={name} title={title}>
          <dt>
            <abbr title={title}>{name}</abbr>
          </dt>
          <dd>{value}</dd>
        </div>
      ))}
      {faults.map((fault) => (
        <div key={fault.fault} class="fault">
          <dt class="sr">{say('fault')}</dt>
          <dd>▲ {word('sound', fault.fault)}</dd>
        </div>
      ))}
    </dl>
  );
}

function goal({ lufs, tolerance_lu }: LoudnessTarget): [string, string, string] {
  return [say('target_short'), `${Number(lufs.toFixed(1))} ±${tolerance_lu}`, say('loudness_target')];
}

/** The range means little before a minute of programme (EBU Tech 3342 counts whole programmes). */
function unsettled(mix: Loudness | undefined): boolean {
  const now = status.value?.now;
  return mix !== undefined && now !== undefined && Date.parse(now) - Date.parse(mix.since) < 60_000;
}
