import { randomUUID } from 'node:crypto';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, type Look, launch, Visitor, world } from './browser';
import { waitFor } from './processes';

const hostile = '<img src=x onerror=alert(1)>\u202Egnp.exe';
const shown = '<img src=x onerror=alert(1)>⟨U+202E⟩gnp.exe';
const refused = 'dial tcp: connect: connection refused';

interface Question {
  id: number;
  kind: string;
}

/** A node whose agent answers every question about health with the same. */
class Pretender {
  private ended = false;
  private constructor(
    readonly uuid: string,
    private readonly credential: string,
  ) {}

  static async join(hostname: string): Promise<Pretender> {
    const { secret } = await call<{ secret: string }>('POST', '/join-tokens', {});
    const uuid = randomUUID();
    const node = { protocol: 1, uuid, hostname, addr: 'http://prometheus.example:9090/', agent_version: '0.1.0' };
    const { credential } = await call<{ credential: string }>('POST', '/agent/register', node, secret);
    const report = {
      protocol: 1,
      revision_received: 1,
      revision_written: 1,
      revision_loaded: 1,
      state: 'in_sync',
      agent_version: '0.1.0',
    };
    await call('POST', '/agent/report', report, credential);
    return new Pretender(uuid, credential);
  }

  async answer(answer: unknown): Promise<void> {
    while (!this.ended) {
      const { questions } = await call<{ questions: Question[] }>(
        'GET',
        '/agent/questions?wait=1',
        undefined,
        this.credential,
      );
      for (const q of questions) {
        await call('POST', `/agent/questions/${q.id}/answer`, answer, this.credential).catch(() => undefined);
      }
    }
  }

  end() {
    this.ended = true;
  }
}

const job = (key: string, more: object = {}) => ({
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

const pretended = {
  health: {
    revision_loaded: 1,
    age: 0,
    more_jobs: 0,
    more_down: 8381,
    targets: [],
    jobs: [
      job('node', {
        active: 1204,
        up: 1190,
        down: 12,
        unknown: 2,
        missing: 0,
        slowest: { addr: 'a:1', seconds: 2.25 },
      }),
      job('blackbox', {
        active: 100_000,
        up: 91_580,
        down: 8400,
        unknown: 20,
        dropped: 17,
        errors: [
          { message: refused, count: 6100, addr: '10.0.3.7:9100' },
          { message: 'context deadline exceeded', count: 2290, addr: '10.0.9.1:9100' },
          { message: hostile, count: 10, addr: hostile },
        ],
      }),
      job('broken', { withheld: 'open /etc/prometheus/ca.pem: no such file or directory' }),
      ...Array.from({ length: 40 }, (_, i) => job(`app_${i}`, { active: 30, up: 30, missing: 0 })),
      job('', { job_name: hostile, active: 1, up: 1 }),
    ],
    down: [
      {
        job: 'blackbox',
        addr: hostile,
        state: 'down',
        error: hostile,
        at: new Date().toISOString(),
        seconds: 0.1,
      },
      ...Array.from({ length: 30 }, (_, i) => ({
        job: 'blackbox',
        addr: `10.0.3.${i}:9100`,
        state: i % 9 === 8 ? 'missing' : 'down',
        ...(i % 9 === 8
          ? {}
          : {
              error: `Get "http://10.0.3.${i}:9100/metrics": dial tcp 10.0.3.${i}:9100: connect: connection refused`,
              at: new Date().toISOString(),
              seconds: 0.001,
            }),
      })),
    ],
  },
};

let browser: Browser;
let fake: Pretender;
let answering: Promise<void>;
const ids = { up: 0, down: 0, dropped: 0 };

beforeAll(async () => {
  browser = await launch();
  const web = await call<{ id: number }>('POST', '/jobs', { node: world.node, key: 'health_web' });
  const relabel = [{ source_labels: ['env'], regex: 'prod', action: 'keep' }];
  const drops = await call<{ id: number }>('POST', '/jobs', {
    node: world.node,
    key: 'health_drop',
    scrape_config: { relabel_configs: relabel },
  });
  const add = async (jobId: number, addr: string, labels = {}) =>
    (await call<{ id: number }>('POST', '/targets', { job: jobId, addr, labels })).id;
  ids.up = await add(web.id, new URL(world.direct).host);
  ids.down = await add(web.id, '127.0.0.1:1');
  ids.dropped = await add(drops.id, '10.9.9.1:9100', { env: 'dev' });
  fake = await Pretender.join('many-1');
  answering = fake.answer(pretended);
  await waitFor('the targets are scraped', async () => {
    const { items } = await call<{ items: { state: string }[] }>('POST', '/targets/health', {
      ids: [ids.up, ids.down, ids.dropped],
    });
    return items.map((i) => i.state).join() === 'up,down,dropped';
  });
});
afterAll(async () => {
  fake?.end();
  await answering;
  await browser?.close();
});

const looks: [string, Look & { base: string }][] = [
  ['en-light', { base: world.direct, language: 'en', scheme: 'light' }],
  ['zh-dark', { base: world.proxied, language: 'zh-CN', scheme: 'dark' }],
];

describe.each(looks)('%s', (name, { base, ...look }) => {
  let v: Visitor;
  beforeAll(async () => {
    v = await (await Visitor.arrive(browser, base, look)).login();
  });
  afterAll(() => v?.leave());

  test('what is down on a node, and why', async () => {
    const page = await v.go(`/nodes/${world.node}/health`);
    const row = page.locator('[role="row"]', { hasText: 'health_web' });
    await row.waitFor();
    await page.locator('.causes li', { hasText: refused }).waitFor();
    await v.check(`${name}-health`);
    await row.click();
    await page.waitForURL((url) => url.searchParams.get('job') === 'health_web');
    expect(page.url()).toContain(`${base}/nodes/${world.node}/health?`);
    expect(new URL(page.url()).searchParams.get('row')).toMatch(/^\d+_health_web\//);
    await page.locator('.beside h2', { hasText: 'health_web' }).waitFor();
    const down = page.locator('.downlist a');
    await down.filter({ hasText: '127.0.0.1:1' }).first().waitFor();
    expect(await down.first().getAttribute('href')).toContain(`target=${ids.down}&show=explain`);
    await v.go(`/nodes/${world.node}`);
    await page.locator('.glance .cause', { hasText: refused }).waitFor();
    await v.check(`${name}-health-glance`);
  });

  test('many, and what nobody should write', async () => {
    const page = await v.go(`/nodes/${fake.uuid}/health`);
    await page.locator('.downlist').getByText(shown, { exact: true }).first().waitFor();
    expect(await page.locator('main img').count()).toBe(0);
    // What wants somebody comes first.
    const rows = page.locator('.grid .rows [role="row"]');
    expect(await rows.nth(0).textContent()).toContain('broken');
    expect(await rows.nth(1).textContent()).toContain('blackbox');
    await v.check(`${name}-health-many`);
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.waitForURL(/job=blackbox/);
  });
});

test('an agent that says nothing', async () => {
  const silent = await Pretender.join('silent-1');
  const answer = silent.answer({ unknown: true });
  const v = await (await Visitor.arrive(browser, world.direct)).login();
  const page = await v.go(`/nodes/${silent.uuid}/health`);
  await page.getByText('does not know this question: upgrade it').waitFor();
  await v.check('health-silent');
  await v.leave();
  silent.end();
  await answer;
});
