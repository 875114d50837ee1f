// What the pages of tables and texts work out, without a browser.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { difference, differs, expiry, sync, timeline } from '../../build/units/units.js';

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

const at = (place, more = {}) => ({ place, at: '2026-11-22T12:00:00Z', type: 'event', severity: 'info', ...more });
const places = ({ entries }) => entries.map(({ place }) => place);

test('a timeline has each entry once, newest first, and no hole', () => {
  // Of one moment: the log before the number, and both as numbers.
  const known = timeline.refreshed(
    { entries: [], end: null },
    { items: [at('900-1-2'), at('900-0-10')], next_cursor: 'a' },
  );
  const older = timeline.extended(known, { items: [at('900-0-9'), at('80-0-3')], next_cursor: 'b' });
  assert.deepEqual(places(older), ['900-1-2', '900-0-10', '900-0-9', '80-0-3']);
  const newer = timeline.refreshed(older, { items: [at('1000-0-11'), at('900-1-2')], next_cursor: 'c' });
  assert.deepEqual(places(newer), ['1000-0-11', '900-1-2', '900-0-10', '900-0-9', '80-0-3']);
  assert.equal(newer.end, 'b', 'older pages go on where they were');
  const far = timeline.refreshed(newer, { items: [at('3000-0-30'), at('2000-0-20')], next_cursor: 'd' });
  assert.deepEqual([places(far), far.end], [['3000-0-30', '2000-0-20'], 'd'], 'what does not reach begins anew');
});

test('what of the timeline is wanted is in its address', () => {
  const all = { kinds: timeline.KINDS, channel: '', least: 'info', from: '', to: '' };
  assert.equal(timeline.address(all, 100), '/api/v1/timeline?limit=100');
  const some = { kinds: ['act', 'gap'], channel: 'demo', least: 'error', from: '2026-11-22T12:00', to: 'x' };
  const query = new URL(timeline.address(some, 5), 'http://box').searchParams;
  assert.deepEqual(Object.fromEntries(query), {
    limit: '5',
    types: 'act,gap',
    channel: 'demo',
    severity: 'error',
    from: '2026-11-22T12:00:00.000Z',
  });
});

test('a spreadsheet gets every column, and no formula', () => {
  const event = { code: 'slate_on', text: 'say "hi"', subject: null, hint: '=1+1', since: null };
  const act = { who: '@ada', action: 'POST /x/{id}/take', target: '/x/demo/take', asked: { source: 'a' }, status: 200 };
  const [head, one, two, rest] = timeline
    .csv([at('1-0-1', { event }), at('1-1-1', { type: 'act', act })])
    .split('\r\n');
  assert.equal(head, '"at","since","type","severity","channel","subject","who","code","text","hint"');
  assert.equal(one, `"2026-11-22T12:00:00Z","","event","info","","","","slate_on","say ""hi""","'=1+1"`);
  assert.match(two, /"'@ada","200","POST \/x\/demo\/take \{""source"":""a""\}",""$/);
  assert.equal(rest, '');
});

test('a clock is kept right, off, kept by nothing, or not known', () => {
  assert.equal(sync(null), 'unknown');
  assert.equal(sync({ synchronised: false, error_ms: 0 }), 'none');
  assert.equal(sync({ synchronised: true, error_ms: 100.5 }), 'off');
  assert.equal(sync({ synchronised: true, error_ms: 3 }), 'good');
});
