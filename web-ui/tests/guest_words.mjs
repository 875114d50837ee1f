// What a guest is told, and when it is tried again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as words from '../guest/words.js';

test('the link names channel, source and key, also behind a proxy', () => {
  const given = { channel: 'a', source: 'guest', key: 'k.e-y_1' };
  assert.deepEqual(words.place('/guest/a/guest', '#key=k.e-y_1'), given);
  assert.deepEqual(words.place('/studio/guest/a/guest/', '#key=k.e-y_1'), given);
  assert.equal(words.place('/guest/a/guest', '').key, '');
  assert.equal(words.place('/guest/a/guest', '#other=1').key, '');
});

test('pauses grow, have a bound, and differ from guest to guest', () => {
  const longest = [1, 2, 3, 4, 5, 50].map((n) => words.pause(n, 1));
  assert.deepEqual(longest, [1000, 2000, 4000, 8000, 8000, 8000]);
  assert.equal(words.pause(4, 0), 4000);
});

test('what cannot heal is not tried again', () => {
  for (const [status, code, again] of [
    [401, 'wrong_key', false],
    [404, 'unknown_source', false],
    [409, 'occupied', true],
    [415, 'not_sdp', false],
    [422, 'bad_offer', false],
    [503, 'off_air', true],
    [503, 'engine_failed', true],
    [504, 'not_confirmed', true],
    [0, '', true],
  ])
    assert.equal(words.refusal(status, code).again, again, `${status} ${code}`);
});

test('a page without TLS says what is wrong, whatever the browser calls it', () => {
  assert.match(words.mediaFault('SecurityError', false), /https/);
  assert.match(words.mediaFault('NotAllowedError', true), /blocked/);
  assert.match(words.mediaFault('OddError', true), /OddError/);
});
