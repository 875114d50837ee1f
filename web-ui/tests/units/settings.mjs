// What the page of settings works out, without a browser.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { className, images, renamed, validity } from '../../build/units/units.js';

test('a file’s name becomes one that the box takes', () => {
  const good = new RegExp(`^(?:${images.NAME})$`, 'u');
  for (const [file, name] of [
    ['logo.png', 'logo.png'],
    ['C:\\fakepath\\Station Logo (2).JPG', 'Station-Logo-2-.JPG'],
    ['../../etc/.hidden.png', 'hidden.png'],
    ['Käse.png', 'K-se.png'],
    [`${'x'.repeat(80)}.png`, `${'x'.repeat(60)}.png`],
  ]) {
    assert.equal(images.nameFor(file), name);
    assert.ok(good.test(name), name);
  }
  for (const name of ['', 'logo', 'logo.svg', '.png', 'a/b.png', 'a b.png', '.a.png'])
    assert.ok(!good.test(name), name);
});

test('a stream class is called as the daemon takes it', () => {
  const good = new RegExp(`^(?:${className})$`, 'u');
  for (const name of ['a', '7', 'talk-720p30', 'x'.repeat(63)]) assert.ok(good.test(name), name);
  for (const name of ['', '-a', 'A', 'a b', 'a.b', 'x'.repeat(64)]) assert.ok(!good.test(name), name);
});

test('a copy of a stream class says its new name, and nothing else of it changes', () => {
  const text = '# talk\nname = "talk" # ours\nversion = "1"\n\n[[texts]]\nname = "English"\n';
  assert.equal(renamed(text, 'court-2'), text.replace('"talk"', '"court-2"'));
  assert.equal(renamed("name = 'talk'\n", 'a'), 'name = "a"\n');
  assert.equal(renamed('[x]\nname = "y"\n', 'a'), '[x]\nname = "y"\n');
});

test('a certificate is good, to be renewed, over, or not good yet', () => {
  const day = 86_400_000;
  const one = { begins: '2026-01-01T00:00:00Z', renew_by: '2026-03-18T00:00:00Z', ends: '2026-04-01T00:00:00Z' };
  const ends = Date.parse(one.ends);
  assert.deepEqual(validity(one, ends - 14 * day - 1), { state: 'good', days: 14 });
  assert.deepEqual(validity(one, ends - 14 * day), { state: 'soon', days: 14 });
  assert.deepEqual(validity(one, ends - 1), { state: 'soon', days: 0 });
  assert.deepEqual(validity(one, ends), { state: 'over', days: 0 });
  assert.equal(validity(one, Date.parse(one.begins) - 1).state, 'early');
});
