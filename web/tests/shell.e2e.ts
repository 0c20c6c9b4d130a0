import { randomUUID } from 'node:crypto';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, launch, Visitor, world } from './browser';

const hostile = '<img src=x onerror=alert(1)>\u202Egnp.exe';
const shown = '<img src=x onerror=alert(1)>⟨U+202E⟩gnp.exe';

let browser: Browser;
let v: Visitor;
let page: Page;

beforeAll(async () => {
  browser = await launch();
  const job = await call<{ id: number }>('POST', '/jobs', { node: world.node, key: 'webshop', remark: hostile });
  await call('POST', `/jobs/${job.id}/targets`, [{ addr: 'webshop-1.example.com:9100', name: hostile }]);
  await call('POST', '/tags', { name: `webshop ${hostile}` });
  v = await (await Visitor.arrive(browser, world.direct)).login();
  page = v.page;
});
afterAll(async () => {
  await v?.leave();
  await browser?.close();
});

const openPalette = () => page.keyboard.press('Control+k'); // what is typed after it is the palette's
const option = (text: string | RegExp) => page.getByRole('option', { name: text });

test('the palette finds nodes, jobs, targets, tags and commands', async () => {
  await v.go('/');
  await page.locator('[role="grid"]').waitFor();
  await openPalette();
  await page.locator('.palette input').fill('webshop');
  await option(/webshop-1\.example\.com:9100/).waitFor();
  await option(/^Jobs webshop/).waitFor();
  await option(/^Tags webshop/).waitFor();
  expect(await page.locator('.palette img').count()).toBe(0);
  expect(await page.locator('.palette').textContent()).toContain(shown);
  await v.check('palette');
  await option(/^Tags webshop/).click();
  await page.waitForURL(/\/tags\?id=\d+$/);

  await openPalette();
  await page.keyboard.type('dark');
  await page.keyboard.press('Enter');
  await page.locator('html[data-mantine-color-scheme="dark"]').waitFor();
  await openPalette();
  await page.keyboard.type('中文');
  await page.keyboard.press('Enter');
  await page.locator('html[lang="zh-CN"]').waitFor();
  await openPalette();
  await page.keyboard.type('english');
  await page.keyboard.press('Enter');
  await page.locator('html[lang="en"]').waitFor();

  // A command that asks which node.
  await openPalette();
  await page.keyboard.type('new job');
  await page.keyboard.press('Enter');
  await page.getByPlaceholder('On which node?').waitFor();
  await page.locator('.palette .state').first().waitFor();
  await page.keyboard.press('Backspace');
  await option(/^Pages Fleet/).waitFor();
  await page.keyboard.press('Escape');
  await page.locator('.palette').waitFor({ state: 'detached' });
});

test('keys go anywhere, and are told of', async () => {
  await v.go('/');
  await page.locator('[role="grid"]').waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog').getByText('Keyboard shortcuts').waitFor();
  // Nothing can be done to many nodes, so there is nothing to select.
  expect(await page.getByRole('dialog').getByText('edit the row').count()).toBe(1);
  expect(await page.getByRole('dialog').getByText('select the row').count()).toBe(0);
  await v.check('keys');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await v.go('/tags');
  await page.locator('[role="grid"]').waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog').getByText('select the row').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  for (const [key, path] of [
    ['j', '/jobs'],
    ['t', '/targets'],
    ['a', '/tags'],
    ['e', '/events'],
    ['f', '/'],
  ] as const) {
    await page.keyboard.press('g');
    await page.keyboard.press(key);
    await page.waitForURL(world.direct + path);
  }
});

test('a server that is away is told of, and comes back without a word', async () => {
  await v.go('/tags');
  await page.locator('[role="row"]', { hasText: 'webshop' }).waitFor();
  await page.route('**/*', (route) => route.abort());
  await page.getByRole('searchbox').fill('webshop');
  await page.locator('.away').waitFor();
  await page.locator('[role="row"]', { hasText: 'webshop' }).waitFor(); // what was known stays
  expect(await page.locator('main [role="alert"]').count()).toBe(0);
  await v.picture('away');
  await page.unroute('**/*');
  await page.locator('.away').waitFor({ state: 'detached' });
  await page.locator('[role="row"]', { hasText: 'webshop' }).waitFor();
  await page.getByText('1 tag', { exact: true }).waitFor();
  expect(v.errors.filter((e) => !e.includes('ERR_FAILED'))).toEqual([]);
  v.errors.splice(0);
});

