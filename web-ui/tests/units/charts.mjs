// What charts and the meters of loudness are drawn from, without a browser.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byRole, chart, history, loudness } from '../../build/units/units.js';
import { appliance } from './documents.mjs';

const figures = (of) => new Map(Object.entries(of));

test('a history has a row a second, and one of holes where nothing was heard', () => {
  const table = new history.Table();
  table.add(10, figures({ a: 1 }));
  table.add(10, figures({ a: 9 }));
  table.add(11, figures({ a: 2 }));
  // Two seconds late is no silence.
  table.add(13, figures({ a: 3 }));
  table.add(20, figures({ a: 4, b: 5 }));
  assert.deepEqual(table.at, [10, 11, 13, 14, 20]);
  assert.deepEqual(table.column('a'), [1, 2, 3, null, 4]);
  assert.deepEqual(table.column('b'), [null, null, null, null, 5], 'what is new has no past');
  table.add(21, figures({ b: 6 }));
  assert.equal(table.column('a').at(-1), null, 'what is not measured any more is no line');
});

test('a history ends after ten minutes, and forgets what is gone', () => {
  const table = new history.Table();
  table.add(0, figures({ gone: 1, kept: 1 }));
  for (let second = 1; second <= 5000; second += 1) table.add(second, figures({ kept: second }));
  assert.deepEqual([table.at.length, table.at[0], table.at.at(-1)], [601, 4400, 5000]);
  assert.deepEqual(table.keys, ['kept']);
  assert.equal(table.column('kept').length, 601);
  table.add(5001, figures({ kept: 5001, late: 1 }));
  assert.deepEqual(table.column('late').filter(Boolean), [1], 'what is new has no past of others');
  table.add(100_000, figures({ kept: 7 }));
  assert.deepEqual([table.at, table.column('kept')], [[100_000], [7]]);
});

test('the figures of a channel are its renditions, and what waits for each destination', () => {
  const [demo, , off] = appliance().channels;
  demo.report.renditions = [{ id: '720p', measured: 2_900_000, target: 3_000_000 }];
  demo.report.destinations[0].line = { needed: 3e6, measured: 9e6 };
  assert.deepEqual(Object.fromEntries(history.figuresOf(demo)), {
    'rendition/720p/measured': 2_900_000,
    'rendition/720p/target': 3_000_000,
    'destination/origin-a/waiting': 0,
    'destination/origin-a/line': 9e6,
    'destination/origin-a/needed': 3e6,
  });
  assert.equal(history.figuresOf(off).size, 0);
});

test('lines are at the time of the box, and what is not known is no line', () => {
  const table = new history.Table();
  table.add(1, figures({ a: 7 }));
  table.add(2, figures({ a: null }));
  assert.deepEqual(chart.shaped(table, ['a', 'b'], 1000), [
    [1001, 1002],
    [7, null],
    [null, null],
  ]);
  assert.deepEqual(chart.shaped(new history.Table(), ['a'], 0), [[], []]);
});

test('the axis of time begins with two minutes and grows to ten', () => {
  assert.deepEqual(chart.span([], 1000), [880, 1000]);
  assert.deepEqual(chart.span([990], 1000), [880, 1000]);
  assert.deepEqual(chart.span([700], 1000), [700, 1000]);
  assert.deepEqual(chart.span([100], 1000), [400, 1000]);
});

test('the scale has room over every line, and is never nothing', () => {
  assert.equal(chart.topOf(10, [[1, null, 2]]), 10);
  assert.equal(chart.topOf(10, [[1], [null, 100]]), 105);
  assert.equal(chart.topOf(0, [[]]), 1);
});

test('a hole is from the last that is known to the next; before the first there is none', () => {
  assert.deepEqual(chart.holes([1, 2, 3, 4, 9, 10], [1, 2, null, null, 3, 4]), [[2, 9]]);
  assert.deepEqual(chart.holes([1, 2, 3], [null, 1, 2]), []);
  assert.deepEqual(chart.holes([1, 2, 3], [1, null, null]), [[1, 3]], 'it lasts');
  assert.deepEqual(chart.holes([], []), []);
});

test('figures are in a unit in which one can read them', () => {
  const name = (kind, top) => chart.unitOf(kind, top).name;
  assert.deepEqual([name('bits', 128_000), name('bits', 3e6)], ['kbit/s', 'Mbit/s']);
  assert.deepEqual([name('seconds', 10), name('seconds', 600), name('seconds', 9000)], ['s', 'min', 'h']);
  assert.equal(chart.spelled.seconds(null), '–');
  assert.deepEqual(chart.extent([3, null, 1]), { low: 1, high: 3, newest: 1 });
  assert.equal(chart.extent([null]), null);
});

test('loudness stands on the EBU +9 scale, and is on target within its tolerance', () => {
  const target = { lufs: -23, tolerance_lu: 1 };
  assert.deepEqual(
    [-50, -41, -23, -14, 0].map((lufs) => loudness.height(lufs, target)),
    [0, 0, 18 / 27, 1, 1],
  );
  assert.deepEqual(loudness.marks(target), [-14, -23, -32, -41]);
  const said = [-22, -24, -21.9, -24.1, null].map((lufs) => loudness.verdict(lufs, target));
  assert.deepEqual(said, ['on', 'on', 'above', 'below', 'unknown']);
});

test('who is here is counted by role, panels alone', () => {
  const one = (name, role, seat, streams) => ({ name, role, seat, streams, since: '2026-11-22T12:00:00Z' });
  const present = [
    one('ada', 'admin', 'panel', 2),
    one('bob', 'viewer', 'panel', 1),
    one('eve', 'admin', 'panel', 1),
    one('robot', 'admin', 'program', 5),
  ];
  assert.deepEqual(byRole({ panels: 4, programs: 5, present }), [
    ['admin', 3],
    ['viewer', 1],
  ]);
});
