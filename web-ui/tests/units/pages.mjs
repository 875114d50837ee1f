// What the pages of tables and texts work out, without a browser.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { difference, differs, expiry, extended, sparkPath } from '../../build/units/units.js';

const told = (first, second) => difference(first, second).map(({ sign, line, text }) => `${sign}${line} ${text}`);

test('a difference is what is only in one of two texts, each with its own line', () => {
  assert.deepEqual(told('a\nb\nc', 'a\nb\nc'), []);
  assert.deepEqual(told('a\nb\nc', 'a\nx\nc'), ['-2 b', '+2 x']);
  assert.deepEqual(told('a\nb\nc\nd', 'a\nc\nd\ne'), ['-2 b', '+4 e']);
  assert.deepEqual(told('', 'a'), ['-1 ', '+1 a']);
  // Lines that stand twice are not taken for each other's moves.
  assert.deepEqual(told('x\nx', 'x'), ['-2 x']);
});

test('a difference of large texts is told as a whole, and soon', () => {
  const many = (mark) => Array.from({ length: 1500 }, (_, line) => `${mark} ${line}`).join('\n');
  assert.equal(difference(many('a'), many('b')).length, 3000);
});

test('what a difference leaves out is in both texts, in its order', () => {
  for (const [first, second] of [
    ['a\nb\nc\na\nb\nb\na', 'c\nb\na\nb\na\nc'],
    ['1\n2\n3', '3\n2\n1'],
  ]) {
    const lines = difference(first, second);
    const rest = (text, sign) => {
      const gone = new Set(lines.filter((one) => one.sign === sign).map((one) => one.line));
      return text.split('\n').filter((_, place) => !gone.has(place + 1));
    };
    assert.deepEqual(rest(first, '-'), rest(second, '+'));
  }
});

test('a course has a hole for each second that nothing was heard, and an end', () => {
  assert.deepEqual(extended([1], 1, 2), [1, 2]);
  assert.deepEqual(extended([1], 3, 2), [1, null, null, 2]);
  const long = extended([1, 2], 100_000, 3);
  assert.equal(long.length, 120);
  assert.equal(long.at(-1), 3);
  assert.equal(long[0], null);
});

test('a line is broken where there is a hole, and ends at the right edge', () => {
  const lines = sparkPath([1, 1, null, 2], 2).match(/M[^M]+/g);
  assert.equal(lines.length, 2);
  assert.match(lines[1], /^M120\.0 1\.0$/);
  assert.equal(sparkPath([null], 1), '');
  assert.equal(sparkPath([5], 0.0001), 'M120.0 1.0', 'what is above the scale is at its top');
});

test('a token ends after so many days, or never', () => {
  assert.equal(expiry(30, Date.UTC(2026, 10, 1)), '2026-12-01T00:00:00.000Z');
  assert.equal(expiry(0, 0), null);
});

test('a panel of another version, or of another build, is not the daemon’s', () => {
  const own = { version: '0.1.0', tag: '"a"' };
  assert.equal(differs(own, { version: '0.1.0', tag: '"a"' }), false);
  assert.equal(differs(own, { version: '0.2.0', tag: '"a"' }), true);
  assert.equal(differs(own, { version: '0.1.0', tag: '"b"' }), true);
  assert.equal(differs(own, { version: '0.1.0', tag: null }), false, 'what cannot be told is no difference');
});
