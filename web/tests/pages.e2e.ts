import { randomUUID } from 'node:crypto';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { another, call, type Look, launch, textsOf, Visitor, world } from './browser';

/** What must be shown as text, and never be anything else. */
const hostile = '<img src=x onerror=alert(1)>\u202Egnp.exe';
const shown = '<img src=x onerror=alert(1)>⟨U+202E⟩gnp.exe';

interface Pretended {
  hostname: string;
  state: string;
  error?: string;
  up?: number;
  down?: number;
  tags?: string[];
}

/** Makes a node whose agent says what it is told to. */
async function pretend(node: Pretended): Promise<string> {
  const { secret } = await call<{ secret: string }>('POST', '/join-tokens', {});
  const uuid = randomUUID();
  const { credential } = await call<{ credential: string }>(
    'POST',
    '/agent/register',
    {
      protocol: 1,
      uuid,
      hostname: node.hostname,
      addr: 'https://prometheus.example.com:9090/',
      agent_version: '0.1.0',
      prometheus_version: '3.16.0',
    },
    secret,
  );
  if (node.tags) await call('PATCH', `/nodes/${uuid}`, { tags: node.tags });
  const report = {
    protocol: 1,
    revision_received: 1,
    revision_written: node.state === 'in_sync' ? 1 : 0,
    revision_loaded: node.state === 'in_sync' ? 1 : 0,
    state: node.state,
    error: node.error,
    targets_up: node.up ?? 0,
    targets_down: node.down ?? 0,
    agent_version: '0.1.0',
    prometheus_version: '3.16.0',
  };
  const say = () => call('POST', '/agent/report', report, credential);
  await say();
  saying.push(say);
  return uuid;
}

/** What the pretended agents say again before each test: a node that is not heard of is stale. */
const saying: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  await Promise.all(saying.map((say) => say()));
});

const looks: [string, Look & { base: string }][] = [
  ['en-light', { base: world.direct, language: 'en', scheme: 'light' }],
  ['zh-dark', { base: world.proxied, language: 'zh-CN', scheme: 'dark' }],
];

let browser: Browser;
let strange = '';
/** What a look writes to, which the other does not find: a real node, and one that is held. */
const own = new Map<string, { node: string; held: string; host: string }>();

beforeAll(async () => {
  const second = another();
  browser = await launch();
  const job = await call<{ id: number }>('POST', '/jobs', {
    node: world.node,
    key: 'self',
    remark: hostile,
    scrape_config: { scrape_interval: '1s' },
  });
  await call('PUT', `/jobs/${job.id}/targets`, [{ addr: '127.0.0.1:1' }, { addr: new URL(world.direct).host }]);
  await call('PATCH', `/nodes/${world.node}`, {
    tags: ['线上', 'edge'],
    base_config: 'global:\n  scrape_interval: 2s\n',
  });
  for (const [i, [name]] of looks.entries()) {
    const host = `berlin-${i + 2}`;
    const held = await pretend({
      hostname: host,
      state: 'held',
      error: '812 of 1,204 targets of job node would go, 67 %; the policy of this host allows 50 %',
      up: 1190,
      down: 14,
    });
    own.set(name, { node: i === 0 ? world.node : await second, held, host });
  }
  strange = await pretend({
    hostname: hostile,
    state: 'failed',
    error: `parsing YAML: line 3: ${hostile}`,
    tags: [hostile.slice(0, 28)],
  });
  await pretend({ hostname: 'paris-1', state: 'in_sync', up: 320, tags: ['edge'] });
  await pretend({
    hostname: 'shanghai-4',
    state: 'quarantined',
    error: 'job web: open /etc/prometheus/ca.pem: no such file or directory',
    up: 12,
    down: 3,
  });
  await pretend({ hostname: 'oslo-7', state: 'drifted', error: 'prometheus.yml was edited by hand', up: 40 });
});
afterAll(() => browser?.close());

