// What the daemon wants confirmed is asked of a person, and done only then.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { consent } from '../../build/units/units.js';

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

test('what wants a name typed is not asked here', async () => {
  const sent = daemon({ ...confirm, name: 'show-1' });
  assert.equal((await consent.sendAsked('DELETE', '/x')).ok, false);
  assert.deepEqual([sent, consent.asking.value], [[null], null]);
});

test('the press that asked does not confirm, and time runs out', () => {
  const one = { confirm, at: 1000, answer: () => {} };
  assert.equal(consent.isPress(one, 1200), false);
  assert.equal(consent.isPress(one, 1400), true);
  assert.equal(consent.leftOf(one, 4000), 7000);
  assert.equal(consent.leftOf(one, 12_000), 0);
});
