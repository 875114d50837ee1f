// Changing a text that the box works by: what is applied is what was looked at, in place of what it was made from.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { desk } from '../../build/units/units.js';

const answer = (status, body, tag = '"now"') => new Response(JSON.stringify(body), { status, headers: { etag: tag } });

/** A daemon with a text; what it was asked is in `asked`. */
function daemon(text, refusal = null) {
  const asked = [];
  globalThis.fetch = async (path, { method = 'GET', headers = {}, body }) => {
    asked.push(`${method} ${path.replace('/api/v1/', '')} ${headers['if-match'] ?? ''}`.trim());
    if (method === 'GET') return answer(200, { text });
    if (refusal && !path.includes('dry_run')) return answer(refusal, { code: 'refused', title: 'no', detail: body });
    return answer(200, { text: 'done', channels: [] });
  };
  return asked;
}

const order = (text, base) => ({ act: 'apply', body: { text }, base });

test('what was planned is applied under the tag of what was looked at, and the draft is over', async () => {
  const asked = daemon('a');
  const one = new desk.Desk('/api/v1/x');
  one.draft.value = { base: 'a', text: 'b' };
  await one.plan(order('b', 'a'));
  assert.equal(one.step.value.step, 'planned');
  await one.apply();
  assert.deepEqual(asked, ['GET x', 'POST x/apply?dry_run=true "now"', 'POST x/apply "now"']);
  assert.deepEqual([one.step.value.step, one.draft.value], ['done', null]);
});

test('a draft of another text is not planned, and one that was not applied stays', async () => {
  const asked = daemon('c');
  const one = new desk.Desk('/api/v1/x');
  one.draft.value = { base: 'a', text: 'b' };
  await one.plan(order('b', 'a'));
  assert.deepEqual(one.step.value, { step: 'changed', seen: 'a', now: 'c' });
  assert.deepEqual(asked, ['GET x'], 'nothing but a look');
  await one.apply();
  assert.equal(asked.length, 1, 'what was not planned is not applied');
  await one.plan({ act: 'rollback', body: { version: 1 } });
  await one.apply();
  assert.deepEqual([one.step.value.step, one.draft.value.text], ['done', 'b']);
});

test('who was there meanwhile is shown, and a freeze keeps the plan', async () => {
  for (const [status, step] of [
    [412, 'changed'],
    [423, 'frozen'],
    [409, 'refused'],
  ]) {
    daemon('a', status);
    const one = new desk.Desk('/api/v1/x');
    await one.plan(order('b', 'a'));
    await one.apply();
    assert.equal(one.step.value.step, step);
  }
});

test('each stream class has its own desk', () => {
  assert.equal(desk.deskOf('a'), desk.deskOf('a'));
  assert.notEqual(desk.deskOf('a'), desk.deskOf('b'));
  assert.equal(desk.deskOf('a b').address, '/api/v1/stream-classes/a%20b');
});

test('a stream class that is not there is put in force in place of nothing, and of nothing else', async () => {
  const asked = [];
  globalThis.fetch = async (path, { method = 'GET', headers = {} }) => {
    asked.push([method, path.replace('/api/v1/', ''), headers['if-match'], headers['if-none-match']]);
    if (method === 'GET') return answer(404, { code: 'unknown_class', title: 'No such', detail: 'none' });
    return answer(200, { text: 'done', channels: [] });
  };
  const one = new desk.Desk('/api/v1/x');
  one.draft.value = { base: '', text: 'b' };
  await one.plan(order('b', ''));
  assert.equal(one.step.value.step, 'planned');
  await one.apply();
  assert.equal(one.step.value.step, 'done');
  assert.deepEqual(asked.slice(1), [
    ['POST', 'x/apply?dry_run=true', undefined, '*'],
    ['POST', 'x/apply', undefined, '*'],
  ]);
});
