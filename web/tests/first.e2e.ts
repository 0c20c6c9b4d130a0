import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, type Look, launch, textsOf, Visitor, world } from './browser';
import { answers, freePort, Processes, part, waitFor } from './processes';

const looks: [string, Look & { base: string }][] = [
  ['en-light', { base: world.direct, language: 'en', scheme: 'light' }],
  ['zh-dark', { base: world.proxied, language: 'zh-CN', scheme: 'dark' }],
];

const self = new URL(world.direct).host;
const addrs = { up: self, down: '127.0.0.1:1', dropped: '192.0.2.7:9100', deleted: '192.0.2.8:9100' };

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

describe('why', () => {
  let gone = 0; // the target that is deleted
  beforeAll(async () => {
    const { id } = await call<{ id: number }>('POST', '/jobs', {
      node: world.node,
      key: 'why',
      scrape_config: {
        scrape_interval: '1s',
        relabel_configs: [
          { source_labels: ['env'], regex: '(.*)', target_label: 'stage', replacement: '$1' },
          { target_label: 'team', replacement: 'a' },
          { source_labels: ['env'], regex: 'dev|test', action: 'drop' },
        ],
      },
    });
    for (const addr of Object.values(addrs)) {
      await call('POST', '/targets', {
        job: id,
        addr,
        name: addr === addrs.dropped ? 'db <b>1</b>' : '',
        labels: { env: addr === addrs.dropped ? 'dev' : 'prod' },
      });
    }
    const { items } = await call<{ items: { id: number }[] }>('GET', `/targets?job=${id}&addr=${addrs.deleted}`);
    gone = items[0]?.id ?? 0;
    await call('DELETE', `/targets/${gone}`);
    const says = (addr: string, stage: string) =>
      waitFor(`${addr} breaks or ends at ${stage}`, async () => {
        const e = await call<{ items: { chains: { stage: string; job: string; verdict: string }[] }[] }>(
          'POST',
          '/explain?wait=5',
          { addr, job: 'why' },
        );
        const chain = e.items[0]?.chains[0];
        return (
          chain?.stage === stage && !chain.verdict.includes('not scraped yet') && !chain.verdict.includes('loaded')
        );
      });
    await says(addrs.up, 'scraped');
    await says(addrs.down, 'scraped');
    await says(addrs.dropped, 'relabelled');
    await says(addrs.deleted, 'record');
  });

  /** Waits for an answer; an agent that is busy, or rests, is asked again as one would. */
  const answered = async (page: Page, found: string) => {
    const again = page.getByRole('button', { name: /Ask again|重新查询|Try again|重试/ });
    await waitFor(`${found} at ${page.url()}`, async () => {
      await again.waitFor();
      if ((await page.locator(found).count()) > 0) return true;
      await again.click();
      return false;
    });
  };
  const marks = (page: Page) => page.locator('.chain > li').evaluateAll((all) => all.map((li) => li.dataset.mark));

  test.each(looks)('%s: where a chain breaks is drawn', async (name, { base, ...look }) => {
    const v = await (await Visitor.arrive(browser, base, look)).login();
    const page = await v.go('/');
    await page.locator('.truth, .bar').first().waitFor();
    await page.keyboard.press('Control+k');
    await page.locator('.palette input:focus').waitFor();
    await page.keyboard.type(addrs.dropped);
    await page.getByRole('option').filter({ hasText: addrs.dropped }).first().waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/explain\?addr=192/);
    await answered(page, '[data-mark="broken"]');
    expect(await marks(page)).toEqual(['passed', 'passed', 'passed', 'broken', 'beyond']);
    await page.locator('[data-drops]').getByText('relabel_configs[2]').waitFor();
    await page.locator('[data-drops]').getByText('"dev"').waitFor();
    await page.locator('.change').filter({ hasText: 'team' }).filter({ hasText: '"a"' }).waitFor();
    await v.check(`${name}-explain-dropped`);

    await v.go(`/explain?addr=${addrs.up}&job=why`);
    await answered(page, '.chain > li:last-child[data-mark="passed"]');
    expect(await marks(page)).toEqual(Array(5).fill('passed'));
    if (name === 'en-light') await v.check(`${name}-explain-up`);

    await v.go(`/explain?addr=${addrs.down}&job=why`);
    await answered(page, '[data-mark="broken"] .said');
    await page.locator('.said').getByText('connection refused').waitFor();
    expect(await marks(page)).toEqual(['passed', 'passed', 'passed', 'passed', 'broken']);
    await v.check(`${name}-explain-down`);

    await v.go(`/explain?addr=${addrs.deleted}&job=why`);
    await answered(page, '[data-mark="broken"] time');
    expect(await marks(page)).toEqual(['broken', 'beyond', 'beyond', 'beyond', 'beyond']);
    if (name === 'zh-dark') await v.check(`${name}-explain-deleted`);
    await v.leave();
  });

  test('of several chains the worst comes first, and an agent that does not answer is named', async () => {
    const { id } = await call<{ id: number }>('POST', '/jobs', {
      node: world.node,
      key: 'why_not',
      scrape_config: { relabel_configs: [{ source_labels: ['env'], regex: 'prod', action: 'keep' }] },
    });
    await call('POST', '/targets', { job: id, addr: addrs.up, labels: { env: 'test' } });
    const v = await (await Visitor.arrive(browser, world.direct)).login();
    const page = await v.go(`/explain?addr=${addrs.up}&node=${world.node}`);
    await answered(page, '.folded [data-drops]');
    const folded = page.locator('.folded');
    expect(await folded.first().getAttribute('open')).not.toBeNull();
    await folded.first().locator('summary').getByText('why_not').waitFor();
    await folded.nth(1).locator('summary').click();
    await folded.nth(1).locator('.chain > li:last-child[data-mark="passed"]').waitFor();
    await v.check('explain-several');

    // As the server tells of an agent that is silent: waiting for one would take ten seconds.
    await page.route('**/api/v1/explain?*', async (route) => {
      const answer = await route.fetch();
      const said = (await answer.json()) as { items: { agent: string; agent_says: string; chains: object[] }[] };
      const node = said.items[0];
      if (node) {
        Object.assign(node, {
          agent: 'silent',
          agent_says: 'the agent did not answer within 10 s',
          scraped: 'unknown',
        });
        node.chains = node.chains.map((c) => ({ ...c, seen: undefined, scraped: 'unknown', stage: 'rendered' }));
      }
      await route.fulfill({
        json: { ...said, scraped: 'unknown', verdict: 'it is not known what became of the target' },
      });
    });
    await page.getByRole('button', { name: 'Ask again' }).click();
    await page.locator('.agent').getByText('did not answer in time').waitFor();
    await v.check('explain-silent');
    await page.unrouteAll({ behavior: 'wait' });

    // As long as the node applies the change, nothing breaks.
    await page.route('**/api/v1/explain?*', async (route) => {
      const answer = await route.fetch();
      const said = (await answer.json()) as { items: { state: string; chains: { rendered: object }[] }[] };
      const node = said.items[0];
      if (node) {
        const rendered = { ...node.chains[0]?.rendered, received: true, written: false, loaded: false };
        const soon = { scraped: 'no', under_way: true, verdict: 'the record is there, but not written yet: applying' };
        const chain = { ...node.chains[0], ...soon, seen: undefined, stage: 'rendered', rendered };
        Object.assign(node, { ...soon, state: 'applying', chains: [chain] });
        Object.assign(said, soon);
      }
      await route.fulfill({ json: said });
    });
    await page.getByRole('button', { name: 'Ask again' }).click();
    await page.locator('[data-mark="underway"]').getByText('under way').waitFor();
    expect(await page.locator('[data-mark="broken"]').count()).toBe(0);
    await page.locator('.truth[data-state="applying"]').getByText('Not scraped yet').waitFor();
    await v.check('explain-underway');
    await page.unrouteAll({ behavior: 'wait' });
    await v.leave();
  });

  test('what nobody has leads to what is like it, and a break to its line', async () => {
    const v = await (await Visitor.arrive(browser, world.direct)).login();
    const page = await v.go('/explain');
    await page.getByRole('searchbox').fill('192.0.2.9:9100');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: addrs.dropped }).click();
    await page.waitForURL(/addr=192\.0\.2\.7/);
    const line = page.getByRole('link', { name: 'relabel_configs[2]' });
    await line.waitFor();
    await line.click();
    await page.waitForURL(/\/jobs\/why\/config\?at=relabel_configs%5B2%5D$/);
    await page.locator('.cm-focused .cm-activeLine').first().waitFor();
    const marked = await page.evaluate('getSelection()?.toString()');
    expect(marked).toMatch(/^source_labels: \[env\]\s+regex: dev\|test\s+action: drop/);

    // Beside the targets, of one that is deleted.
    await v.go(`/targets?deleted=true&target=${gone}&show=explain`);
    const drawer = page.getByRole('dialog');
    await drawer.locator('[data-mark="broken"] time').waitFor();
    await v.check('explain-drawer');
    await page.keyboard.press('Escape');
    await drawer.waitFor({ state: 'detached' });
    expect(v.errors).toEqual([]);
    await v.leave();
  });
});

