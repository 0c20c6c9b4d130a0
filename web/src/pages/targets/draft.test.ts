import { expect, test } from 'vitest';
import { draftOf, patchOf, valuesOf } from './draft';

const target = { addr: 'a:1', name: 'n', remark: '', labels: { zone: 'b', rack: '1' }, tags: ['x', 'y'] };

test('what is not changed is not written', () => {
  expect(patchOf(target, valuesOf(draftOf(target)).target)).toBeUndefined();
  const strange = { ...target, labels: { 'a b': '"', __proto__x: '\n' }, tags: ['a;b'], remark: 'two\nlines' };
  expect(patchOf(strange, valuesOf(draftOf(strange)).target)).toBeUndefined();
});

test('a merge patch says what is gone', () => {
  const { target: to } = valuesOf({ ...draftOf(target), addr: ' b:1 ', labels: 'zone=c', tags: 'y' });
  expect(patchOf(target, to)).toEqual({ addr: 'b:1', labels: { zone: 'c', rack: null }, tags: ['y'] });
});

test('what cannot be read is marked', () => {
  expect(
    valuesOf({ ...draftOf(target), labels: 'zone', addr: 'a:' }).problems.map((p) => `${p.field} ${p.rule}`),
  ).toEqual(['labels labelPair', 'addr addrEnds']);
});