test('a write that the server does not answer is told of beside its button', async () => {
  const alert = (text: string) => page.getByRole('alert').getByText(text);
  const tried = () => page.waitForResponse((r) => r.url().includes('dry_run=true') && r.ok());
  const away = () =>
    page.route('**/api/v1/**', (route) => (route.request().method() === 'GET' ? route.continue() : route.abort()));
  await v.go(`/nodes/${world.node}/jobs/webshop/config`);
  await page.locator('.cm-content').click();
  const seen = tried();
  await page.keyboard.type('scrape_interval: 7s\n');
  await seen;
  await page.locator('.verdict[data-verdict="good"]').waitFor();
  await away();
  await page.keyboard.press('Control+s');
  await alert('Not saved: the server did not answer. Save again when it is back.').waitFor();
  await page.keyboard.type('scrape_timeout: 3s\n');
  await page.locator('.verdict[data-verdict="away"]').waitFor();
  await page.keyboard.press('Control+s');
  await alert('Not saved').waitFor();
  await v.picture('not-saved');
  await page.unroute('**/api/v1/**');
  await page.locator('.away').waitFor({ state: 'detached' });
  await page.locator('.verdict[data-verdict="good"]').waitFor();
  await alert('Not saved').waitFor(); // until the next try
  await page.keyboard.press('Control+s');
  await alert('Not saved').waitFor({ state: 'detached' });
  await page.locator('.effect .tag').waitFor({ state: 'detached' });

  await v.go(`/nodes/${world.node}/jobs/webshop`);
  await page.locator('[role="row"]', { hasText: 'webshop-1' }).click();
  await page.keyboard.press('Escape');
  await page.keyboard.press('e');
  const name = page.locator('.cell-input[data-field="name"]');
  await away();
  await name.fill('one');
  await name.press('Enter');
  await alert('Not saved').waitFor();
  await v.picture('not-saved-row');
  await page.unroute('**/api/v1/**');
  await page.locator('.away').waitFor({ state: 'detached' });
  await name.press('Enter');
  await page.locator('.editbar').waitFor({ state: 'detached' });
  await page.locator('[role="row"]', { hasText: 'one' }).waitFor();
  expect(v.errors.filter((e) => !e.includes('ERR_FAILED'))).toEqual([]);
  v.errors.splice(0);
});

test('a part that fails leaves the rest alive', async () => {
  await page.route('**/api/v1/tags*', (route) => route.fulfill({ json: { items: [{ id: 1 }], total: 1 } }));
  await v.go('/tags');
  await page.getByRole('alert').getByText('This part of the page failed').waitFor();
  await v.picture('broken');
  await page.unroute('**/api/v1/tags*');
  v.errors.splice(0);
  await page.getByRole('link', { name: 'Fleet', exact: true }).click();
  await page.locator('[role="grid"]').waitFor();
  expect(v.errors).toEqual([]);
  await v.go('/tags');
  await page.locator('[role="row"]', { hasText: 'webshop' }).waitFor();
  expect(v.errors).toEqual([]);
});

test('the icon of the tab is red while something has failed', async () => {
  const icon = () => page.locator('link[rel="icon"]').getAttribute('href');
  const red = (yes: boolean) =>
    page.waitForFunction(
      (wanted) =>
        document.querySelector<HTMLLinkElement>('link[rel="icon"]')?.href.includes('favicon-failed') === wanted,
      yes,
    );
  await v.go('/');
  await page.locator('[role="grid"]').waitFor();
  await red(false);
  const { secret } = await call<{ secret: string }>('POST', '/join-tokens', {});
  const uuid = randomUUID();
  const { credential } = await call<{ credential: string }>(
    'POST',
    '/agent/register',
    { protocol: 1, uuid, hostname: 'fails', addr: 'https://a.example:9090/', agent_version: '0.1.0' },
    secret,
  );
  const report = (state: string) =>
    call(
      'POST',
      '/agent/report',
      {
        protocol: 1,
        revision_received: 1,
        revision_written: 1,
        revision_loaded: 1,
        state,
        targets_up: 0,
        targets_down: 0,
        agent_version: '0.1.0',
        prometheus_version: '3.16.0',
      },
      credential,
    );
  await report('failed');
  await red(true);
  expect(await icon()).toContain('failed');
  await report('in_sync');
  await red(false);
  await call('DELETE', `/nodes/${uuid}`);
});