test.each(looks)(
  '%s: a session that ends leads to the login and back; a password is changed',
  async (name, { base, ...look }) => {
    const t = textsOf(look);
    const user = `pia-${name}`;
    const { id } = await call<{ id: number }>('POST', '/users', { name: user, role: 'editor' });
    await call('PUT', `/users/${id}/password`, { password: 'the first password' });
    const v = await (await Visitor.arrive(browser, base, look)).login(user, 'the first password');
    const page = await v.go(`/nodes/${world.node}/history`);
    await page.locator('[role="row"]').nth(1).waitFor();
    await page.request.delete(`${base}/api/v1/session`);
    // Whatever is asked next is refused; the page may have asked by itself already.
    await page.evaluate(() => document.querySelector<HTMLElement>('.tabs a')?.click());
    await page.waitForURL(/\/login\?to=/);
    await page.getByRole('status').getByText(t('login.ended')).waitFor();
    await v.picture(`${name}-login-ended`);
    expect(v.errors.splice(0).join()).toContain('401');
    await page.locator('input[autocomplete="username"]').fill(user);
    await page.locator('input[autocomplete="current-password"]').fill('the first password');
    await page.keyboard.press('Enter');
    await page.waitForURL(new RegExp(`/nodes/${world.node}`));

    await v.go('/account');
    await page.locator('input[autocomplete="current-password"]').fill('wrong');
    await page.locator('input[autocomplete="new-password"]').first().fill('the second password');
    await page.locator('input[autocomplete="new-password"]').last().fill('the second passwort');
    await page.getByText(t('account.differ')).waitFor();
    await page.locator('input[autocomplete="new-password"]').last().fill('the second password');
    await page.keyboard.press('Enter');
    await page.locator('.mantine-InputWrapper-error, [role="alert"]').first().waitFor();
    expect(v.errors.splice(0).join()).toMatch(/40[13]|422/);
    await v.check(`${name}-account-refused`);
    await page.locator('input[autocomplete="current-password"]').fill('the first password');
    await page.keyboard.press('Enter');
    await page.getByText(t('account.done')).waitFor();
    const login = (password: string) => page.request.post(`${base}/api/v1/session`, { data: { name: user, password } });
    expect((await login('the second password')).status()).toBe(200);
    expect((await login('the first password')).status()).toBe(401);
    expect(v.errors).toEqual([]);
    await v.leave();
  },
);

