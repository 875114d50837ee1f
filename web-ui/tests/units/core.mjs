// The panel's rules without a browser: watchdog, instruments, orders, arms, documents.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  arm,
  ballistics,
  channel,
  command,
  format,
  levels,
  live,
  reduce,
  route,
  watchdog,
} from '../../build/units/units.js';
import { appliance, channelOf } from './documents.mjs';

const at = (steady, wall = steady) => ({ steady, wall });

test('the watchdog: five seconds of silence are a loss, by whichever clock', () => {
  const { judge } = watchdog;
  assert.deepEqual(judge(at(1000), at(0), at(5900), false), { lost: false, reopen: false });
  assert.deepEqual(judge(at(1000), at(0), at(6100), false), { lost: true, reopen: true });
  // The computer slept: its steady clock did not see it.
  assert.equal(judge(at(1000), at(0), at(1100, 60_000), false).lost, true);
  // The wall clock was set back: that is no silence.
  assert.equal(judge(at(1000, 9000), at(0, 8000), at(1100, 5000), false).lost, false);
});

test('the watchdog: a page that never heard anything is not lost, and tries again', () => {
  const { judge } = watchdog;
  assert.deepEqual(judge(null, at(0), at(4000), false), { lost: false, reopen: false });
  assert.deepEqual(judge(null, at(0), at(5100), false), { lost: false, reopen: true });
  // A stream that was refused is tried again soon, but not at once.
  assert.equal(judge(null, at(0), at(1000), true).reopen, false);
  assert.equal(judge(null, at(0), at(2100), true).reopen, true);
  // While it is lost, each try gets its time.
  assert.equal(judge(at(0), at(8000), at(9000), false).reopen, false);
});

test('a programme meter: 10 ms read 1 dB less than a steady tone, 20 dB fall in 1.7 s', () => {
  const burst = new ballistics.Ppm();
  burst.step(10, 0);
  assert.ok(Math.abs(burst.level + 1) < 0.1, `${burst.level}`);
  const steady = new ballistics.Ppm();
  for (let ms = 0; ms < 200; ms += 10) steady.step(10, -9);
  assert.ok(Math.abs(steady.level + 9) < 0.05);
  for (let ms = 0; ms < 1700; ms += 20) steady.step(20, -120);
  assert.ok(Math.abs(steady.level + 29) < 0.2, `${steady.level}`);
  // However the time is cut: a display of 25 and one of 60 frames show the same.
  const coarse = new ballistics.Ppm();
  coarse.step(40, -3);
  const fine = new ballistics.Ppm();
  for (let step = 0; step < 4; step += 1) fine.step(10, -3);
  assert.ok(Math.abs(coarse.level - fine.level) < 0.05);
});

test('a programme meter holds its peak for three seconds and never falls below its floor', () => {
  const bar = new ballistics.Ppm();
  bar.step(100, -6);
  for (let ms = 0; ms < 2900; ms += 100) bar.step(100, -120);
  assert.ok(Math.abs(bar.hold + 6) < 0.1);
  for (let ms = 0; ms < 9000; ms += 100) bar.step(100, -120);
  assert.equal(bar.level, ballistics.FLOOR_DB);
  assert.ok(bar.hold < -55);
  assert.ok(bar.rests(-120));
  assert.equal(ballistics.place(-30, -60, 0), 0.5);
  assert.equal(ballistics.place(6, -60, 0), 1);
});

const take = { channel: 'demo', verb: 'take', path: 'take', shown: (one) => one.state === 'slate' };
const demo = (change) => ({ ...channelOf('demo'), ...change });

test('an instrument that draws seldom misses no peak', () => {
  levels.forget();
  assert.equal(levels.newest('a', 100), null);
  levels.feed('a', [-3, -40]);
  levels.feed('a', [-30, -20]);
  assert.deepEqual(levels.newest('a').peaks, [-30, -20], 'what is now');
  assert.deepEqual(levels.newest('a', 100).peaks, [-3, -20], 'and the peaks since it drew last');
  // Without a word for two seconds there is no level at all.
  const { now } = performance;
  const then = performance.now();
  performance.now = () => then + 2100;
  try {
    assert.equal(levels.newest('a', 5000), null);
  } finally {
    performance.now = now;
  }
});

test('an order lights up when the stream shows it, not when it is pressed or answered', () => {
  let one = command.begin(1, take, 0);
  assert.equal(one.phase, 'sent');
  one = command.observed(one, demo({ state: 'running' }), 50);
  assert.equal(one.phase, 'sent');
  one = command.answered(one, { ok: true, text: 'done', changed: true }, 100);
  assert.equal(one.phase, 'answered');
  assert.equal(one.settled, true);
  one = command.observed(one, demo({ state: 'slate' }), 140);
  assert.deepEqual([one.phase, one.took], ['confirmed', 140]);
});

