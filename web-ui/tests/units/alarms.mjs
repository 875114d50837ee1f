// Alarms: what the strip lists, and what sounds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chime, listed, shelved } from '../../build/units/units.js';

const alarm = (id, more) => ({
  id,
  code: id,
  channel: null,
  subject: null,
  priority: 'warning',
  reason: 'it is so',
  action: 'do this',
  active: true,
  since: '2026-11-21T10:00:00Z',
  raised: '2026-11-21T10:00:05Z',
  cleared: null,
  count: 1,
  acked: null,
  shelved: null,
  ...more,
});
const mark = { at: '2026-11-21T10:01:00Z', by: 'ada' };
const until = (time) => ({ ...mark, until: time, reason: 'being moved' });

test('three priorities in their order, what is acknowledged behind, what is put aside apart', () => {
  const all = [
    alarm('a', { priority: 'info' }),
    alarm('b', { acked: mark, priority: 'critical' }),
    alarm('c'),
    alarm('d', { priority: 'critical' }),
    alarm('e', { shelved: until('2026-11-21T10:30:00Z') }),
    alarm('f', { shelved: until('2026-11-21T10:10:00Z'), priority: 'critical' }),
    alarm('g', { active: false, acked: mark }),
    alarm('h', { active: false }),
  ];
  assert.deepEqual(
    listed(all).map((one) => `${one.id} ${one.priority}`),
    ['d critical', 'c warning', 'h warning', 'a info', 'b critical'],
  );
  assert.deepEqual(
    shelved(all).map((one) => one.id),
    ['f', 'e'],
  );
});

test('each raise sounds once, the worst first; what is seen, aside, over or no more than information does not', () => {
  let heard = new Set();
  const look = (all) => {
    const now = chime.called(heard, all);
    heard = now.heard;
    return now.chime;
  };
  const [warning, critical] = [alarm('c'), alarm('d', { priority: 'critical' })];
  assert.equal(look([alarm('a', { priority: 'info' }), alarm('h', { active: false })]), null);
  assert.equal(look([warning]), 'warning');
  assert.equal(look([warning]), null, 'once');
  assert.equal(look([warning, critical]), 'critical');
  assert.equal(look([{ ...critical, acked: mark }, warning]), null);
  assert.equal(look([{ ...warning, raised: '2026-11-21T10:09:00Z' }]), 'warning', 'raised again');
  assert.equal(look([{ ...warning, shelved: until('2026-11-21T10:30:00Z') }]), null);
  assert.equal(look([warning]), 'warning', 'back from where it was put');
  assert.equal(look([alarm('x'), alarm('y', { priority: 'critical' })]), 'critical');
});

test('a link that is lost sounds, and one that is back', () => {
  assert.equal(chime.linked('live', 'lost'), 'lost');
  assert.equal(chime.linked('lost', 'live'), 'back');
  for (const [before, now] of [
    ['connecting', 'live'],
    ['live', 'live'],
    ['lost', 'forbidden'],
    ['connecting', 'lost'],
  ]) {
    assert.equal(chime.linked(before, now), null, `${before} ${now}`);
  }
});
