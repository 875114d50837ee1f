// The player's decisions, without a browser.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cap, decide, MESSAGES, pollDelay, remedy, secondsText, WORDS } from '../player/state.js';

const playing = {
  reachable: true,
  listed: true,
  started: true,
  ended: false,
  now: 100,
  progressAt: 100,
  edgeAt: 99,
  target: 2,
};

const table = [
  ['playing', {}],
  ['playing', { progressAt: 98.6 }],
  ['stalled', { progressAt: 98.4 }],
  ['playing', { reachable: false }, 'the buffer outlasts the origin'],
  ['offline', { reachable: false, progressAt: 90 }],
  ['offline', { reachable: false, listed: false, started: false, progressAt: -Infinity }],
  ['waiting', { listed: false, started: false, progressAt: -Infinity }],
  ['loading', { started: false, progressAt: -Infinity }],
  ['off-air', { progressAt: 90, edgeAt: 93 }],
  ['stalled', { progressAt: 90, edgeAt: 95 }],
  ['off-air', { progressAt: 90, ended: true }],
  ['off-air', { started: false, progressAt: -Infinity, edgeAt: 90 }],
];

for (const [state, change, why] of table) {
  test(`${state}: ${why ?? JSON.stringify(change)}`, () => {
    assert.equal(decide({ ...playing, ...change }), state);
    assert.ok(WORDS[state]);
  });
}

test('a state without a picture to trust explains itself', () => {
  assert.deepEqual(Object.keys(MESSAGES).sort(), ['off-air', 'offline', 'stalled', 'waiting']);
});

test('a jump comes first, a new start next', () => {
  assert.equal(remedy(3.9, false), 'none');
  assert.equal(remedy(4, false), 'jump');
  assert.equal(remedy(9.9, true), 'none');
  assert.equal(remedy(10, true), 'rebuild');
});

test('polling slows down to a bound', () => {
  assert.equal(pollDelay(0), 1);
  assert.equal(pollDelay(1000), 5);
});

test('a figure that is not known is not zero', () => {
  assert.equal(secondsText(null), '–');
  assert.equal(secondsText(Number.NaN), '–');
  assert.equal(secondsText(2.04), '2.0 s');
});

test('renditions that the multivariant playlist does without are not tried', () => {
  const base = 'http://origin/live/demo/multivariant.m3u8';
  const levels = ['a', 'v360', 'v720'].map((id) => `http://origin/live/demo/${id}/media.m3u8`);
  const text = (...ids) => `#EXTM3U\n${ids.map((id) => `#EXT-X-STREAM-INF:BANDWIDTH=1\n${id}/media.m3u8\n`).join('')}`;
  assert.equal(cap(levels, text('v720', 'v360', 'a'), base), -1);
  assert.equal(cap(levels, text('v360', 'a'), base), 1);
  assert.equal(cap(levels, text('a'), base), 0);
  assert.equal(cap(levels, '', base), -1, 'of nothing nothing can be said');
});
