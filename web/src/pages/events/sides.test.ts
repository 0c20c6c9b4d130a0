import { expect, test } from 'vitest';
import type { FleetEvent } from '../../api/client';
import { sidesOf } from './sides';

const of = (before: unknown, after: unknown) =>
  sidesOf({ id: 1, at: '', actor: '', actor_name: '', action: 'update', object: 'tag/1', before, after } as FleetEvent);

const stamps = { id: 3, created_at: '2026-01-01T00:00:00Z', updated_at: '2026-01-01T00:00:00Z' };
const later = { ...stamps, updated_at: '2026-01-02T00:00:00Z' };

test('what the server sets by itself is not told as a change', () => {
  expect(of({ ...stamps, name: 'web', remark: 'one' }, { ...later, name: 'web', remark: 'two' })).toEqual({
    before: ['name: web', 'remark: one'],
    after: ['name: web', 'remark: two'],
  });
  expect(of(undefined, { ...stamps, name: 'web' })).toEqual({ before: [], after: ['name: web'] });
});

test('unless it is all there is', () => {
  expect(of({ ...stamps, name: 'web' }, { ...later, name: 'web' }).after).toContain(
    'updated_at: "2026-01-02T00:00:00Z"',
  );
});

test('targets of a set keep the id that tells them apart', () => {
  const targets = (times: object, addr: string) => ({ targets: [{ ...times, addr }] });
  expect(of(targets(stamps, 'a:1'), targets(later, 'b:1')).after).toEqual(['targets:', '  - id: 3', '    addr: "b:1"']);
});

test('a field of the same name that a user sets stays', () => {
  expect(of({ labels: { id: 'a', version: '1' } }, { labels: { id: 'b', version: '1' } }).after).toEqual([
    'labels:',
    '  id: b',
    '  version: "1"',
  ]);
});
