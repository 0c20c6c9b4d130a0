import type { Browser, BrowserContext, Page } from 'playwright-core';

/** What a page took, in milliseconds. */
export interface Figures {
  first: number; // from navigation to the first row
  places: number[]; // from each jump to the rows there
  filter: number; // from the last keystroke to the rows
  long: number[]; // tasks of more than 50 ms
}

/** What runs in the page: it looks at every frame, as who sits before it does. */
const inside = `
  window.longTasks = [];
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) window.longTasks.push(task.duration);
  }).observe({ type: 'longtask', buffered: true });
  window.lastKey = 0;
  addEventListener('keydown', (e) => { window.lastKey = e.timeStamp; }, true);
  // Whether the table shows rows wherever there is room for some.
  window.drawn = () => {
    const grid = document.querySelector('[role=grid]');
    if (!grid || grid.getAttribute('aria-busy')) return false;
    const box = grid.getBoundingClientRect();
    const seen = [...grid.querySelectorAll('.rows [role=row]')].filter((row) => {
      const r = row.getBoundingClientRect();
      return r.bottom > box.top + 33 && r.top < box.bottom - 1;
    });
    const total = Number(grid.getAttribute('aria-rowcount')) - 1;
    return seen.length >= Math.min(total, Math.floor((grid.clientHeight - 32) / 32)) && seen.length > 0 &&
      seen.every((row) => row.getAttribute('aria-busy') !== 'true');
  };
  window.until = (holds) => new Promise((done, fail) => {
    const end = performance.now() + 30000;
    const look = () => holds() ? done(performance.now()) : performance.now() > end ? fail(new Error('it does not come')) : requestAnimationFrame(look);
    look();
  });
`;

declare global {
  interface Window {
    longTasks: number[];
    lastKey: number;
    drawn: () => boolean;
    until: (holds: () => boolean) => Promise<number>;
  }
}

export async function visit(browser: Browser, base: string, password: string): Promise<BrowserContext> {
  const context = await browser.newContext({ locale: 'en', viewport: { width: 1440, height: 860 } });
  context.setDefaultTimeout(30_000);
  const answer = await context.request.post(`${base}/api/v1/session`, { data: { name: 'admin', password } });
  if (!answer.ok()) throw new Error(`login: ${answer.status()}`);
  await context.addInitScript("localStorage.setItem('promfleet-session', '1')");
  await context.addInitScript(inside);
  return context;
}

/** Drags the scrollbar to a share of its length, through places on the way, and waits for the rows. */
const drag = (page: Page, to: number) =>
  page.evaluate(async (share) => {
    const grid = document.querySelector('[role=grid]') as HTMLElement;
    const from = grid.scrollTop;
    const end = Math.round(share * (grid.scrollHeight - grid.clientHeight));
    for (let step = 1; step <= 6; step++) {
      grid.scrollTop = from + ((end - from) * step) / 6;
      await new Promise(requestAnimationFrame);
    }
    const begin = performance.now();
    await new Promise(requestAnimationFrame);
    return (await window.until(window.drawn)) - begin;
  }, to);

/** Presses a key that goes to an end of the list, and waits for the rows. */
async function press(page: Page, key: 'Home' | 'End'): Promise<number> {
  await page.locator('[role=grid]').focus();
  await page.keyboard.press(key);
  return page.evaluate(async () => {
    const begin = window.lastKey;
    await new Promise(requestAnimationFrame);
    return (await window.until(window.drawn)) - begin;
  });
}

/** Opens a list and does with it what people do. */
export async function measure(page: Page, url: string, typed: string, random: () => number): Promise<Figures> {
  await page.goto(url, { waitUntil: 'commit' });
  const first = await page.evaluate(() => window.until(window.drawn));
  const places: number[] = [await press(page, 'End')];
  for (let i = 0; i < 8; i++) places.push(await drag(page, random()));
  places.push(await press(page, 'Home'));
  const before = await page.locator('[role=grid]').getAttribute('aria-rowcount');
  await page.locator('input[type=search]').first().focus();
  await page.keyboard.type(typed, { delay: 60 });
  const filter = await page.evaluate(async (rows) => {
    const changed = () => document.querySelector('[role=grid]')?.getAttribute('aria-rowcount') !== rows;
    return (await window.until(() => changed() && window.drawn())) - window.lastKey;
  }, before);
  return { first, places, filter, long: await page.evaluate(() => window.longTasks) };
}

/** Opens the heat map: until it has drawn all, and how large the answer was. */
export async function measureMap(
  context: BrowserContext,
  url: string,
): Promise<{ drawn: number; bytes: number; long: number[] }> {
  const page = await context.newPage();
  await page.goto(url, { waitUntil: 'commit' });
  const drawn = await page.evaluate(() =>
    window.until(() => {
      const canvas = document.querySelector('canvas');
      return (
        canvas !== null &&
        canvas.width > 0 &&
        canvas.height > 0 &&
        canvas.getContext('2d')?.getImageData(2, 2, 1, 1).data[3] === 255
      );
    }),
  );
  const bytes = await page.evaluate(() => {
    const entry = performance.getEntriesByType('resource').find((e) => e.name.includes('/nodes/map'));
    return (entry as PerformanceResourceTiming | undefined)?.encodedBodySize ?? 0;
  });
  const long = await page.evaluate(() => window.longTasks);
  await page.close();
  return { drawn, bytes, long };
}

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  tdur?: number; // of the thread's own time, in microseconds
  args?: { name?: string };
}

/**
 * The longest task of the pages' main threads in their own time, in milliseconds, while
 * something is done: on a machine that is busy with others, a task's length says
 * nothing about the task.
 */
export async function ownTime(browser: Browser, page: Page, run: () => Promise<void>): Promise<number> {
  await browser.startTracing(page, { categories: ['toplevel', '__metadata'] });
  await run();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  const mains = new Set(
    traceEvents
      .filter((e) => e.name === 'thread_name' && e.args?.name === 'CrRendererMain')
      .map((e) => `${e.pid}/${e.tid}`),
  );
  const tasks = traceEvents.filter(
    (e) => e.ph === 'X' && e.name.endsWith('RunTask') && e.tdur !== undefined && mains.has(`${e.pid}/${e.tid}`),
  );
  if (tasks.length === 0) throw new Error('the trace has no tasks');
  return Math.max(...tasks.map((e) => e.tdur ?? 0)) / 1000;
}
