import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, type Look, launch, Visitor, world } from './browser';
import { answers, freePort, Processes, part, waitFor } from './processes';

// A host of its own: its file is edited by hand, and its policy says that this stays.
const processes = new Processes();
const dir = mkdtempSync(join(tmpdir(), 'promfleet-host-'));
const yml = join(dir, 'prometheus.yml');
let prometheus = '';
let node = '';
let credential = ''; // of a node whose agent is the test itself
let odd = '';
let browser: Browser;

const base = `global:
  scrape_interval: 15s
  external_labels: {region: eu}
remote_read:
- url: http://u:hunter2-url@127.0.0.1:1/read?p=hunter2-query
  headers: {X-Token: hunter2-header}
`;

beforeAll(async () => {
  browser = await launch();
  const [port, agent] = await Promise.all([freePort(), freePort()]);
  prometheus = `http://127.0.0.1:${port}`;
  writeFileSync(yml, base);
  const { secret } = await call<{ secret: string }>('POST', '/join-tokens', { max_uses: 2 });
  const file = (name: string, text: string) => {
    writeFileSync(join(dir, name), text, { mode: 0o600 });
    return join(dir, name);
  };
  processes.start(part('PROMFLEET_PROMETHEUS_DEBIAN'), [
    ...['--config.file', yml, '--storage.tsdb.path', join(dir, 'tsdb'), '--web.enable-lifecycle'],
    ...['--web.listen-address', `127.0.0.1:${port}`],
  ]);
  await waitFor('Prometheus is ready', () => answers(`${prometheus}/-/ready`));
  processes.start(part('PROMFLEET_BIN'), [
    ...['agent', '--server.url', world.direct, '--join.token-file', file('join-token', secret)],
    ...['--data.path', join(dir, 'agent'), '--prometheus.url', prometheus, '--prometheus.config-file', yml],
    ...['--web.listen-address', `127.0.0.1:${agent}`, '--sync.interval', '1s'],
    ...['--policy.file', file('policy.yml', 'drift: report\n')],
  ]);
  await waitFor('the node has joined', async () => {
    node = readFileSync(join(dir, 'agent', 'uuid'), 'utf8').trim();
    await call('GET', `/nodes/${node}`);
    return true;
  });
  const job = await call<{ id: number }>('POST', '/jobs', {
    node,
    key: 'web',
    scrape_config: { scrape_timeout: '5s' },
  });
  await call('PUT', `/jobs/${job.id}/targets`, [{ addr: new URL(world.direct).host }]);
  await waitFor('the node is in sync', async () => (await state()) === 'in_sync');
  odd = randomUUID();
  ({ credential } = await call<{ credential: string }>(
    'POST',
    '/agent/register',
    { protocol: 1, uuid: odd, hostname: 'old-1', addr: 'http://127.0.0.1:1/', agent_version: '0.0.1' },
    secret,
  ));
});
afterAll(async () => {
  await browser?.close();
  await processes.stopAll();
  rmSync(dir, { recursive: true });
  for (const uuid of [node, odd]) if (uuid) await call('DELETE', `/nodes/${uuid}`);
});

const state = async () => (await call<{ status: { state: string } }>('GET', `/nodes/${node}`)).status.state;
const reload = () => fetch(`${prometheus}/-/reload`, { method: 'POST' });

/** Answers the next question to the odd node, as its agent. */
async function answer(said: unknown): Promise<void> {
  const { questions } = await call<{ questions: { id: number }[] }>(
    'GET',
    '/agent/questions?wait=20',
    undefined,
    credential,
  );
  await call('POST', `/agent/questions/${questions[0]?.id}/answer`, said, credential);
}

const words = {
  en: {
    same: 'and the file says the same',
    file: 'but the file says something else',
    edited: 'and Prometheus has loaded that',
    again: 'Ask again',
    withFile: 'With the file',
    well: 'All is well on this host.',
    run: 'Run again',
    holds: 'See what holds',
    old: 'too old for this question',
    files: 'Files',
    fails: '1 check fails.',
  },
  zh: {
    same: '文件内容也一致',
    file: '但文件内容不同',
    edited: '且 Prometheus 已加载该文件',
    again: '再次询问',
    withFile: '与文件比较',
    well: '此主机一切正常。',
    run: '再次检查',
    holds: '查看当前生效的配置',
    old: '版本过旧',
    files: '文件',
    fails: '1 项检查未通过。',
  },
};

const looks: [string, typeof words.en, Look & { base: string }][] = [
  ['en-light', words.en, { base: world.direct, language: 'en', scheme: 'light' }],
  ['zh-dark', words.zh, { base: world.proxied, language: 'zh-CN', scheme: 'dark' }],
];