describe.each(looks)('%s', (name, { base, ...look }) => {
  let v: Visitor;
  const t = textsOf(look);
  const mine = () => own.get(name) ?? { node: '', held: '', host: '' };
  beforeAll(async () => {
    v = await Visitor.arrive(browser, base, look);
  });
  afterAll(() => v?.leave());

  test('login, and back to where one was', async () => {
    const page = await v.go('/events?q=job');
    await page.locator('input[autocomplete="username"]').fill('admin');
    await v.check(`${name}-login`);
    // What is typed can be looked at, without a mouse.
    const secret = page.locator('input[autocomplete="current-password"]');
    await secret.press('Tab');
    const eye = page.locator('button:focus');
    expect(await eye.getAttribute('aria-label')).toBe(t('app.showPassword'));
    await page.keyboard.press('Space');
    expect(await secret.getAttribute('type')).toBe('text');
    await page.keyboard.press('Space');
    expect(await secret.getAttribute('type')).toBe('password');
    await page.locator('input[autocomplete="current-password"]').fill('not the password');
    await page.keyboard.press('Enter');
    await page.locator('[role="alert"]').waitFor();
    expect(v.errors.splice(0).join()).toContain('401'); // the browser's own word on it
    await page.locator('input[autocomplete="current-password"]').fill(world.password);
    await page.keyboard.press('Enter');
    await page.waitForURL(`${base}/events?q=job`);
    await page.locator('[role="row"] >> text=self').first().waitFor();
    await v.check(`${name}-events`);
  });

  test('fleet', async () => {
    await v.login();
    const page = await v.go('/');
    await page.locator('[role="row"] >> text=paris-1').waitFor();
    await page.getByText(shown, { exact: true }).first().waitFor();
    expect(await page.locator('main img').count()).toBe(0);
    await v.check(`${name}-fleet`);
    await page.locator('input[type="search"]').fill('paris');
    await page.locator('text=shanghai-4').waitFor({ state: 'detached' });
    expect(page.url()).toBe(`${base}/?q=paris`);
    await v.go('/?view=map');
    await page.locator('canvas').waitFor();
    await page.locator('[role="application"]').focus();
    await page.keyboard.press('ArrowRight');
    await page.locator('.under .state').waitFor();
    await page.locator('.squares .heattip .state').waitFor();
    await v.check(`${name}-map`);
  });

  test('node: every tab', async () => {
    const page = await v.go(`/nodes/${world.node}`);
    await page.locator('.strip li:last-child[data-mark="done"]').waitFor();
    await v.check(`${name}-node`);
    await v.go(`/nodes/${world.node}/jobs`);
    await page.locator('[role="row"] >> text=self').first().waitFor();
    await v.check(`${name}-jobs`);
    await v.go(`/nodes/${world.node}/config`);
    await page.locator('.cm-content').waitFor();
    await v.check(`${name}-config`);
    await v.go(`/nodes/${world.node}/history`);
    await page.locator('.beside h2').waitFor();
    await v.check(`${name}-history`);
    await v.go(`/nodes/${strange}`);
    await page.locator('.truth').waitFor();
    await v.check(`${name}-hostile`);
  });

  test('a base config is seen before it is saved, and followed until it is loaded', async () => {
    const { node } = mine();
    await call('PATCH', `/nodes/${node}`, { base_config: 'global:\n  scrape_interval: 2s\n' });
    const page = await v.go(`/nodes/${node}/settings`);
    const editor = page.locator('.cm-content');
    const preview = page.getByRole('button', { name: t('settings.preview') });
    const type = async (text: string) => {
      await editor.click();
      await page.keyboard.press('Control+a');
      await page.keyboard.type(text);
    };
    await type('global:\nscrape_interval: 3x');
    await preview.click();
    await page.locator('[role="alert"]').waitFor();
    await page.locator('.cm-lint-marker, .cm-lintRange').first().waitFor();
    expect(v.errors.splice(0).join()).toContain('422');
    await v.check(`${name}-write-refused`);
    await type('global:\nscrape_interval: 3s');
    await editor.click();
    await page.keyboard.press('Control+Home');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Tab');
    await preview.click();
    await page.locator('.preview .unified').first().waitFor();
    await v.check(`${name}-write-preview`);
    await page.getByRole('button', { name: t('settings.save'), exact: true }).click();
    await page.locator('.followed .strip li:last-child[data-mark="done"]').waitFor(); // where it was saved
    await page.getByRole('link', { name: t('node.overview') }).click();
    await page.locator('.overview .strip li:last-child[data-mark="done"]').waitFor();
    await v.picture(`${name}-write-loaded`);
    const saved = await call<{ base_config: string }>('GET', `/nodes/${node}`);
    expect(saved.base_config).toContain('scrape_interval: 3s');
  });

  test('a stale edit of a base config shows both versions', async () => {
    const { node } = mine();
    const page = await v.go(`/nodes/${node}/settings`);
    await page.locator('.cm-content').click();
    await page.keyboard.press('Control+End');
    await page.keyboard.type('# mine');
    await page.getByText(t('settings.unsaved')).waitFor();
    await call('PATCH', `/nodes/${node}`, { base_config: 'global:\n  scrape_interval: 4s\n' });
    const preview = page.getByRole('button', { name: t('settings.preview') });
    await preview.click();
    await page.locator('.cm-mergeView').waitFor();
    expect(v.errors.splice(0).join()).toContain('412');
    await v.check(`${name}-write-stale`);
    // Closed, nothing is decided: the page has its edit, and is asked again.
    await page.keyboard.press('Escape');
    await page.locator('.cm-mergeView').waitFor({ state: 'detached' });
    await page.locator('.cm-content >> text=# mine').waitFor();
    await preview.click();
    await page.locator('.cm-mergeView').waitFor();
    expect(v.errors.splice(0).join()).toContain('412');
    await page.getByRole('button', { name: t('settings.theirs') }).click();
    await page.locator('.cm-mergeView').waitFor({ state: 'detached' });
    await page.locator('.cm-content >> text=4s').waitFor();
    expect(v.errors).toEqual([]);
  });

  test('a held removal is confirmed by name', async () => {
    const { held, host } = mine();
    const page = await v.go(`/nodes/${held}`);
    await page.getByRole('button', { name: t('node.confirm') }).click();
    const dialog = page.getByRole('dialog');
    const confirm = dialog.getByRole('button', { name: t('node.confirm') });
    expect(await confirm.isDisabled()).toBe(true);
    await dialog.getByRole('textbox').fill(host);
    await v.check(`${name}-write-confirm`);
    await confirm.click();
    await page.getByText(t('node.confirmed')).waitFor();
    const { items } = await call<{ items: { action: string }[] }>('GET', `/events?node=${held}&limit=1`);
    expect(items[0]?.action).toBe('confirm');
    expect(v.errors).toEqual([]);
  });

  test('account, palette, keys and a page that is not there', async () => {
    const page = await v.go('/account');
    await page.locator('input[autocomplete="new-password"]').first().waitFor();
    await v.check(`${name}-account`);
    await page.locator('h1').click();
    await page.keyboard.press('Control+k');
    await page.keyboard.type('paris');
    await page.locator('[role="option"] >> text=paris-1').waitFor();
    await v.check(`${name}-palette`);
    await page.keyboard.press('Enter');
    await page.locator('h1 >> text=paris-1').waitFor();
    await page.keyboard.press('?');
    await page.locator('.keys').waitFor();
    await v.check(`${name}-keys`);
    await page.keyboard.press('Escape');
    await page.locator('.keys').waitFor({ state: 'detached' });
    await page.keyboard.press('g');
    await page.keyboard.press('f');
    await page.waitForURL(`${base}/`);
    await v.go('/nothing/of/the/kind');
    await page.locator('.missing h1').waitFor();
    await v.check(`${name}-missing`);
    // From there one goes on by what is around every page.
    await page.keyboard.press('Control+k');
    await page.locator('.palette').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.palette').waitFor({ state: 'detached' });
    await page.locator('.side a[href$="/tags"]').click();
    await page.waitForURL(`${base}/tags`);
    for (const [path, link, to] of [
      ['/nodes/no-such-node', '.missing a', '/'],
      [`/nodes/${randomUUID()}/jobs/web`, '.missing a', '/'],
      [`/nodes/${world.node}/jobs/no_such_job`, '.missing a', `/nodes/${world.node}/jobs`],
      ['/tags?id=99999', '.record button.start', '/tags'],
    ] as const) {
      await v.go(path);
      await page.locator(link).waitFor();
      expect(await page.locator('main [role="alert"]').count(), path).toBe(0);
      if (path.startsWith('/tags')) await v.picture(`${name}-missing-tag`);
      await page.locator(link).click();
      await page.waitForURL(base + to);
    }
    expect(v.errors.splice(0).filter((e) => !/status of (404|422)/.test(e))).toEqual([]);
  });

  test('logout', async () => {
    const page = await v.go('/tags');
    await page.locator('.who').click();
    await page.getByRole('menuitem', { name: t('menu.logout') }).click();
    await page.waitForURL(/\/login/);
    await page.goBack().catch(() => undefined);
    await page.locator('input[autocomplete="username"]').waitFor();
    const { request } = page.context();
    expect((await request.get(`${base}/api/v1/session`)).status()).toBe(401);
    expect(v.errors).toEqual([]);
  });
});