test('an order may be shown before it is answered, late, refused, or of unknown fate', () => {
  const sent = command.begin(1, take, 0);
  const seen = command.observed(sent, demo({ state: 'slate' }), 80);
  assert.equal(seen.phase, 'confirmed');
  assert.equal(command.answered(seen, { ok: true, text: 'done', changed: true }, 200).took, 80);
  assert.equal(command.waited(sent, 2900).phase, 'sent');
  const late = command.waited(sent, 3001);
  assert.equal(late.phase, 'late');
  assert.equal(command.observed(late, demo({ state: 'slate' }), 4000).phase, 'confirmed');
  const problem = (code) => ({ ok: false, problem: { title: '', detail: 'why', code, status: 0 } });
  assert.equal(command.answered(sent, problem('off_air'), 10).phase, 'refused');
  const frozen = command.answered(sent, { ok: false, problem: { code: 'frozen', status: 423, detail: 'by ada' } }, 10);
  assert.deepEqual([frozen.phase, frozen.text], ['refused', null], 'who holds it is said where the glass is');
  assert.equal(command.answered(sent, problem('not_confirmed'), 10).phase, 'late');
  assert.equal(command.answered(sent, problem('no_answer'), 10).phase, 'late');
  // The engine's answer is the evidence where no document shows it.
  const drill = command.begin(2, { channel: 'demo', verb: 'drill', path: 'drill' }, 0);
  assert.equal(command.answered(drill, { ok: true, text: 'done', changed: true }, 10).phase, 'confirmed');
});

test('an arm is confirmed once more, in time, for what was seen', () => {
  const armed = { channel: 'demo', what: 'take', about: '"cam-2"', by: 'press', at: 0 };
  const wanted = { channel: 'demo', what: 'take', about: '"cam-2"', by: 'press' };
  assert.equal(arm.confirms(armed, wanted, 100), false, 'a double click is one press');
  assert.equal(arm.confirms(armed, wanted, 1000), true);
  assert.equal(arm.confirms(armed, wanted, 5001), false, 'too late');
  assert.equal(arm.confirms(armed, { ...wanted, about: '"cam-1"' }, 1000), false, 'something else is next');
  assert.equal(arm.confirms(armed, { ...wanted, by: 'select' }, 1000), false, 'not in this place');
  assert.equal(arm.confirms(null, wanted, 1000), false);
});

test('tally: only what viewers receive is on air', () => {
  assert.equal(channel.tally(channelOf('demo')), 'on');
  assert.equal(channel.tally(channelOf('studio-b')), 'slate');
  assert.equal(channel.tally(channelOf('late-show')), 'off');
  const off = { on_air: false, health: { ...channelOf('demo').health, health: 'unhealthy' } };
  assert.equal(channel.tally(demo(off)), 'missing');
  assert.equal(channel.tally(demo({ on_air: false, state: 'starting' })), 'starting');
});

test('destinations count those that are to deliver', () => {
  assert.deepEqual(channel.reach(channelOf('studio-b')), { good: 1, all: 2 });
  assert.deepEqual(channel.reach(channelOf('late-show')), { good: 0, all: 0 });
});

test('the bus knows what is on air, next, asked and bad', () => {
  const { program, sources } = channelOf('demo').report;
  const next = { ...program, preview: { show: 'slate' } };
  const all = channel.places(next, sources);
  assert.deepEqual(
    all.map((place) => place.key),
    ['source-cam-1', 'source-clip', 'auto', 'slate'],
  );
  assert.deepEqual(
    all.filter((place) => place.air).map((place) => place.key),
    ['source-cam-1'],
  );
  assert.deepEqual(
    all.filter((place) => place.next).map((place) => place.key),
    ['slate'],
  );
  assert.equal(channel.shows(program, { show: 'source', source: 'cam-1' }), false, 'nobody ordered it');
  const ordered = { ...program, order: { show: 'source', source: 'cam-1' } };
  assert.equal(channel.shows(ordered, { show: 'source', source: 'cam-1' }), true);
  assert.equal(
    channel.shows({ ...ordered, showing: { showing: 'slate' } }, { show: 'source', source: 'cam-1' }),
    false,
  );
});