test('a session that ends keeps what is not saved, for who comes back', async () => {
  for (const name of ['rosa', 'emil']) {
    const { id } = await call<{ id: number }>('POST', '/users', { name, role: 'editor' });
    await call('PUT', `/users/${id}/password`, { password: `the password of ${name}` });
  }
  const { id } = await call<{ id: number }>('POST', '/jobs', { node: world.node, key: 'kept', scrape_config: {} });
  const v = await (await Visitor.arrive(browser, world.direct)).login('rosa', 'the password of rosa');
  const page = await v.go(`/nodes/${world.node}/jobs/kept/config`);
  const dialog = page.getByRole('dialog');
  const ends = async (typed: string) => {
    await page.locator('.editor .cm-content').click();
    await page.keyboard.press('Control+End');
    const tried = page.waitForResponse((r) => r.url().includes('dry_run=true') && r.ok());
    await page.keyboard.type(typed);
    await tried;
    await page.locator('.verdict[data-verdict="good"]').waitFor();
    await page.request.delete(`${world.direct}/api/v1/session`);
    await page.keyboard.press('Control+s');
    await dialog.getByText('Your session has ended.').waitFor();
  };
  const enter = async (name: string) => {
    await dialog.locator('input[autocomplete="username"]').fill(name);
    await dialog.locator('input[autocomplete="current-password"]').fill(`the password of ${name}`);
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
  };
  await ends('scrape_interval: 7s\n');
  await page.keyboard.press('Escape');
  await dialog.locator('input[autocomplete="current-password"]').fill('wrong');
  await page.keyboard.press('Enter');
  await dialog.getByRole('alert').waitFor();
  expect(v.errors.splice(0).join()).toContain('401');
  await v.check('session-ended');
  await enter('rosa');
  await page.locator('.cm-line >> text=scrape_interval: 7s').waitFor();
  await page.locator('.editor .cm-content').click();
  await page.locator('.verdict[data-verdict="good"]').waitFor();
  await page.keyboard.press('Control+s');
  await page.locator('.effect .tag').waitFor({ state: 'detached' });
  const saved = await call<{ scrape_config: object }>('GET', `/jobs/${id}`);
  expect(saved.scrape_config).toEqual({ scrape_interval: '7s' });

  // Another one is given the page as it is saved.
  await ends('scrape_timeout: 3s\n');
  await enter('emil');
  await page.locator('.cm-line >> text=scrape_interval: 7s').waitFor();
  expect(await page.locator('.cm-line >> text=scrape_timeout').count()).toBe(0);
  expect(v.errors.splice(0).filter((e) => !e.includes('401'))).toEqual([]);
  await v.leave();
});

