import { expect, test } from 'vitest';
import type { JobHealth } from '../../../data/health';
import { causes, total, worstFirst } from './summary';

const job = (key: string, more: Partial<JobHealth> = {}): JobHealth => ({
  job: key,
  job_name: key,
  active: 0,
  up: 0,
  down: 0,
  unknown: 0,
  dropped: 0,
  errors: [],
  others: 0,
  ...more,
});

test('jobs that want somebody come first', () => {
  const jobs = [
    job('a', { up: 3 }),
    job('b', { down: 1 }),
    job('c', { withheld: 'no such field' }),
    job('d', { down: 2, missing: 5 }),
    job('e'),
  ];
  expect(worstFirst(jobs).map((j) => j.job)).toEqual(['c', 'd', 'b', 'a', 'e']);
  expect(total(jobs)).toEqual({ up: 3, down: 3, missing: 5, unknown: 0, dropped: 0 });
});

test('the same message of several jobs is one cause', () => {
  const refused = 'dial tcp: connect: connection refused';
  const { all, others } = causes([
    job('a', { errors: [{ message: refused, count: 2, addr: 'a:1' }], others: 4 }),
    job('b', {
      errors: [
        { message: 'context deadline exceeded', count: 4, addr: 'b:2' },
        { message: refused, count: 3, addr: 'b:1' },
      ],
    }),
  ]);
  expect(all.map((c) => [c.message, c.count, c.addr, c.jobs])).toEqual([
    [refused, 5, 'a:1', 2],
    ['context deadline exceeded', 4, 'b:2', 1],
  ]);
  expect(others).toBe(4);
});
