import { expect, test } from 'vitest';
import { findRow, rowOf, rowText } from './row';

test('a row in an address, and back', () => {
  const row = { index: 2, key: 'node_1/web' };
  expect(rowText(row)).toBe('3_node_1/web');
  expect(rowOf('3_node_1/web')).toEqual(row);
});

test.each([undefined, '', '3', '3_', '0_a', '-1_a', 'a_3', '1e9_a', '1234567890_a'])('%s is no row', (text) => {
  expect(rowOf(text)).toBeUndefined();
});

test('a row is found where it was, or near', () => {
  const keys = ['a', 'b', 'c', 'd'];
  const at = (index: number) => keys[index];
  expect(findRow({ index: 1, key: 'b' }, at, 5)).toBe(1);
  expect(findRow({ index: 0, key: 'd' }, at, 5)).toBe(3);
  expect(findRow({ index: 9, key: 'c' }, at, 7)).toBe(2);
  expect(findRow({ index: 9, key: 'c' }, at, 6)).toBe(-1);
  expect(findRow({ index: 1, key: 'gone' }, at, 5)).toBe(-1);
});
