import { randomUUID } from 'node:crypto';
import { auth } from '../tests/world';

/** How large the installation is. */
export interface Size {
  nodes: number;
  targets: number; // of one job
}

export interface Filled {
  node: string; // uuid of the one with the large job
  job: number;
}

const regions = ['berlin', 'paris', 'oslo', 'tokyo', '上海', '北京', 'lagos', 'lima'];
const tags = ['edge', 'core', '线上', '测试', 'db', 'web'];
const states = ['in_sync', 'in_sync', 'in_sync', 'in_sync', 'in_sync', 'in_sync', 'drifted', 'quarantined', 'failed'];

/** Fills a server through its API: nodes whose agents have reported, every fifth with a job, and one large job. */
export async function fill(base: string, token: string, size: Size): Promise<Filled> {
  async function call<T>(method: string, path: string, body: unknown, as = token, type = 'application/json') {
    const answer = await fetch(`${base}/api/v1${path}`, {
      method,
      headers: { ...auth(as).headers, 'Content-Type': type },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (answer.status === 204 ? undefined : await answer.json()) as T;
  }
  const secrets: string[] = [];
  for (let left = size.nodes; left > 0; left -= 10_000)
    secrets.push((await call<{ secret: string }>('POST', '/join-tokens', { max_uses: 10_000 })).secret);

  const one = async (i: number): Promise<{ node: string; job: number }> => {
    const region = regions[i % regions.length];
    const state = states[i % states.length] ?? 'in_sync';
    const uuid = randomUUID();
    const { credential } = await call<{ credential: string }>(
      'POST',
      '/agent/register',
      {
        protocol: 1,
        uuid,
        hostname: `${region}-${String(i).padStart(5, '0')}`,
        addr: `https://prometheus-${i}.${i % 7}.example.com:9090/`,
        agent_version: '0.1.0',
        prometheus_version: '3.16.0',
      },
      secrets[Math.floor(i / 10_000)],
    );
    const job =
      i % 5 === 0 &&
      (await call<{ id: number }>('POST', '/jobs', {
        node: uuid,
        key: `node_${i % 100}`,
        remark: `hosts of ${region}`,
        scrape_config: { scrape_interval: '15s' },
      }));
    await call(
      'PATCH',
      `/nodes/${uuid}`,
      { tags: [tags[i % tags.length], region] },
      token,
      'application/merge-patch+json',
    );
    await call(
      'POST',
      '/agent/report',
      {
        protocol: 1,
        revision_received: 100,
        revision_written: 2,
        revision_loaded: state === 'in_sync' ? 2 : 1,
        state,
        error: state === 'in_sync' ? undefined : `job node: opening ca.pem of node ${i}: no such file or directory`,
        targets_up: (i * 37) % 900,
        targets_down: i % 50 === 0 ? i % 13 : 0,
        agent_version: '0.1.0',
        prometheus_version: '3.16.0',
      },
      credential,
    );
    return { node: uuid, job: job ? job.id : 0 };
  };
  let next = 0;
  let first: { node: string; job: number } | undefined;
  const worker = async () => {
    for (let i = next++; i < size.nodes; i = next++) {
      const made = await one(i);
      if (i === 0) first = made;
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  if (!first) throw new Error('no nodes');
  const lines: string[] = [];
  for (let i = 0; i < size.targets; i++) {
    lines.push(
      JSON.stringify({
        addr: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}:9100`,
        name: `host-${String(i).padStart(6, '0')}`,
        labels: { rack: `r${i % 100}`, dc: regions[i % regions.length] },
        tags: i % 10 === 0 ? ['edge'] : [],
      }),
    );
  }
  await call('PUT', `/jobs/${first.job}/targets`, lines.join('\n'), token, 'application/x-ndjson');
  return first;
}
