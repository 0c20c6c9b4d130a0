import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, type Look, launch, Visitor, world } from './browser';
import { waitFor } from './processes';

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
    await call('DELETE', `/targets/${items[0]?.id}`);
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

  const marks = (page: Page) => page.locator('.chain > li').evaluateAll((all) => all.map((li) => li.dataset.mark));

  test.each(looks)('%s: where a chain breaks is drawn', async (name, { base, ...look }) => {
    const v = await (await Visitor.arrive(browser, base, look)).login();
    const page = await v.go('/');
    await page.locator('.truth, .bar').first().waitFor();
    await page.keyboard.press('Control+k');
    await page.keyboard.type(addrs.dropped);
    await page.getByRole('option').filter({ hasText: addrs.dropped }).waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/explain\?addr=/);
    await page.locator('[data-mark="broken"]').waitFor();
    expect(await marks(page)).toEqual(['passed', 'passed', 'passed', 'broken', 'beyond']);
    await page.locator('[data-drops]').getByText('relabel_configs[2]').waitFor();
    await page.locator('[data-drops]').getByText('"dev"').waitFor();
    await page.locator('.change').filter({ hasText: 'team' }).filter({ hasText: '"a"' }).waitFor();
    await v.check(`${name}-explain-dropped`);

    await v.go(`/explain?addr=${addrs.up}&job=why`);
    await page.locator('.chain > li:last-child[data-mark="passed"]').waitFor();
    expect(await marks(page)).toEqual(Array(5).fill('passed'));
    await v.check(`${name}-explain-up`);

    await v.go(`/explain?addr=${addrs.down}&job=why`);
    await page.locator('[data-mark="broken"] .said').getByText('connection refused').waitFor();
    expect(await marks(page)).toEqual(['passed', 'passed', 'passed', 'passed', 'broken']);
    await v.check(`${name}-explain-down`);

    await v.go(`/explain?addr=${addrs.deleted}&job=why`);
    await page.locator('[data-mark="broken"] time').waitFor();
    expect(await marks(page)).toEqual(['broken', 'beyond', 'beyond', 'beyond', 'beyond']);
    await v.check(`${name}-explain-deleted`);
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
    expect(await line.getAttribute('href')).toMatch(/\/nodes\/[\w-]+\/jobs\/why\/config\?at=relabel_configs%5B2%5D$/);
    expect(v.errors).toEqual([]);
    await v.leave();
  });
});
