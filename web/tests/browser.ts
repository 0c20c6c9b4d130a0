import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, expect } from 'vitest';
import { speaker } from '../src/locales/testing';
import { startWorld } from './world';

export { launch } from './chromium';

/** Of this file of tests alone. */
const started = await startWorld();
export const { world, another } = started;
afterAll(started.end, 60_000);

const pictures = fileURLToPath(new URL('../test-results/', import.meta.url));
mkdirSync(pictures, { recursive: true });

export interface Look {
  language?: 'en' | 'zh-CN';
  scheme?: 'light' | 'dark';
}

/** The texts of a look, as its catalogue has them. */
export const textsOf = ({ language }: Look) => speaker(language === 'zh-CN' ? 'zh' : 'en');

/** A page that fails its test by anything that it says on the console. */
export class Visitor {
  readonly errors: string[] = [];

  private constructor(
    readonly page: Page,
    readonly base: string,
    private readonly context: BrowserContext,
  ) {
    page.on('console', (m) => {
      if (m.type() === 'error' || m.type() === 'warning') this.errors.push(`${m.text()} (${m.location().url})`);
    });
    page.on('pageerror', (e) => this.errors.push(String(e)));
  }

  static async arrive(browser: Browser, base: string, look: Look = {}): Promise<Visitor> {
    const context = await browser.newContext({
      locale: look.language ?? 'en',
      colorScheme: look.scheme ?? 'light',
      viewport: { width: 1440, height: 860 },
      reducedMotion: 'reduce',
    });
    context.setDefaultTimeout(10_000);
    return new Visitor(await context.newPage(), base, context);
  }

  /** Logs in by the API, as the form does. */
  async login(name = 'admin', password = world.password): Promise<this> {
    const answer = await this.context.request.post(`${this.base}/api/v1/session`, { data: { name, password } });
    expect(answer.status()).toBe(200);
    await this.context.addInitScript("localStorage.setItem('promfleet-session', '1')");
    return this;
  }

  async go(path: string): Promise<Page> {
    await this.page.goto(this.base + path);
    return this.page;
  }

  async picture(name: string): Promise<void> {
    await this.page.screenshot({ path: `${pictures}${name}.png` });
  }

  /** Takes a picture and holds the page to WCAG 2.1 AA and to a silent console. */
  async check(picture: string): Promise<void> {
    await this.picture(picture);
    const found = await new AxeBuilder({ page: this.page })
      .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'])
      .analyze();
    const told = found.violations.map(
      (v) => `${v.id}: ${v.nodes.map((n) => `${n.target.join(' ')} ${n.failureSummary}`).join('; ')}`,
    );
    expect(told, picture).toEqual([]);
    expect(this.errors, picture).toEqual([]);
  }

  leave(): Promise<void> {
    return this.context.close();
  }
}

/** A call of the API, by the admin's token. */
export async function call<T>(method: string, path: string, body?: unknown, token = world.token): Promise<T> {
  const answer = await fetch(`${world.direct}/api/v1${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${token}`,
      'Content-Type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}
