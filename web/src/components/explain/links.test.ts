import { expect, test } from 'vitest';
import type { ExplainedChain } from '../../data/explain';
import { answerOf, isPlainLabel, linksOf, placeOf, sortedLabels, worstFirst } from './links';

const chain = (of: Partial<ExplainedChain>): ExplainedChain => ({
  job: 'web',
  job_name: 'web',
  matched: 'addr',
  scraped: 'yes',
  under_way: false,
  stage: 'scraped',
  verdict: '',
  record: { id: 1, name: '', addr: 'a:1', labels: {} },
  rendered: { path: 'web/all.json', revision: 1, received: true, written: true, loaded: true },
  ...of,
});
const marks = (of: Partial<ExplainedChain>) => linksOf(chain(of)).map((l) => l.mark);

test('a chain breaks at its stage, and what is beyond is not reached', () => {
  expect(marks({})).toEqual(['passed', 'passed', 'passed', 'passed', 'passed']);
  expect(marks({ scraped: 'no' })).toEqual(['passed', 'passed', 'passed', 'passed', 'broken']);
  expect(marks({ scraped: 'no', stage: 'relabelled' })).toEqual(['passed', 'passed', 'passed', 'broken', 'beyond']);
  expect(marks({ scraped: 'unknown', stage: 'rendered' })).toEqual(['passed', 'open', 'beyond', 'beyond', 'beyond']);
  expect(marks({ scraped: 'no', stage: 'record' })).toEqual(['broken', 'beyond', 'beyond', 'beyond', 'beyond']);
});

test('what goes on by itself is under way, and not broken', () => {
  const rendered = { path: 'web/all.json', revision: 2, received: true, written: false, loaded: false };
  const saved = chain({ scraped: 'no', stage: 'rendered', rendered });
  expect(marks({ ...saved, under_way: true }).slice(0, 3)).toEqual(['passed', 'underway', 'beyond']);
  expect(marks(saved).slice(0, 3)).toEqual(['passed', 'broken', 'beyond']);
  expect(answerOf({ ...saved, under_way: true })).toBe('soon');
  expect(answerOf(saved)).toBe('no');
});

test('what the own discovery of a job finds has neither record nor file', () => {
  expect(marks({ record: undefined, rendered: undefined }).slice(0, 3)).toEqual(['absent', 'absent', 'passed']);
});

test('the step that drops is the place to mend', () => {
  const step = { action: 'drop', input: 'dev', drops: false };
  const seen = {
    job_name: 'web',
    addr: 'a:1',
    matched: 'addr' as const,
    state: 'dropped' as const,
    steps: [
      { ...step, index: 0 },
      { ...step, index: 2, drops: true },
    ],
  };
  expect(placeOf(chain({ scraped: 'no', stage: 'relabelled', seen }))).toBe('relabel_configs[2]');
  expect(placeOf(chain({ scraped: 'no', stage: 'relabelled', seen: { ...seen, steps: null } }))).toBeUndefined();
  expect(placeOf(chain({ seen }))).toBeUndefined();
});

test('the worst comes first', () => {
  const all = (['yes', 'unknown', 'no', 'no', 'yes'] as const).map((scraped, id) => ({
    scraped,
    under_way: id === 2,
    id,
  }));
  expect(worstFirst(all).map((c) => c.id)).toEqual([3, 2, 1, 0, 4]);
});

test('labels begin with the address', () => {
  const sorted = sortedLabels({ zone: 'a', __scheme__: 'http', __address__: 'a:1', env: 'b' });
  expect(sorted.map(([name]) => name)).toEqual(['__address__', '__scheme__', 'env', 'zone']);
  expect(sorted.filter(([name]) => isPlainLabel(name)).map(([name]) => name)).toEqual(['__address__', 'env', 'zone']);
});
