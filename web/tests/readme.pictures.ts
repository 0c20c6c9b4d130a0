import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, launch, Visitor, world } from './browser';
import { waitFor } from './processes';

// The pictures of README.md, of a server that is real and a fleet most of which is pretended.

const images = fileURLToPath(new URL('../../docs/images/', import.meta.url));

interface Site {
  host: string;
  up: number;
  down?: number;
  jobs: number;
  tags?: string[];
  state?: string;
  error?: string;
}

const sites: Site[] = [
  { host: 'beijing-1', up: 4120, jobs: 9, tags: ['cn'] },
  { host: 'beijing-2', up: 3987, down: 2, jobs: 9, tags: ['cn'] },
  { host: 'beijing-3', up: 4002, jobs: 8, tags: ['cn'], state: 'applying' },
  { host: 'berlin-1', up: 1320, jobs: 5, tags: ['eu'] },
  {
    host: 'berlin-2',
    up: 1190,
    down: 14,
    jobs: 5,
    tags: ['eu'],
    state: 'held',
    error: '812 of 1,204 targets of job node would go, 67 %; the policy of this host allows 50 %',
  },
  { host: 'chengdu-1', up: 880, jobs: 4, tags: ['edge'] },
  { host: 'guangzhou-1', up: 2240, down: 1, jobs: 7, tags: ['cn'] },
  { host: 'guangzhou-2', up: 2252, jobs: 7, tags: ['cn'] },
  { host: 'oslo-1', up: 410, jobs: 2, tags: ['eu'], state: 'drifted', error: 'prometheus.yml was edited by hand' },
  { host: 'paris-1', up: 640, jobs: 3, tags: ['eu'] },
  { host: 'shanghai-1', up: 5210, jobs: 12, tags: ['cn'] },
  { host: 'shanghai-2', up: 5198, jobs: 12, tags: ['cn'] },
  {
    host: 'shanghai-3',
    up: 0,
    jobs: 11,
    tags: ['cn'],
    state: 'failed',
    error: 'open /etc/prometheus/prometheus.yml: permission denied',
  },
  {
    host: 'shanghai-4',
    up: 5012,
    down: 3,
    jobs: 12,
    tags: ['cn'],
    state: 'quarantined',
    error: 'job web: open /etc/prometheus/ca.pem: no such file or directory',
  },
  { host: 'shenzhen-1', up: 1675, jobs: 6, tags: ['edge'] },
  {
    host: 'singapore-1',
    up: 760,
    jobs: 3,
    tags: ['sea'],
    state: 'written',
    error: 'Prometheus does not answer',
  },
  { host: 'tokyo-1', up: 930, jobs: 4, tags: ['jp'] },
];

/** Makes a node with its jobs, whose agent says that it scrapes what it should, or why not. */
async function pretend({ host, up, down = 0, jobs, tags, state = 'in_sync', error }: Site): Promise<void> {
  const { secret } = await call<{ secret: string }>('POST', '/join-tokens', {});
  const uuid = randomUUID();
  const said = { protocol: 1, agent_version: '0.1.0', prometheus_version: '3.16.0' };
  const addr = `https://${host}.example.com:9090/`;
  const { credential } = await call<{ credential: string }>(
    'POST',
    '/agent/register',
    { ...said, uuid, hostname: host, addr },
    secret,
  );
  await call('PATCH', `/nodes/${uuid}`, { tags });
  for (let i = 0; i < jobs; i++) await call('POST', '/jobs', { node: uuid, key: `job_${i}` });
  const { status } = await call<{ status: { revision_wanted: number } }>('GET', `/nodes/${uuid}`);
  const wanted = status.revision_wanted;
  const has = state === 'in_sync' ? wanted : wanted - 1;
  await call(
    'POST',
    '/agent/report',
    {
      ...said,
      state,
      error,
      revision_received: wanted,
      revision_written: state === 'written' ? wanted : has,
      revision_loaded: has,
      targets_up: up,
      targets_down: down,
    },
    credential,
  );
}

let browser: Browser;
let v: Visitor;