/** A server that nobody has joined yet, and a Prometheus for whom that is to change. */
class Installation {
  private readonly processes = new Processes();
  readonly dir = mkdtempSync(join(tmpdir(), 'promfleet-first-'));
  readonly yml = join(this.dir, 'etc/prometheus.yml');
  base = '';
  password = '';
  prometheus = ''; // its URL
  private running?: ChildProcess;

  async start(path: string, yml: string): Promise<void> {
    const [server, port] = await Promise.all([freePort(), freePort()]);
    this.base = `http://127.0.0.1:${server}${path}`;
    const plane = this.processes.start(part('PROMFLEET_BIN'), [
      'server',
      '--storage.path',
      join(this.dir, 'server'),
      '--web.listen-address',
      `127.0.0.1:${server}`,
      '--web.external-url',
      `${this.base}/`,
    ]);
    this.prometheus = `http://127.0.0.1:${port}`;
    mkdirSync(join(this.dir, 'etc'));
    writeFileSync(this.yml, yml.replaceAll('SELF', `127.0.0.1:${port}`));
    this.running = this.processes.start(part('PROMFLEET_PROMETHEUS_DEBIAN'), [
      '--config.file',
      this.yml,
      '--storage.tsdb.path',
      join(this.dir, 'tsdb'),
      '--web.enable-lifecycle',
      '--web.listen-address',
      `127.0.0.1:${port}`,
    ]).child;
    await waitFor('the server is ready', () => answers(`${this.base}/-/ready`));
    await waitFor('Prometheus is ready', () => answers(`${this.prometheus}/-/ready`));
    this.password = /shown this once: (\S+)/.exec(plane.output())?.[1] ?? '';
  }

  get self() {
    return new URL(this.prometheus).host;
  }

  /** Makes the command on the page, for where this Prometheus is, and copies it. */
  async command(page: Page): Promise<string> {
    await page.locator('.join button').first().click();
    await page.waitForURL(/token=\d/);
    await page.locator('.join summary').click();
    await page.locator('.join .options input').nth(1).fill(this.prometheus);
    await page.locator('.join .options input').nth(2).fill(this.yml);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.locator('.joincommand button').click();
    return String(await page.evaluate('navigator.clipboard.readText()'));
  }

  /** Runs what was copied as it is; beside it only where the agent's own page listens. */
  async run(command: string): Promise<ChildProcess> {
    const own = await freePort();
    const agent = `promfleet() { exec "$PROMFLEET_BIN" "$@" --web.listen-address 127.0.0.1:${own} --sync.interval 1s; }`;
    return this.processes.start('sh', ['-c', `cd ${this.dir} && ${agent}\n${command}`]).child;
  }

  stop = (child: ChildProcess) => this.processes.stop(child);
  stopPrometheus = () => this.running && this.processes.stop(this.running);

  async end(): Promise<void> {
    await this.processes.stopAll();
    rmSync(this.dir, { recursive: true });
  }
}

const done = (page: Page, step: number) => page.locator(`.firstrun > ol > li:nth-child(${step})[data-mark="done"]`);

