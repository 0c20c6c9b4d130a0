import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, launch, Visitor, world } from './browser';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

const focused = (page: Page, selector: string) =>
  page.waitForFunction((s) => document.activeElement?.matches(s), selector);

test('by keys alone: login, fleet, node, new job, target, seen loaded', async () => {
  const v = await Visitor.arrive(browser, world.direct);
  const page = await v.go('/');
  // Login: the name is focused.
  await focused(page, 'input[autocomplete="username"]');
  await page.keyboard.type('admin');
  await page.keyboard.press('Tab');
  await page.keyboard.type(world.password);
  await page.keyboard.press('Enter');
  // Fleet: found among what other tests have left, and into it.
  await page.locator('.grid .row .state').first().waitFor();
  await page.keyboard.press('/');
  await focused(page, 'input[type="search"]');
  await page.keyboard.type(world.node);
  await page.waitForFunction(() => document.querySelectorAll('.grid .row .state').length === 1);
  await page.keyboard.press('Escape');
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.waitForURL(`${world.direct}/nodes/${world.node}`);
  await page.locator('.strip').waitFor();
  // A new job on it, by the palette.
  await page.keyboard.press('Control+k');
  await focused(page, '.palette input');
  await page.keyboard.type('new job');
  await page.keyboard.press('Enter');
  await page.getByPlaceholder('On which node?').waitFor();
  await page.keyboard.type(world.node);
  await page.waitForFunction(() => document.querySelectorAll('.palette .state').length === 1);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/new-job$/);
  await focused(page, 'input.mono');
  await page.keyboard.type('by_keys');
  await page.locator('.preview', { hasText: 'by_keys' }).waitFor(); // it is seen first
  await page.locator('.effect button[aria-keyshortcuts]:not([disabled])').waitFor();
  await page.keyboard.press('Control+s');
  await page.waitForURL(/\/jobs\/by_keys$/);
  // A target in it.
  await page.locator('main h1').waitFor();
  await page.locator('.toolbar, .grid, .empty').first().waitFor();
  await page.keyboard.press('n');
  await focused(page, 'input[data-field="addr"]');
  await page.keyboard.type(new URL(world.direct).host);
  await page.keyboard.press('Enter');
  await page.locator('[role="row"]', { hasText: new URL(world.direct).host }).waitFor();
  await page.keyboard.press('Escape');
  // Seen loaded, and scraped.
  await page.locator('[role="row"] [data-health="up"]').waitFor({ timeout: 20_000 });
  const { items } = await call<{ items: { id: number }[] }>('GET', `/jobs?node=${world.node}&key=by_keys`);
  expect(items).toHaveLength(1);
  expect(v.errors.filter((e) => !e.includes('dry_run=true'))).toEqual([]);
  await v.leave();
}, 60_000);