test('after a silence it is told what changed', () => {
  const before = appliance();
  assert.deepEqual(reduce.meanwhile(before, appliance()), []);
  const after = appliance();
  after.started_at = '2026-11-21T12:00:00Z';
  after.channels[0].on_air = false;
  after.channels[0].order = 'off_air';
  after.channels.pop();
  assert.deepEqual(reduce.meanwhile(before, after), [
    { what: 'restarted' },
    { what: 'tally', channel: 'Evening briefing', from: 'on', to: 'off' },
    { what: 'removed', channel: 'Late show' },
  ]);
});

test('a channel that was asked for alone is not overtaken by an older document', () => {
  const held = appliance();
  const newer = { ...held.channels[0], generation: 9, state: 'slate' };
  const shown = reduce.replaced(held, newer);
  assert.equal(shown.channels[0].state, 'slate');
  assert.equal(reduce.replaced(shown, { ...newer, generation: 8, state: 'running' }).channels[0].state, 'slate');
  assert.equal(reduce.newest(shown, appliance()).channels[0].state, 'slate', 'an older document');
  const later = appliance();
  later.channels[0].generation = 10;
  assert.equal(reduce.newest(shown, later).channels[0].state, 'running');
  const restarted = { ...appliance(), started_at: '2026-11-21T12:00:00Z' };
  assert.equal(reduce.newest(shown, restarted).channels[0].state, 'running', 'another run numbers anew');
});

test('attention: what is well is not named, the critical comes first', () => {
  const status = appliance();
  assert.deepEqual(
    reduce.attention(status).map((one) => [one.priority, one.channel]),
    [['warning', 'studio-b']],
  );
  status.channels[0].on_air = false;
  status.channels[0].health = { ...status.channels[0].health, health: 'unhealthy', code: 'push_failed' };
  status.config.rejected = ['uplinkd.toml:3: no such thing'];
  status.config.loaded_at = '2026-11-21T09:00:00Z';
  assert.deepEqual(
    reduce.attention(status).map((one) => [one.priority, one.code]),
    [
      ['critical', 'push_failed'],
      ['warning', 'push_interrupted'],
      ['warning', 'config_rejected'],
    ],
  );
});

test('events are kept once each, newest first, no more than fit', () => {
  const event = (seq) => ({ seq });
  const seen = reduce.remember([event(3), event(1)], [event(2), event(3), event(4)], 3);
  assert.deepEqual(
    seen.map((one) => one.seq),
    [4, 3, 2],
  );
});

test('addresses name pages and channels', () => {
  assert.deepEqual(route.parse(''), { page: 'on-air' });
  assert.deepEqual(route.parse('#/wall'), { page: 'wall' });
  assert.deepEqual(route.parse('#/nonsense'), { page: 'on-air' });
  const to = { page: 'channel', channel: 'a b' };
  assert.deepEqual(route.parse(route.address(to)), to);
  const of = { page: 'class', name: 'talk-720p30' };
  assert.deepEqual(route.parse(route.address(of)), of);
});

test('figures for people', () => {
  assert.equal(format.counter(4364), '01:12:44');
  assert.equal(format.duration(425), '7 min 05 s');
  assert.equal(format.bits(3_000_000), '3.00 Mbit/s');
  assert.equal(format.level(null), '–');
  assert.equal(format.loudness(-23.04), '-23.0');
  assert.equal(format.loudness(-2424.8), '< \u221270');
  assert.equal(format.count(1234567), '1\u2009234\u2009567');
});

test('a live picture lives by its pictures', () => {
  const { judge, saw, STALLS_MS, OPENS_MS } = live;
  const none = { frames: 0, at: 0 };
  assert.equal(judge(0, none, OPENS_MS), 'connecting');
  assert.equal(judge(0, none, OPENS_MS + 1), 'lost');
  const first = saw(none, 1, 900);
  assert.equal(judge(0, first, 900 + STALLS_MS), 'live');
  assert.equal(judge(0, first, 901 + STALLS_MS), 'lost');
  // The same count is no picture; a new one is.
  assert.deepEqual(saw(first, 1, 5000), first);
  assert.equal(judge(0, saw(first, 2, 5000), 5100), 'live');
});

test('how far a live picture is behind is told only if it can be', () => {
  const { behind, pause } = live;
  const now = Date.UTC(2026, 10, 22);
  const ntp = now + 2_208_988_800_000;
  assert.equal(behind(ntp - 340, now), 340);
  assert.equal(behind(undefined, now), null);
  assert.equal(behind(0, now), null);
  assert.equal(behind(ntp + 1, now), null, 'a picture of the future');
  assert.deepEqual([1, 2, 3, 9].map(pause), [2000, 4000, 8000, 30_000]);
});
