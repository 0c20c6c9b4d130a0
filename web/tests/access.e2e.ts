import { AxeBuilder } from '@axe-core/playwright';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, launch, Visitor, world } from './browser';

let browser: Browser;
let v: Visitor;

beforeAll(async () => {
  browser = await launch();
  const job = await call<{ id: number }>('POST', '/jobs', { node: world.node, key: 'reach' });
  await call('POST', `/jobs/${job.id}/targets`, [{ addr: '127.0.0.1:1' }]);
  await call('POST', '/tags', { name: 'reach' });
  v = await (await Visitor.arrive(browser, world.direct)).login();
});
afterAll(async () => {
  await v?.leave();
  await browser?.close();
});

const node = `/nodes/${world.node}`;
const pages = [
  '/',
  '/?view=map',
  '/targets',
  '/tags?new=true',
  '/events',
  '/users',
  '/tokens',
  '/join-tokens',
  '/account',
  '/start',
  '/explain',
  node,
  `${node}/health`,
  `${node}/jobs`,
  `${node}/config`,
  `${node}/history`,
  `${node}/doctor`,
  `${node}/settings`,
  `${node}/new-job`,
  `${node}/jobs/reach`,
  `${node}/jobs/reach/config`,
  `${node}/jobs/reach/history`,
];

test('every page at twice the size (640 px) has no sideways scroll, one heading, landmarks, and no motion', async () => {
  const { page } = v;
  await page.setViewportSize({ width: 640, height: 430 });
  const wrong: string[] = [];
  for (const path of pages) {
    await v.go(path);
    const headed = await page
      .locator('main h1')
      .first()
      .waitFor({ timeout: 5000 })
      .then(
        () => true,
        () => false,
      );
    if (!headed) {
      wrong.push(`${path} has no h1`);
      continue;
    }
    await page
      .locator('main [aria-busy="true"]')
      .first()
      .waitFor({ state: 'detached', timeout: 2000 })
      .catch(() => undefined);
    const found = await page.evaluate(() => {
      const main = document.querySelector('main') as HTMLElement;
      const wide = (e: Element) => e.scrollWidth > e.clientWidth + 1;
      // What sticks out of the content, and not only within something that scrolls itself.
      const out = wide(main)
        ? [...main.querySelectorAll<HTMLElement>('*')]
            .filter((e) => e.getBoundingClientRect().right > main.getBoundingClientRect().right + 1)
            .filter((e) => {
              for (let p = e.parentElement; p && p !== main; p = p.parentElement) {
                if (/auto|scroll|hidden/.test(getComputedStyle(p).overflowX)) return false;
              }
              return true;
            })
            .slice(0, 3)
            .map((e) => `${e.tagName}.${e.className}`)
        : [];
      return {
        out,
        sideways: wide(document.documentElement) || wide(main),
        h1: document.querySelectorAll('h1').length,
        title: document.title,
        moving: document.getAnimations().filter((a) => Number(a.effect?.getComputedTiming().activeDuration) > 50)
          .length,
      };
    });
    if (found.sideways) wrong.push(`${path} scrolls sideways: ${found.out.join(', ')}`);
    if (found.h1 !== 1) wrong.push(`${path} has ${found.h1} h1`);
    if (found.title === 'promfleet') wrong.push(`${path} has no title of its own`);
    if (found.moving > 0) wrong.push(`${path} moves`);
    const { violations } = await new AxeBuilder({ page })
      .withRules([
        'heading-order',
        'landmark-one-main',
        'landmark-unique',
        'page-has-heading-one',
        'region',
        'tabindex',
      ])
      .analyze();
    for (const one of violations) {
      wrong.push(`${path} ${one.id}: ${one.nodes.map((n) => n.target.join(' ')).join('; ')}`);
    }
  }
  expect(wrong).toEqual([]);
  await v.go('/tags?new=true');
  await page.getByRole('button', { name: 'Create', exact: true }).waitFor();
  await v.check('narrow-tags');
  await page.getByRole('button', { name: 'Pages' }).click();
  await v.check('narrow-menu');
  await page.getByRole('link', { name: 'Events', exact: true }).click();
  await page.waitForURL(/\/events$/);
  await page.getByRole('link', { name: 'Users' }).waitFor({ state: 'hidden' });
});

test('Tab leads past the navigation, and a page that one goes to by a key takes the focus', async () => {
  const { page } = v;
  await page.setViewportSize({ width: 1280, height: 860 });
  await v.go('/tags');
  await page.locator('[role="row"]', { hasText: 'reach' }).waitFor();
  await page.keyboard.press('Tab');
  await page.waitForFunction(() => document.activeElement?.classList.contains('skip'));
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement?.id === 'content');
  expect(page.url()).toBe(`${world.direct}/tags`);
  await page.keyboard.press('j');
  await page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'grid');
  await v.go('/');
  await page.locator('.grid .row .state').first().waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/nodes\//);
  await page.waitForFunction(() => document.activeElement?.id === 'content');
  expect(v.errors).toEqual([]);
});