test('each tab of a node has the same by CLI and API, and leads to its targets', async () => {
  const v = await (await Visitor.arrive(browser, world.direct)).login();
  for (const [tab, command] of [
    ['', 'promfleet node get'],
    ['/health', 'promfleet node health'],
    ['/jobs', 'promfleet job list'],
    ['/config', 'promfleet node config'],
    ['/history', 'promfleet node revisions'],
    ['/doctor', 'promfleet node doctor'],
    ['/settings', 'promfleet node update'],
  ] as const) {
    const page = await v.go(`/nodes/${world.node}${tab}`);
    const same = page.locator('.same', { hasText: command });
    await same.locator('summary').click();
    await same.locator('.command', { hasText: command }).first().waitFor();
    await v.picture(`same-node${tab.replace('/', '-')}`);
  }
  for (const tab of ['', '/health']) {
    const page = await v.go(`/nodes/${world.node}${tab}`);
    await page.locator(`main a[href="/targets?node=${world.node}"]`).click();
    await page.waitForURL(`${world.direct}/targets?node=${world.node}`);
  }
  expect(v.errors).toEqual([]);
  await v.leave();
});

test('what changes is shown without reloading', async () => {
  const v = await (await Visitor.arrive(browser, world.proxied)).login();
  const page = await v.go('/');
  await page.locator('[role="row"] >> text=paris-1').waitFor();
  await pretend({ hostname: 'tokyo-9', state: 'in_sync', up: 7 });
  await page.locator('[role="row"] >> text=tokyo-9').waitFor({ timeout: 5000 });
  await v.leave();
});

test('a viewer only reads', async () => {
  const { id } = await call<{ id: number }>('POST', '/users', { name: 'eve', role: 'viewer' });
  await call('PUT', `/users/${id}/password`, { password: 'only reads here' });
  const v = await (await Visitor.arrive(browser, world.direct)).login('eve', 'only reads here');
  const page = await v.go(`/nodes/${own.get('en-light')?.held}`);
  await page.locator('.truth').waitFor();
  expect(await page.getByRole('button', { name: 'Confirm the removal' }).count()).toBe(0);
  await v.go(`/nodes/${world.node}/settings`);
  await page.getByText('read-only').waitFor();
  await v.check('viewer-settings');
  expect(v.errors).toEqual([]);
  await v.leave();
});
