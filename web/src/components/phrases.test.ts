import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { en } from '../locales';
import { phrases } from './phrases';

/** Said of what no editor here has: a panel of faults, keys that fold, buttons in one text with its changes. */
const unheard = ['Diagnostics', 'No diagnostics', 'Folded lines', 'Unfolded lines', 'to', 'Accept', 'Reject'];

test('what the editor itself says is said in the language of the page', () => {
  const modules = new URL('../../node_modules/@codemirror/', import.meta.url);
  const said = readdirSync(modules).flatMap((name) => {
    const code = readFileSync(new URL(`${name}/dist/index.js`, modules), 'utf8');
    return [...code.matchAll(/\bphrase\(([^)]*)/g)].flatMap((call) =>
      [...(call[1] ?? '').matchAll(/"([^"]+)"/g)].map((m) => m[1] ?? ''),
    );
  });
  expect([...new Set(said)].sort()).toEqual([...Object.keys(phrases), ...unheard].sort());
});

test('each of its phrases has a text', () => {
  expect([...new Set(Object.values(phrases))].sort()).toEqual(Object.keys(en.code as object).sort());
});
