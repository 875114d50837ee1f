// The panel's words: what may be said of a channel, and how.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as bus from '../panel/bus.js';
import * as sound from '../panel/sound.js';
import * as words from '../panel/words.js';

test('only what a viewer receives is on air', () => {
  const channel = (onAir, state, showing) => ({
    on_air: onAir,
    state,
    report: showing && { program: { showing: { showing } } },
  });
  for (const [given, said] of [
    [channel(true, 'running', 'source'), 'ON AIR'],
    [channel(true, 'running', 'slate'), 'SLATE'],
    [channel(true, 'slate', null), 'SLATE'],
    [channel(false, 'running', 'source'), 'OFF AIR'],
    [channel(false, 'starting', null), 'OFF AIR'],
    [channel(false, 'failed', 'slate'), 'OFF AIR'],
  ])
    assert.equal(words.tally(given).text, said, JSON.stringify(given));
});

test('what waits says until when, and what is left out', () => {
  const one = (seconds, catch_up, renditions) => ({ queue_seconds: seconds, line: { catch_up, renditions } });
  assert.equal(words.waiting({ queue_seconds: 4, line: null }), '4.0 s', 'a stream has no line');
  assert.equal(words.waiting(one(0, { is: 'even' })), '0.0 s');
  assert.equal(words.waiting(one(44, { is: 'takes', seconds: 90 })), '44 s, even in 1 min 30 s');
  assert.equal(words.waiting(one(44, { is: 'never' })), '44 s, never even at this rate');
  const renditions = [
    { id: 'v720', carried: 'dropped' },
    { id: 'v360', carried: 'whole' },
  ];
  assert.equal(words.leftOut(one(0, { is: 'even' }, renditions)), 'v720');
  assert.equal(words.leftOut({ queue_seconds: 0 }), '');
});

test('off air against the order is loud, off air by order is quiet', () => {
  const channel = (order, health) => ({ on_air: false, order, state: 'idle', health: { health } });
  assert.equal(words.tally(channel('on_air', 'unhealthy')).kind, 'missing');
  assert.equal(words.tally(channel('on_air', 'inactive')).kind, 'off', 'just starting');
  assert.equal(words.tally(channel('off_air', 'inactive')).kind, 'off');
});

test('a word that is not known is shown, never taken for good', () => {
  assert.equal(words.health('healthy'), '✓ Healthy');
  assert.equal(words.health('on_fire'), '? on_fire');
  assert.equal(words.severity('error'), '⬣ ERROR');
});

test('a scene names both sources, shown or asked for', () => {
  const scene = { layout: 'pip', corner: 'top_left', size_percent: 30, sources: ['host', 'guest'] };
  assert.equal(words.showing({ showing: 'scene', scene }), 'host + guest (picture in picture)');
  assert.equal(words.programOrder({ show: 'scene', scene }), 'host + guest (picture in picture)');
});

test('durations, rates and sizes', () => {
  for (const [seconds, said] of [
    [-3, '0.0 s'],
    [0.44, '0.4 s'],
    [59.9, '59 s'],
    [65, '1 min 05 s'],
    [4210, '1 h 10 min'],
    [90_000, '1 d 1 h'],
    [Number.NaN, '?'],
  ])
    assert.equal(words.duration(seconds), said);
  assert.equal(words.bits(3_000_000), '3.00 Mbit/s');
  assert.equal(words.bits(128_000), '128 kbit/s');
  assert.equal(words.bytes(740_000_000), '740.0 MB');
  assert.equal(words.clock('2026-11-20T18:44:02.113Z'), '18:44:02');
  assert.equal(words.clock('nonsense'), 'nonsense');
});

test('a mix is told with what is wrong with it, and what is not known is a dash', () => {
  const mix = {
    channels: [3, 4],
    momentary: -23.04,
    short_term: null,
    integrated: -22.96,
    lra: 4,
    true_peak: [-7.1, -3.2],
  };
  const state = (fault, channels, active) => ({ fault, channels, active });
  const states = [
    state('silence', [1, 2], true),
    state('phase_inverted', [3, 4], true),
    state('over_level', [3, 4], false),
  ];
  assert.deepEqual(sound.row(mix, []).slice(0, 7), ['3 4', '-23.0', '–', '-23.0', '4.0', '-3.2', 'off']);
  assert.equal(sound.row({ ...mix, correction_db: 2.5 }, [])[6], '+2.5 dB');
  assert.equal(sound.row(mix, states)[7][0], 'phase inverted');
});

test('each place of the bus says where it stands, by what the worker reports', () => {
  const source = (id, health = 'healthy', state = 'delivering') => ({ id, state, health: { health } });
  const sources = [source('cam-1'), source('cam-2', 'unhealthy', 'lost'), source('guest', 'partially_healthy')];
  const stand = (program) =>
    Object.fromEntries(bus.places(program, sources).map((place) => [place.key, bus.marks(place)]));
  const shows = (id) => ({ showing: 'source', source: id });
  const order = (id) => ({ show: 'source', source: id });
  assert.deepEqual(stand({ showing: shows('cam-1'), order: { show: 'auto' }, preview: null }), {
    'source-cam-1': 'ON AIR',
    'source-cam-2': '⬣ lost',
    'source-guest': '▲ degraded',
    auto: 'ASKED',
    slate: '',
  });
  assert.deepEqual(stand({ showing: { showing: 'slate' }, order: order('cam-2'), preview: { show: 'auto' } }), {
    'source-cam-1': '',
    'source-cam-2': 'ASKED · ⬣ lost',
    'source-guest': '▲ degraded',
    auto: 'NEXT',
    slate: 'ON AIR',
  });
  const scene = { layout: 'pip', corner: 'top_left', size_percent: 30, sources: ['cam-1', 'guest'] };
  const two = stand({ showing: shows('cam-1'), order: order('cam-1'), preview: { show: 'scene', scene } });
  assert.deepEqual([two['source-cam-1'], two['source-guest']], ['ON AIR · NEXT', 'NEXT · ▲ degraded']);
  assert.deepEqual(bus.body({ show: 'scene', scene }), { scene });
  assert.deepEqual(bus.body({ show: 'slate' }), { show: 'slate' });
});

test('what a destination costs is one line', () => {
  const month = { bytes_sent: 41.3e9, bytes_acknowledged: 41.2e9, cost: 3.296 };
  const price = { per_gb: 0.08, currency: 'EUR' };
  assert.equal(words.cost(undefined), '');
  assert.equal(words.cost({ month: { ...month, cost: null }, price: null, budget: null }), '41.20 GB this month');
  const budget = { used: 0.8249, hold: null };
  assert.equal(words.cost({ month, price, budget }), '41.20 GB this month, 3.30 EUR, 82 % of the budget');
  const spent = { used: 1.2, hold: 'stopped' };
  assert.equal(
    words.cost({ month, price, budget: spent }),
    '41.20 GB this month, 3.30 EUR, 120 % of the budget, STOPPED',
  );
});
