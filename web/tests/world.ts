import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answers, freePort, Processes, part, waitFor } from './processes';

/** What is started for the tests of a file. */
export interface World {
  direct: string; // at the root
  proxied: string; // below a path, through nginx, which takes it away
  token: string; // of an admin
  password: string; // of the user admin
  node: string; // uuid of the one that is real
}

interface Started {
  world: World;
  /** Starts one more Prometheus and its agent: the uuid of the node. */
  another: () => Promise<string>;
  end: () => Promise<void>;
}

/** Starts a server, an agent, a Prometheus and an nginx in front, all real; end stops them. */
export async function startWorld(): Promise<Started> {
  const processes = new Processes();
  const dir = mkdtempSync(join(tmpdir(), 'promfleet-web-'));
  const end = async () => {
    await processes.stopAll();
    rmSync(dir, { recursive: true });
  };
  try {
    const world = await start(processes, dir);
    return { world, another: () => startNode(processes, mkdtempSync(join(dir, 'node-')), world), end };
  } catch (error) {
    await end();
    throw error;
  }
}

async function start(processes: Processes, dir: string): Promise<World> {
  const bin = part('PROMFLEET_BIN');
  const [server, nginx] = await Promise.all([freePort(), freePort()]);
  const direct = `http://127.0.0.1:${server}`;
  const plane = processes.start(bin, [
    'server',
    '--storage.path',
    join(dir, 'server'),
    '--web.listen-address',
    `127.0.0.1:${server}`,
  ]);
  await waitFor('the server is ready', () => answers(`${direct}/-/ready`));
  const password = /shown this once: (\S+)/.exec(plane.output())?.[1] ?? '';
  const admin = processes.start(bin, [
    'admin',
    'token',
    'create',
    '--role',
    'admin',
    '--name',
    'web',
    '--storage.path',
    join(dir, 'server'),
  ]);
  await new Promise((done) => admin.child.once('close', done));
  const token = admin.output().trim().split('\n').at(-1) ?? '';

  const node = await startNode(processes, dir, { direct, token });
  const conf = join(dir, 'nginx.conf');
  writeFileSync(conf, nginxConf(dir, nginx, direct));
  processes.start(part('PROMFLEET_NGINX'), ['-p', dir, '-c', conf, '-e', join(dir, 'nginx.log')]);
  const proxied = `http://127.0.0.1:${nginx}/ops/promfleet`;
  await waitFor('nginx answers', () => answers(`${proxied}/-/ready`));
  return { direct, proxied, token, password, node };
}

async function startNode(
  processes: Processes,
  dir: string,
  { direct, token }: Pick<World, 'direct' | 'token'>,
): Promise<string> {
  const [agent, port] = await Promise.all([freePort(), freePort()]);
  const yml = join(dir, 'prometheus.yml');
  writeFileSync(yml, 'global:\n  scrape_interval: 1s\n');
  const prometheus = `http://127.0.0.1:${port}`;
  processes.start(part('PROMFLEET_PROMETHEUS_DEBIAN'), [
    '--config.file',
    yml,
    '--storage.tsdb.path',
    join(dir, 'tsdb'),
    '--web.enable-lifecycle',
    '--web.listen-address',
    `127.0.0.1:${port}`,
  ]);
  await waitFor('Prometheus is ready', () => answers(`${prometheus}/-/ready`));
  const join1 = join(dir, 'join-token');
  writeFileSync(join1, await joinToken(direct, token));
  processes.start(part('PROMFLEET_BIN'), [
    'agent',
    '--server.url',
    direct,
    '--join.token-file',
    join1,
    '--data.path',
    join(dir, 'agent'),
    '--prometheus.url',
    prometheus,
    '--prometheus.config-file',
    yml,
    '--web.listen-address',
    `127.0.0.1:${agent}`,
    '--sync.interval',
    '1s',
  ]);
  let uuid = '';
  await waitFor('the node has joined', async () => {
    uuid = readFileSync(join(dir, 'agent', 'uuid'), 'utf8').trim();
    return (await fetch(`${direct}/api/v1/nodes/${uuid}`, auth(token))).ok;
  });
  return uuid;
}

export const auth = (token: string) => ({
  headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
});

async function joinToken(url: string, token: string): Promise<string> {
  const answer = await fetch(`${url}/api/v1/join-tokens`, { ...auth(token), method: 'POST', body: '{"max_uses":100}' });
  return ((await answer.json()) as { secret: string }).secret;
}

const nginxConf = (dir: string, port: number, upstream: string) => `
daemon off;
pid ${dir}/nginx.pid;
worker_processes 1;
events { worker_connections 128; }
http {
  access_log off;
  client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/proxy; fastcgi_temp_path ${dir}/fastcgi;
  uwsgi_temp_path ${dir}/uwsgi; scgi_temp_path ${dir}/scgi;
  server {
    listen 127.0.0.1:${port};
    location /ops/promfleet/ {
      proxy_pass ${upstream}/;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-Prefix /ops/promfleet;
      proxy_http_version 1.1;
    }
  }
}
`;
