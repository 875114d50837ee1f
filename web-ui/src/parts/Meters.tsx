// Programme meters on canvas. Scale and bars are neutral: red and green belong to the tally; above the permitted maximum
// the bar is amber. What is not measured now is hatched, never silence.

import { useEffect, useRef } from 'preact/hooks';
import type { Loudness, SoundState } from '../api';
import { FLOOR_DB, Ppm, place } from '../core/ballistics';
import { level, loudness } from '../core/format';
import { attach } from '../core/instruments';
import { newest } from '../core/levels';
import { status } from '../core/store';
import { theme } from '../core/surface';
import { say, word } from '../words/say';

/** Permitted maximum and alignment level (EBU R 68), dBFS. */
const MAXIMUM_DB = -9;
const ALIGNMENT_DB = -18;
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

function paint(canvas: HTMLCanvasElement, bars: Ppm[], old: boolean, colours: Ink): void {
  const context = canvas.getContext('2d');
  if (!context) return;
  const ratio = Math.min(2, devicePixelRatio || 1);
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  const y = (db: number) => height - place(db, FLOOR_DB, 0) * height;
  const left = SCALE;
  bars.forEach((bar, index) => {
    const x = left + index * (BAR + GAP);
    context.fillStyle = colours.well;
    context.fillRect(x, 0, BAR, height);
    if (old) {
      context.strokeStyle = colours.mark;
      context.beginPath();
      for (let at = -BAR; at < height; at += 6) {
        context.moveTo(x, at + BAR);
        context.lineTo(x + BAR, at);
      }
      context.stroke();
      return;
    }
    const top = y(bar.level);
    context.fillStyle = colours.bar;
    context.fillRect(x, Math.max(top, y(MAXIMUM_DB)), BAR, height);
    if (bar.level > MAXIMUM_DB) {
      context.fillStyle = colours.high;
      context.fillRect(x, top, BAR, y(MAXIMUM_DB) - top);
    }
    if (bar.hold > FLOOR_DB + 1) {
      context.fillStyle = bar.hold > MAXIMUM_DB ? colours.high : colours.text;
      context.fillRect(x, y(bar.hold), BAR, 2);
    }
  });
  context.fillStyle = colours.mark;
  const right = left + bars.length * (BAR + GAP) - GAP;
  for (const db of [MAXIMUM_DB, ALIGNMENT_DB]) context.fillRect(left, y(db), right - left, 1);
  context.fillStyle = colours.text;
  context.font = '10px system-ui, sans-serif';
  context.textAlign = 'right';
  context.textBaseline = 'middle';
  for (const db of [0, MAXIMUM_DB, ALIGNMENT_DB, -30, -40, -60]) {
    context.fillText(String(Math.abs(db)), left - 4, Math.min(height - 5, Math.max(5, y(db))));
  }
}

/** The bars of a channel's program; their figures are text beside them. */
export function Bars({ channel, channels, title }: { channel: string; channels: number; title: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const wide = SCALE + Math.max(1, channels) * (BAR + GAP);
  const look = theme.value;
  useEffect(() => {
    const node = canvas.current;
    if (!node) return;
    const bars = Array.from({ length: Math.max(1, channels) }, () => new Ppm());
    const colours = ink(node);
    let drawn = '';
    let seen = true;
    const watch = new IntersectionObserver((entries) => {
      seen = entries.some((entry) => entry.isIntersecting);
    });
    watch.observe(node);
    const leave = attach((ms) => {
      const now = newest(channel);
      bars.forEach((bar, index) => {
        bar.step(ms, now?.peaks[index] ?? FLOOR_DB);
      });
      const key = now ? bars.map((bar) => `${bar.level.toFixed(1)}/${bar.hold.toFixed(1)}`).join() : 'old';
      // What nobody sees moves, but is not drawn.
      if (!seen) return false;
      const size = `${key} ${node.clientWidth}x${node.clientHeight}`;
      if (size !== drawn && node.clientHeight > 0) {
        paint(node, bars, !now, colours);
        drawn = size;
      }
      return now !== null && bars.some((bar, index) => !bar.rests(now.peaks[index] ?? FLOOR_DB));
    });
    return () => {
      watch.disconnect();
      leave();
    };
  }, [channel, channels, look]);
  return <canvas ref={canvas} class="bars" style={{ width: `${wide}px` }} role="img" aria-label={title} />;
}

/** R 128 in figures: momentary, short-term, integrated, range, highest true peak. */
export function Figures({ mix, states }: { mix: Loudness | undefined; states: SoundState[] }) {
  const rows: [string, string, string][] = [
    ['M', loudness(mix?.momentary), say('loudness_momentary')],
    ['S', loudness(mix?.short_term), say('loudness_short')],
    ['I', loudness(mix?.integrated), say('loudness_integrated')],
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

/** The range means little before a minute of programme (EBU Tech 3342 counts whole programmes). */
function unsettled(mix: Loudness | undefined): boolean {
  const now = status.value?.now;
  return mix !== undefined && now !== undefined && Date.parse(now) - Date.parse(mix.since) < 60_000;
}
