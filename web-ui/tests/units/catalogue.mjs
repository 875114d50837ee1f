// Words: every language has every key, and fills the same places.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chordOf, de, en } from '../../build/units/units.js';

const places = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

test('German has every word, with the same places in it', () => {
  assert.deepEqual(Object.keys(de).sort(), Object.keys(en).sort());
  for (const [key, text] of Object.entries(en)) {
    assert.deepEqual(places(de[key]), places(text), key);
    assert.ok(de[key].trim().length > 0, key);
  }
});

test('a chord is spelled in one way', () => {
  const key = (name, more = {}) => ({
    key: name,
    ctrlKey: false,
    altKey: false,
    shiftKey: false,
    metaKey: false,
    ...more,
  });
  assert.equal(chordOf(key('F8')), 'F8');
  assert.equal(chordOf(key('F6', { shiftKey: true })), 'Shift+F6');
  assert.equal(chordOf(key('1', { ctrlKey: true, altKey: true })), 'Ctrl+Alt+1');
});
