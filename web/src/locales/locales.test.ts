import { expect, test } from 'vitest';
import { en, zh } from '.';

function texts(tree: object, prefix = ''): Map<string, string> {
  const all = new Map<string, string>();
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'string') all.set(prefix + key, value);
    else for (const [k, v] of texts(value, `${prefix}${key}.`)) all.set(k, v);
  }
  return all;
}

const english = texts(en);
const chinese = texts(zh);
const places = (text: string) => [...text.matchAll(/{{(\w+)(?:, \w+)?}}/g)].map((m) => m[1]).sort();

test('both languages have the same texts', () => {
  const plural = /_(one|other)$/;
  const keys = (m: Map<string, string>) => [...new Set([...m.keys()].map((k) => k.replace(plural, '')))].sort();
  expect(keys(chinese)).toEqual(keys(english));
});

test('no text is empty, and each has the same places', () => {
  for (const [key, text] of english) {
    expect(text, key).not.toBe('');
    const other = chinese.get(key) ?? chinese.get(key.replace(/_one$/, '_other'));
    expect(other, key).toBeTruthy();
    expect(places(other ?? ''), key).toEqual(places(text));
  }
});
