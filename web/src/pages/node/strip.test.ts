import { expect, test } from 'vitest';
import type { Node } from '../../api/client';
import { stepsOf } from './strip';

const saved = '2026-01-02T03:04:05Z';
const after = (ms: number) => new Date(Date.parse(saved) + ms).toISOString();

function status(change: Partial<Node['status']>): Node['status'] {
  return {
    revision_wanted: 7,
    revision_received: 7,
    revision_written: 7,
    revision_applied: 7,
    steps: { received_at: after(10), written_at: after(20), reloaded_at: after(300), loaded_at: after(900) },
    state: 'in_sync',
    last_error: '',
    notices: [],
    agent_version: '',
    prometheus_version: '',
    targets_up: 0,
    targets_down: 0,
    ...change,
  };
}

const marks = (s: Node['status']) =>
  stepsOf(s, saved)
    .map((step) => step.mark)
    .join(' ');

test('a change that is loaded has every time', () => {
  const steps = stepsOf(status({}), saved);
  expect(steps.map((s) => (s.at ?? 0) - Date.parse(saved))).toEqual([0, 10, 20, 300, 900]);
  expect(marks(status({}))).toBe('done done done done done');
});

test('a change of targets needs no reload', () => {
  const s = status({
    steps: { received_at: after(10), written_at: after(20), reloaded_at: after(-60_000), loaded_at: after(900) },
  });
  expect(marks(s)).toBe('done done done skipped done');
});

test('one that is on its way', () => {
  const at = { state: 'applying' as const, revision_applied: 6 };
  expect(marks(status({ ...at, revision_received: 6, revision_written: 6 }))).toBe('done now waiting waiting waiting');
  expect(marks(status({ ...at, revision_written: 6 }))).toBe('done done now waiting waiting');
  expect(marks(status({ ...at, steps: { written_at: after(20), reloaded_at: after(-9000) } }))).toBe(
    'done done done now waiting',
  );
  expect(marks(status(at))).toBe('done done done done now');
});

test('one that has stopped', () => {
  expect(marks(status({ state: 'failed', revision_written: 6, revision_applied: 6 }))).toBe(
    'done done stopped waiting waiting',
  );
  expect(marks(status({ state: 'stale', revision_received: 6, revision_written: 6, revision_applied: 6 }))).toBe(
    'done stopped waiting waiting waiting',
  );
});

test('times of another revision are not its own', () => {
  const steps = stepsOf(
    status({ state: 'applying', revision_received: 6, revision_written: 6, revision_applied: 6 }),
    saved,
  );
  expect(steps.slice(1).every((s) => s.at === undefined)).toBe(true);
});
