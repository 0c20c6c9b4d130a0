import { expect, test } from 'vitest';
import { differing, merged, patchOf } from './merge';

const base = { name: 'web', remark: '', disabled: false };

test('a patch has what was edited and nothing else', () => {
  expect(patchOf(base, { ...base, remark: 'x' })).toEqual({ remark: 'x' });
  expect(patchOf(base, base)).toEqual({});
});

test('two edits are brought together field by field', () => {
  const theirs = { ...base, name: 'web-eu', remark: 'theirs' };
  const mine = { ...base, remark: 'mine' };
  expect(differing(Object.keys(base), theirs, mine)).toEqual(['name', 'remark']);
  expect(merged(theirs, mine, { name: 'theirs', remark: 'mine' })).toEqual({ ...theirs, remark: 'mine' });
  expect(merged(theirs, mine, {})).toEqual(theirs);
});
