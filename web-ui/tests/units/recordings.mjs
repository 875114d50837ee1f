// Recordings: places in what is played, and what a form says of a clip.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clipOf, placeOf } from '../../build/units/units.js';

const T = Date.parse('2026-11-21T10:00:00Z');
// Two seconds each; a minute is missing between the second and the third.
const fragments = [0, 2000, 64_000].map((after, place) => ({
  start: place * 2,
  duration: 2,
  programDateTime: T + after,
}));

test('a moment of program time is found in media time, across a hole', () => {
  assert.equal(placeOf(fragments, T + 500), 0.5);
  assert.equal(placeOf(fragments, T + 3000), 3);
  assert.equal(placeOf(fragments, T + 65_000), 5);
  assert.equal(placeOf(fragments, T + 30_000), 4, 'in the hole: where the picture goes on');
  assert.equal(placeOf(fragments, T - 10_000), 0, 'before its begin');
  assert.equal(placeOf(fragments, T + 90_000), null, 'behind its end');
  assert.equal(placeOf([{ ...fragments[0], programDateTime: null }], T), null);
});

test('what is left empty in a form is not said', () => {
  const none = { from: null, to: null, title: null, movie: false, exact: false };
  assert.deepEqual(clipOf({ from: ' ', to: '', title: '' }), none);
  assert.deepEqual(clipOf({ from: ' 1:30 ', to: '-0:10', title: 'Goal', movie: 'on', exact: 'on' }), {
    from: '1:30',
    to: '-0:10',
    title: 'Goal',
    movie: true,
    exact: true,
  });
});