describe.each(looks)('%s', (name, say, { base, ...look }) => {
  let v: Visitor;
  beforeAll(async () => {
    v = await (await Visitor.arrive(browser, base, look)).login();
  });
  afterAll(() => v?.leave());

  test('what is loaded, before and after somebody edits the file', async () => {
    const page = await v.go(`/nodes/${node}/config`);
    await page.locator('.cm-content').waitFor();
    await page.getByRole('radio').first().focus();
    await page.keyboard.press('ArrowRight');
    await page.waitForURL(/view=loaded/);
    await page.getByText(say.same).waitFor();
    await page.getByText('job_name').first().waitFor();
    await v.check(`${name}-loaded-same`);

    const written = readFileSync(yml, 'utf8');
    expect(written).toContain('hunter2');
    const edited = written
      .replace('scrape_timeout: 5s', 'scrape_timeout: 7s')
      .replace('hunter2-header', 'hunter3-header');
    expect(edited).not.toBe(written);
    writeFileSync(yml, edited);
    // The page follows the node; to ask again by hand does no harm.
    await page.getByRole('button', { name: say.again }).click();
    await page.getByText(say.file).waitFor();
    await page.locator('.cm-mergeView .cm-merge-b').getByText('7s').first().waitFor();
    await page.locator('.cm-merge-b').getByText('<another secret>').first().waitFor();
    await waitFor('the drift is told', async () => (await state()) === 'drifted');
    await page.getByText(/prometheus.yml was changed by hand/).waitFor();
    await v.check(`${name}-loaded-drifted`);
    expect(await page.content()).not.toContain('hunter');

    expect((await reload()).ok).toBe(true);
    await page.getByRole('button', { name: say.again }).click();
    await page.getByText(say.edited).waitFor();
    await page.getByRole('radio', { name: say.withFile }).focus();
    await page.keyboard.press('Space');
    await page.waitForURL(/side=written/);
    await page.locator('.cm-mergeView .cm-merge-b').getByText('7s').first().waitFor();
    // What an address says is shown again.
    await v.go(`/nodes/${node}/config?view=loaded&side=written`);
    await page.getByText(say.edited).waitFor();
    await page.locator('.cm-mergeView').waitFor();
    await page.locator('.cm-collapsedLines').first().waitFor();
    await page.getByRole('checkbox').focus();
    await page.keyboard.press('Space');
    await page.waitForURL(/lines=all/);
    await page.locator('.cm-collapsedLines').first().waitFor({ state: 'detached' });

    writeFileSync(yml, written);
    expect((await reload()).ok).toBe(true);
    await waitFor('the node is in sync', async () => (await state()) === 'in_sync');
    await page.getByRole('button', { name: say.again }).click();
    await page.getByText(say.same).waitFor();

    await page.getByRole('radio', { name: say.files, exact: true }).focus();
    await page.keyboard.press('Space');
    await page.waitForURL(/view=files/);
    await page.getByText('web/all.json').waitFor();
    await v.check(`${name}-files`);
  });

  test('doctor, and what it finds after something broke', async () => {
    const page = await v.go(`/nodes/${node}/doctor`);
    await page.getByText(say.well).waitFor();
    expect(await page.locator('.findings li').count()).toBe(21);
    await v.check(`${name}-doctor`);
    const policy = join(dir, 'policy.yml');
    writeFileSync(policy, 'drift: hunter2\n');
    await page.getByRole('button', { name: say.run }).click();
    await page.getByText(say.fails).waitFor();
    const first = page.locator('.findings li').first();
    expect(await first.textContent()).toContain('policy');
    expect(await page.content()).not.toContain('hunter');
    await v.check(`${name}-doctor-fails`);
    writeFileSync(policy, 'drift: report\n');
    await page.getByRole('button', { name: say.run }).click();
    await page.getByText(say.well).waitFor();

    // What the owner of the host allows, as the agent said it when it began.
    await v.go(`/nodes/${node}/settings`);
    await page.getByText(policy, { exact: true }).waitFor();
    await page.getByText('/etc/prometheus', { exact: true }).waitFor();
    // The server has no base config: the host's own holds.
    await page.getByText('--prometheus.base-config').waitFor();
    await v.check(`${name}-settings`);
    await page.getByRole('link', { name: say.holds }).click();
    await page.getByText('region: eu').first().waitFor();
  });

  test('an agent that cannot be asked, and one that says too much', async () => {
    const page = await v.go(`/nodes/${odd}/doctor`);
    await answer({ unknown: true });
    await page.getByText(say.old).waitFor();
    await v.check(`${name}-doctor-old`);
    await page.getByRole('button', { name: say.run }).click();
    const hostile = '<img src=x onerror=alert(1)>\u202Egnp.exe';
    const finding = { level: 'failure', check: hostile, found: hostile, hint: hostile };
    await answer({ doctor: { of: 21, findings: [finding] } });
    await page.getByText('⟨U+202E⟩gnp.exe').first().waitFor();
    expect(await page.locator('main img').count()).toBe(0);
    await page.getByText(/1 of 21/).waitFor();
    expect(v.errors).toEqual([]);
  });
});
