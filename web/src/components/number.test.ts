import i18next from 'i18next';
import { expect, test } from 'vitest';
import { numberText } from './number';

test.each([
  ['en', '1,234,567'],
  ['zh', '1,234,567'],
  ['de', '1.234.567'],
])('a number in %s', async (lng, text) => {
  await i18next.init({ lng, resources: {} });
  expect(numberText(1_234_567)).toBe(text);
});
