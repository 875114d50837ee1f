// What the daemon wants confirmed is asked of a person, and done only then.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { consent, freezeOrder } from '../../build/units/units.js';

const answer = (status, body) => new Response(JSON.stringify(body), { status });
const confirm = { token: 'abc', seconds: 10, text: 'channel `demo` goes OFF AIR', name: null };

/** A daemon that asks, unless it gets the token. */
function daemon(asks = confirm) {
  const sent = [];
  globalThis.fetch = async (_, { headers }) => {
    sent.push(headers.confirm ?? null);
    return headers.confirm === asks.token
      ? answer(200, { text: 'it is done' })
      : answer(428, { code: 'confirmation_required', detail: 'wait', confirm: asks });
  };
  return sent;
}

async function asked() {
  for (let turn = 0; turn < 1000 && consent.asking.value === null; turn += 1) await new Promise(setImmediate);
  assert.ok(consent.asking.value, 'nobody was asked');
  return consent.asking.value;
}

test('a confirmation is sent with the same request', async () => {
  const sent = daemon();
  const order = consent.sendAsked('POST', '/api/v1/channels/demo/stop');
  const one = await asked();
  assert.equal(one.confirm.text, confirm.text);
  assert.deepEqual(sent, [null], 'nothing more is sent before somebody has said so');
  one.answer(true);
  assert.equal((await order).ok, true);
  assert.deepEqual([sent, consent.asking.value], [[null, 'abc'], null]);
});

test('without one nothing is done', async () => {
  const sent = daemon();
  const order = consent.sendAsked('POST', '/api/v1/channels/demo/stop');
  (await asked()).answer(false);
  assert.equal((await order).problem.code, 'confirmation_required');
  const first = consent.sendAsked('POST', '/api/v1/channels/demo/stop');
  const one = await asked();
  // Asked something else, somebody has not confirmed the first.
  const second = consent.sendAsked('POST', '/api/v1/channels/studio-b/stop');
  assert.equal((await first).ok, false);
  assert.notEqual(await asked(), one);
  (await asked()).answer(false);
  await second;
  assert.deepEqual(sent, [null, null, null]);
});

/** One that wants a name, says each time what it would do by then, and gives a token each time. */
function deletes(texts) {
  const sent = [];
  globalThis.fetch = async (_, { headers }) => {
    const { confirm: token, 'confirm-name': name } = headers;
    sent.push([token ?? null, name ?? null]);
    const asks = { token: `token-${sent.length}`, seconds: 10, text: texts.shift() ?? 'gone', name: 'show-1' };
    return token ? answer(200, { text: 'it is done' }) : answer(428, { code: 'confirmation_required', confirm: asks });
  };
  return sent;
}

test('what cannot be brought back is sent with its name, and with a token that is new', async () => {
  const sent = deletes(['1 GB is gone', '1 GB is gone']);
  const order = consent.sendAsked('DELETE', '/x');
  const one = await asked();
  assert.equal(consent.leftOf({ ...one, at: 0 }, 30_000), 30_000, 'time to type it');
  one.answer(true);
  assert.equal((await order).ok, true);
  assert.deepEqual(sent, [
    [null, null],
    [null, null],
    ['token-2', 'show-1'],
  ]);
});

test('what has become something else while a name was typed is asked anew', async () => {
  const sent = deletes(['1 GB is gone', '2 GB are gone', '2 GB are gone', '2 GB are gone']);
  const order = consent.sendAsked('DELETE', '/x');
  const first = await asked();
  first.answer(true);
  for (let turn = 0; turn < 1000 && consent.asking.value === null; turn += 1) await new Promise(setImmediate);
  assert.equal((await asked()).confirm.text, '2 GB are gone');
  (await asked()).answer(false);
  assert.equal((await order).ok, false);
  assert.ok(
    sent.every(([token]) => token === null),
    'nothing was confirmed',
  );
});

test('the press that asked does not confirm, and time runs out', () => {
  const one = { confirm, at: 1000, answer: () => {} };
  assert.equal(consent.isPress(one, 1200), false);
  assert.equal(consent.isPress(one, 1400), true);
  assert.equal(consent.leftOf(one, 4000), 7000);
  assert.equal(consent.leftOf(one, 12_000), 0);
});

test('a freeze has an end, or none, and names channels, or the box', () => {
  const at = Date.parse('2026-11-21T10:00:00Z');
  const until = '2026-11-21T12:00:00.000Z';
  assert.deepEqual(freezeOrder(' Cup final ', 2, ['demo'], at), { reason: 'Cup final', until, channels: ['demo'] });
  assert.deepEqual(freezeOrder('Cup final', 0, [], at), { reason: 'Cup final', until: null, channels: [] });
});
