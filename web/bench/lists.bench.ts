import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launch } from '../tests/chromium';
import { answers, freePort, Processes, part, waitFor } from '../tests/processes';
import { type Filled, fill } from './fill';
import { type Figures, measure, measureMap, ownTime, visit } from './measure';

const size = { nodes: number('NODES', 10_000), targets: number('TARGETS', 100_000) };
const runs = number('RUNS', 5);

/** A server that is there already, with its token, the password of admin and what it was filled with. */
const given = process.env.PROMFLEET_BENCH_URL;

function number(name: string, otherwise: number): number {
  const value = Number(process.env[`PROMFLEET_BENCH_${name}`]);
  return value > 0 ? value : otherwise;
}

const processes = new Processes();
const dir = mkdtempSync(join(tmpdir(), 'promfleet-bench-'));
let base = given ?? '';
let password = process.env.PROMFLEET_BENCH_PASSWORD ?? '';
let filled: Filled;
let browser: Browser;

beforeAll(async () => {
  browser = await launch();
  if (given) {
    filled = JSON.parse(process.env.PROMFLEET_BENCH_FILLED ?? '') as Filled;
    return;
  }
  const port = await freePort();
  base = `http://127.0.0.1:${port}`;
  const storage = process.env.PROMFLEET_BENCH_STORAGE_URL;
  const where = ['--storage.path', join(dir, 'server'), ...(storage ? ['--storage.url', storage] : [])];
  const bin = part('PROMFLEET_BIN');
  const server = processes.start(bin, ['server', '--web.listen-address', `127.0.0.1:${port}`, ...where]);
  await waitFor('the server is ready', () => answers(`${base}/-/ready`));
  password = /shown this once: (\S+)/.exec(server.output())?.[1] ?? '';
  const admin = processes.start(bin, ['admin', 'token', 'create', '--role', 'admin', '--name', 'bench', ...where]);
  await new Promise((done) => admin.child.once('close', done));
  filled = await fill(base, admin.output().trim().split('\n').at(-1) ?? '', size);
}, 1_800_000);

afterAll(async () => {
  await browser?.close();
  await processes.stopAll();
  rmSync(dir, { recursive: true });
});

const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
const ms = (value: number) => `${Math.round(value).toLocaleString('en')} ms`;

/** Random, and the same at every run. */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test('lists', async () => {
  const lists: [string, string, string][] = [
    [`Fleet, ${size.nodes.toLocaleString('en')} nodes`, '/', 'oslo'],
    [`Targets of a node, ${size.targets.toLocaleString('en')}`, `/targets?node=${filled.node}`, '0042'],
    [`Targets of a job, ${size.targets.toLocaleString('en')}`, `/nodes/${filled.node}/jobs/node_0`, '0042'],
  ];
  const only = process.env.PROMFLEET_BENCH_LISTS;
  const lines: string[] = [
    '| list | first row | any place (the slowest) | filter | longest task | of its own time |',
    '|---|---|---|---|---|---|',
  ];
  const owns: number[] = [];
  for (const [name, path, typed] of lists) {
    if (only && !name.startsWith(only)) continue;
    const all: Figures[] = [];
    for (let run = 0; run < runs; run++) {
      const context = await visit(browser, base, password);
      all.push(await measure(await context.newPage(), base + path, typed, sequence(run + 1)));
      await context.close();
    }
    const traced = await visit(browser, base, password);
    const page = await traced.newPage();
    const own = await ownTime(browser, page, async () => {
      await measure(page, base + path, typed, sequence(1));
    });
    await traced.close();
    owns.push(own);
    const places = all.flatMap((f) => f.places);
    const tasks = all.flatMap((f) => f.long);
    lines.push(
      `| ${name} | ${ms(median(all.map((f) => f.first)))} | ${ms(median(places))} (${ms(Math.max(...places))}) | ${ms(median(all.map((f) => f.filter)))} | ${ms(Math.max(0, ...tasks))} | ${ms(own)} |`,
    );
  }
  const maps = [];
  for (let run = 0; run < runs; run++) {
    const context = await visit(browser, base, password);
    maps.push(await measureMap(context, `${base}/?view=map`));
    await context.close();
  }
  const tasks = maps.flatMap((m) => m.long);
  lines.push(
    '',
    `Heat map of ${size.nodes.toLocaleString('en')} nodes: drawn ${ms(median(maps.map((m) => m.drawn)))} after navigation, ${Math.round(median(maps.map((m) => m.bytes)) / 1024)} KiB as sent; longest task ${ms(Math.max(0, ...tasks))}.`,
    `Medians of ${runs} runs, each in a new browser without a cache; load of the machine at the end: ${loadavg()[0]?.toFixed(1)}.`,
  );
  process.stdout.write(`\n${lines.join('\n')}\n`);
  expect(Math.max(...owns), 'the longest task of the pages, in ms of its own time').toBeLessThan(200);
}, 1_800_000);
