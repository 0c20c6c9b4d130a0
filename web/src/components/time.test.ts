import { expect, test } from 'vitest';
import { duration, relative } from './time';

test.each([
  [-1, 'now'],
  [-7, '5s ago'],
  [-61, '1m'],
  [-3700, '1h ago'],
  [-90_000, '1d'],
  [3700, 'in 1h'],
  [-57, '55s'],
  [-119, '2m'],
  [-3599, '1h'],
  [-90 * 86_400 + 1, '3m'],
  [90 * 86_400 - 1, 'in 3mo'],
  [-364 * 86_400, '12m'],
])('%d seconds from now', (seconds, want) => {
  expect(relative(seconds * 1000, 0, 'en', 'now').replace(/(\d+)(min|mo|hr)\.?/, '$1m')).toContain(want.split(' ')[0]);
});

test.each([
  [-3, '0 ms'],
  [340, '340 ms'],
  [2_340, '2.3 s'],
  [250_000, '4 min 10 s'],
  [7_260_000, '2 h 1 min'],
  [90_000_000, '1 d 1 h'],
])('%d ms', (ms, want) => {
  expect(duration(ms)).toBe(want);
});
