import { expect, test } from 'vitest';
import { plain } from './name';

test('what turns a text is named, and the rest stays', () => {
  expect(plain('a\u202Egnp.exe')).toBe('a⟨U+202E⟩gnp.exe');
  expect(plain('北京 – שלום <b>')).toBe('北京 – שלום <b>');
});
