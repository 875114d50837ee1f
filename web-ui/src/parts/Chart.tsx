// Figures of the last minutes over the time of the box: a line of what was measured, a dashed one of what should be, holes where
// nobody knows. What a line shows is said in words, too, and read at any moment by pointer or by arrow keys.

import { useEffect, useRef, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import { extent, holes, type Kind, shaped, span, spelled, topOf, type Unit, unitOf } from '../core/chart';
import { utc } from '../core/format';
import { type Column, historyOf, shift } from '../core/history';
import { library } from '../core/library';
import { known } from '../core/store';
import { theme } from '../core/surface';
import { say } from '../words/say';
import { hatch } from './hatch';

/** uPlot is a third of the whole panel: it is fetched when there is something to draw. */
const drawing = () => library<typeof uPlot>('uplot.js', 'uPlot');

const HIGH = 150;

export interface Line {
  /** Of the channel's history. */
  key: string;
  name: string;
}

interface Props {
  channel: string;
  title: string;
  kind: Kind;
  /** What was measured. */
  line: Line;
  /** What it should be. */
  target?: Line;
  /** Top of the scale, unless a line goes above it. */
  top: number;
}

/** What is drawn, as it is now. */
interface Sheet {
  data: [number[], ...Column[]];
  time: [number, number];
  top: number;
}

export function Chart({ channel, title, kind, line, target, top }: Props) {
  const node = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [cursor, setCursor] = useState<number | null>(null);
  const [failed, setFailed] = useState(false);
  const lines = target ? [line, target] : [line];
  const keys = lines.map(({ key }) => key);
  const data = shaped(historyOf(channel), keys, shift());
  const [times, measured = []] = data;
  const highest = topOf(top, data.slice(1) as Column[]);
  const sheet: Sheet = { data, time: span(times, known() / 1000), top: highest };
  const newest = useRef(sheet);
  newest.current = sheet;
  const unit = unitOf(kind, highest);
  const drawn = times.length > 0;
  const look = theme.value;

  useEffect(() => {
    const place = node.current;
    if (!place || !drawn) return;
    return keep(place, { plot, newest, unit, dashed: target !== undefined, setCursor, setFailed });
  }, [channel, keys.join(), unit.name, look, drawn]);
  useEffect(() => {
    plot.current?.setData(sheet.data as uPlot.AlignedData);
  }, [times.at(-1), times.length]);

  const at = cursor !== null && cursor < times.length ? cursor : times.length - 1;
  const moment = times[at];
  const read = lines.map(({ name }, place) => `${name} ${spelled[kind](data[place + 1]?.[at] as number | null)}`);
  const readout = moment === undefined ? say('chart_waiting') : `${utc(moment * 1000)} UTC: ${read.join(', ')}`;
  const about = extent(measured);
  const words = about
    ? say('chart_of', { name: line.name, low: spelled[kind](about.low), high: spelled[kind](about.high) })
    : say('chart_waiting');

  const move = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -at, End: times.length - 1 - at };
    const by = step[event.key as keyof typeof step];
    if (by === undefined || !plot.current) return;
    event.preventDefault();
    const to = Math.min(times.length - 1, Math.max(0, at + by));
    plot.current.setCursor({ left: plot.current.valToPos(times[to] ?? 0, 'x'), top: 0 });
    setCursor(to);
  };
  return (
    <figure
      class="chart"
      data-chart={line.key}
      data-points={measured.filter((value) => value !== null).length}
      data-holes={holes(times, measured).length}
    >
      <figcaption>
        <strong>{title}</strong> <span class="quiet">{unit.name}</span>
        <span class="readout">{readout}</span>
        {failed ? <span class="quiet">{`${say('chart_failed')} ${words}`}</span> : null}
      </figcaption>
      {drawn && !failed ? (
        <div
          ref={node}
          class="plot"
          role="slider"
          tabIndex={0}
          aria-label={`${title}: ${words}`}
          aria-valuemin={0}
          aria-valuemax={times.length - 1}
          aria-valuenow={at}
          aria-valuetext={readout}
          onKeyDown={move}
        />
      ) : null}
    </figure>
  );
}

interface Kept {
  plot: { current: uPlot | null };
  newest: { current: Sheet };
  unit: Unit;
  dashed: boolean;
  setCursor: (place: number | null) => void;
  setFailed: (failed: boolean) => void;
}

/** Draws into `place` and follows its size; what is returned ends that, and nothing of it is left. */
function keep(place: HTMLElement, { plot, newest, unit, dashed, setCursor, setFailed }: Kept): () => void {
  let over = false;
  const measure = new ResizeObserver(() => plot.current?.setSize({ width: place.clientWidth, height: HIGH }));
  drawing().then(
    (UPlot) => {
      if (over) return;
      const wanted = options(place, newest, unit, dashed);
      const hooks = { ...wanted.hooks, setCursor: [(self: uPlot) => setCursor(self.cursor.idx ?? null)] };
      plot.current = new UPlot({ ...wanted, hooks }, newest.current.data as uPlot.AlignedData, place);
      measure.observe(place);
    },
    () => !over && setFailed(true),
  );
  return () => {
    over = true;
    measure.disconnect();
    plot.current?.destroy();
    plot.current = null;
  };
}

function options(place: HTMLElement, newest: { current: Sheet }, { of }: Unit, dashed: boolean): uPlot.Options {
  const style = getComputedStyle(place);
  const ink = (name: string) => style.getPropertyValue(name).trim();
  const [bar, text, rule] = [ink('--meter'), ink('--muted'), ink('--line')];
  const axis = {
    stroke: text,
    font: `11px ${ink('--sans')}`,
    grid: { stroke: rule, width: 1 },
    ticks: { show: false },
  };
  const unknown = (self: uPlot) => {
    const [times, column] = [newest.current.data[0], newest.current.data[1] ?? []];
    const { left, top, width, height } = self.bbox;
    for (const [from, to] of holes(times, column)) {
      const edge = (time: number) => Math.min(left + width, Math.max(left, self.valToPos(time, 'x', true)));
      hatch(self.ctx, { x: edge(from), y: top, width: edge(to) - edge(from), height }, ink('--edge'));
    }
  };
  return {
    width: place.clientWidth,
    height: HIGH,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: {
      x: { time: true, range: () => newest.current.time },
      y: { range: () => [0, newest.current.top] },
    },
    series: [
      {},
      { stroke: bar, width: 1.5, points: { show: false } },
      ...(dashed ? [{ stroke: ink('--text'), width: 1, dash: [5, 4], points: { show: false } }] : []),
    ],
    axes: [
      { ...axis, space: 80, size: 26, values: (_, times) => times.map((time) => utc(time * 1000)) },
      {
        ...axis,
        space: 24,
        size: 46,
        values: (_, values) => values.map((value) => String(Number((value / of).toPrecision(3)))),
      },
    ],
    hooks: { drawClear: [unknown] },
  };
}
