import i18next from 'i18next';
import { beforeAll, describe, expect, test } from 'vitest';
import type { FleetEvent } from '../../api/client';
import { speak } from '../../locales/testing';
import { subjectOf, subjectText } from './subject';

const event = (of: Partial<FleetEvent>): FleetEvent => ({
  id: 1,
  at: '2026-01-01T00:00:00Z',
  actor: 'user/1',
  actor_name: 'admin',
  action: 'update',
  object: 'job/2',
  ...of,
});

const said = (of: Partial<FleetEvent>, name?: string) => {
  const subject = subjectOf(event(of));
  return subject && subjectText(i18next.t, { ...subject, name: subject.name ?? name });
};

describe.each([
  ['en', ['job node_exporter (2)', 'targets of job node_exporter (2)', 'targets of job 2', 'join token 4']],
  ['zh', ['作业 node_exporter (2)', '作业 node_exporter (2) 的目标', '作业 2 的目标', '加入令牌 4']],
] as const)('%s', (language, texts) => {
  beforeAll(() => speak(language));

  test('what an event is about is said in words', () => {
    expect([
      said({ object: 'job/2', after: { key: 'node_exporter', job_name: 'x' } }),
      said({ object: 'job/2/targets', after: { targets: [] } }, 'node_exporter'),
      said({ object: 'job/2/targets' }),
      said({ object: 'join-token/4', before: { name: '' } }),
    ]).toEqual(texts);
  });
});

test('a node goes by its name alone, and what is not known by what it is called', () => {
  expect(subjectOf(event({ object: 'node/u-1', after: { hostname: 'web-1', addr: '10.0.0.1' } }))).toEqual({
    kind: 'node',
    id: 'u-1',
    name: 'web-1',
    gone: false,
  });
  expect(subjectOf(event({ object: 'target/7', before: { addr: 'a:1', name: 'a' } }))).toMatchObject({
    name: 'a:1',
    gone: true,
  });
  expect(subjectOf(event({ object: 'comet/1' }))).toBeUndefined();
});