beforeAll(async () => {
  browser = await launch();
  v = await (await Visitor.arrive(browser, world.direct)).login();
  // The one node that is real has the name of this machine, which is none of the reader's.
  const { hostname } = await call<{ hostname: string }>('GET', `/nodes/${world.node}`);
  await v.page.route(/\/api\/v1\/(?!watch)/, async (route) => {
    const answer = await route.fetch();
    const text = (await answer.text()).replaceAll(`"hostname":"${hostname}"`, '"hostname":"beijing-1"');
    await route.fulfill({ response: answer, body: text });
  });
});
afterAll(async () => {
  await v?.leave();
  await browser?.close();
});

const inSync = () =>
  waitFor('the node is in sync', async () => {
    const { status } = await call<{ status: { state: string } }>('GET', `/nodes/${world.node}`);
    return status.state === 'in_sync';
  });

async function picture(name: string): Promise<void> {
  expect(v.errors).toEqual([]);
  await v.page.mouse.move(0, 0);
  await v.page.screenshot({ path: `${images}${name}.png`, caret: 'hide' });
}

test('a scrape_config is edited', async () => {
  const { id } = await call<{ id: number }>('POST', '/users', { name: 'anna', role: 'editor' });
  const contact = await call<{ id: number }>('POST', `/users/${id}/contacts`, { addr: 'anna@example.com' });
  const job = await call<{ id: number }>('POST', '/jobs', {
    node: world.node,
    key: 'web',
    remark: 'Web servers 网站',
    contacts: [contact.id],
    scrape_config: {
      scrape_interval: '30s',
      scheme: 'https',
      basic_auth: { username: 'prometheus', password: 'p4ss' },
      relabel_configs: [
        { source_labels: ['__meta_promfleet_tags'], regex: '.*,edge,.*', target_label: 'tier', replacement: 'edge' },
      ],
    },
  });
  await call('PUT', `/jobs/${job.id}/targets`, [{ addr: '10.0.3.11:9100' }, { addr: '10.0.3.12:9100' }]);
  await inSync();
  const page = await v.go(`/nodes/${world.node}/jobs/web/config`);
  await page.locator('.cm-line >> text=<secret>').waitFor();
  const editor = page.locator('.editor .cm-content');
  await editor.click();
  const text = await page.locator('.editor .cm-line').allTextContents();
  const edited = text.map((line) => line.replace('30s', '15s')).join('\n');
  await page.keyboard.press('Control+a');
  await page.keyboard.insertText(`${edited.trimEnd()}\nsample_limit: 5000`);
  await page.locator('.preview .unified >> text=sample_limit').waitFor();
  await page.locator('.same summary').click();
  await editor.focus();
  await picture('job');
});

test('why a target is not scraped', async () => {
  const { id } = await call<{ id: number }>('POST', '/jobs', {
    node: world.node,
    key: 'node',
    scrape_config: {
      scrape_interval: '1s',
      relabel_configs: [
        { source_labels: ['env'], regex: '(.*)', target_label: 'stage', replacement: '$1' },
        { target_label: 'team', replacement: 'storage' },
        { source_labels: ['env'], regex: 'dev|test', action: 'drop' },
      ],
    },
  });
  await call('POST', '/targets', { job: id, addr: '10.0.7.21:9100', name: 'db-21', labels: { env: 'dev' } });
  await waitFor('Prometheus drops it', async () => {
    const said = await call<{ items: { chains: { stage: string }[] }[] }>('POST', '/explain?wait=5', {
      addr: '10.0.7.21:9100',
    });
    return said.items[0]?.chains[0]?.stage === 'relabelled';
  });
  await inSync();
  const page = await v.go('/explain?addr=10.0.7.21:9100');
  await page.locator('[data-drops]').waitFor();
  await picture('explain');
});

test('the fleet', async () => {
  // The real one leaves, and has nothing to join again with.
  const tokens = await call<{ items: { id: number }[] }>('GET', '/join-tokens');
  for (const { id } of tokens.items) await call('DELETE', `/join-tokens/${id}`);
  await call('DELETE', `/nodes/${world.node}`);
  await Promise.all(sites.map(pretend));
  const page = await v.go('/');
  await page.locator('[role="row"]', { hasText: 'tokyo-1' }).getByText('930').waitFor();
  await picture('fleet');
});