describe.each([
  ['en-light', '', { language: 'en', scheme: 'light' }],
  ['zh-dark', '/ops/promfleet', { language: 'zh-CN', scheme: 'dark' }],
] as const)('%s: the first run', (name, path, look) => {
  const made = new Installation();
  let v: Visitor;

  beforeAll(async () => {
    await made.start(path, 'global:\n  scrape_interval: 1s\n');
    v = await Visitor.arrive(browser, made.base, look);
  });
  afterAll(async () => {
    await v?.leave();
    await made.end();
  });

  test('from the login to the first sample', async () => {
    const { base } = made;
    const page = await v.go('/');
    await page.locator('input[autocomplete="username"]').fill('admin');
    await page.locator('input[autocomplete="current-password"]').fill(made.password);
    await page.keyboard.press('Enter');
    await page.waitForURL(`${base}/start`);
    const command = await made.command(page);
    expect(command).toContain(`--server.url ${base} `);
    await v.check(`${name}-start-join`);
    const agent = await made.run(command);
    await done(page, 1).waitFor({ timeout: 20_000 });
    await page.waitForURL(/node=[\w-]{36}/);

    // Where nothing listens first, in the one look.
    const form = page.locator('.firstrun form');
    const addr = form.locator('input').nth(2);
    const wrong = name === 'zh-dark';
    await form.locator('input').nth(1).fill('1s');
    // An address that the server would refuse makes no job.
    await addr.fill('http://');
    await page.keyboard.press('Enter');
    await form.locator('.mantine-TextInput-error').waitFor();
    expect(await page.locator('.preview').count()).toBe(0);
    if (name === 'en-light') await v.check(`${name}-start-refused`);
    await addr.fill(wrong ? '127.0.0.1:1' : made.self);
    await page.keyboard.press('Enter');
    await page.locator('.preview .unified').waitFor();
    await v.check(`${name}-start-target`);
    await form.locator('button[type="submit"]').click();
    await done(page, 2).waitFor();
    if (wrong) {
      await page.locator('[data-mark="broken"] .said').getByText('connection refused').waitFor({ timeout: 20_000 });
      await v.check(`${name}-start-down`);
      const answer = await page.request.patch(`${base}/api/v1/targets/1`, {
        data: { addr: made.self },
        headers: { 'Content-Type': 'application/merge-patch+json' },
      });
      expect(answer.status()).toBe(200);
    }
    await done(page, 3).waitFor({ timeout: 30_000 });
    await page.locator('.alldone').waitFor();
    await page.locator('.strip li:last-child[data-mark="done"]').waitFor();
    await v.check(`${name}-start-done`);

    // Whoever comes back is where one was.
    await page.reload();
    await page.locator('.alldone').waitFor();
    if (wrong) {
      await made.stopPrometheus();
      await v.go(`/explain?addr=${made.self}`);
      await page.locator('[data-mark="open"]').waitFor();
      await v.check(`${name}-explain-away`);
      return;
    }
    await page.locator('.alldone a').first().click();
    await page.locator('.overview').waitFor();
    const node = new URL(page.url()).pathname.split('/').at(-1);

    // Deleted by its name, restored from the corner, and joined again by another command.
    await v.go(`/nodes/${node}/settings`);
    await page.locator('.settings').waitFor();
    const hostname = (await page.locator('h1').textContent()) ?? '';
    await page.locator('.settings section').last().getByRole('button').first().click();
    const dialog = page.getByRole('dialog');
    await dialog.locator('.notices li').nth(2).waitFor();
    const remove = dialog.locator('button[type="submit"]');
    expect(await remove.isDisabled()).toBe(true);
    await dialog.getByRole('textbox').fill(hostname);
    await remove.click();
    await page.waitForURL(`${base}/`);
    await page.locator('.mantine-Notification-root button').first().click();
    await page.waitForURL(/\/nodes\//);
    await v.go('/');
    await page.locator('[role="row"]').nth(1).waitFor();
    await page.locator('a[href$="/start"]').click();
    const again = await made.command(page);
    await made.stop(agent);
    await made.run(again);
    await page.waitForURL(`${base}/start?node=${node}`);
    await page.locator('.alldone').waitFor({ timeout: 30_000 });
    expect(v.errors).toEqual([]);
  });
});

test('a Prometheus that has jobs is taken over as it is', async () => {
  const made = new Installation();
  try {
    const yml =
      'global:\n  scrape_interval: 1s\nscrape_configs:\n- job_name: prometheus\n  static_configs:\n  - targets: [SELF]\n';
    await made.start('', yml);
    const v = await (await Visitor.arrive(browser, made.base)).login('admin', made.password);
    const page = await v.go('/start');
    await made.run(await made.command(page));
    await page.getByLabel('Its prometheus.yml').fill(yml.replace('SELF', made.self));
    await page.getByRole('button', { name: 'See what it brings' }).click();
    await page.getByText('1 target').first().waitFor();
    await page.getByRole('button', { name: 'Import' }).click();
    await page.locator('.alldone').waitFor({ timeout: 30_000 });
    expect(v.errors).toEqual([]);
    await v.leave();
  } finally {
    await made.end();
  }
});
