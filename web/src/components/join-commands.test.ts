import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';

vi.mock('../page', () => ({ serverUrl: 'http://127.0.0.1:7090', basePath: '' }));
const { isLocal, plainCommand, unitCommand, usual } = await import('./join-commands');

const options = { server: 'https://promfleet.example.com/ops', secret: 'pfj_abc', ...usual };

test('what is as usual is not said', () => {
  expect(plainCommand(options)).toBe(
    '(umask 077; echo pfj_abc > join-token) &&\npromfleet agent --server.url https://promfleet.example.com/ops --join.token-file join-token',
  );
  expect(plainCommand({ ...options, secret: undefined, prometheus: 'http://[::1]:9090', reload: 'systemd' })).toBe(
    "promfleet agent --server.url https://promfleet.example.com/ops --join.token-file join-token --prometheus.url 'http://[::1]:9090' --reload.method systemd",
  );
});

test('a shell runs the command as it is meant', () => {
  const dir = mkdtempSync(join(tmpdir(), 'join-'));
  const text = plainCommand({ ...options, configFile: "/srv/it's $HOME/prometheus.yml" });
  const said = execFileSync('sh', ['-c', `promfleet() { printf '<%s>' "$@"; }; ${text}`], {
    cwd: dir,
    encoding: 'utf8',
  });
  expect(said).toContain("<--prometheus.config-file><./srv/it's $HOME/prometheus.yml>".replace('./', '/'));
  expect(readFileSync(join(dir, 'join-token'), 'utf8')).toBe('pfj_abc\n');
  expect(statSync(join(dir, 'join-token')).mode & 0o777).toBe(0o600);
  rmSync(dir, { recursive: true });
});

test('a unit has its values doubled where systemd would read into them', () => {
  const text = unitCommand({ ...options, configFile: '/srv/100%/$x.yml' });
  expect(text).toContain("--prometheus.config-file '/srv/100%%/$$x.yml'");
  expect(text).toContain('echo pfj_abc > /etc/promfleet/join-token');
  expect(unitCommand({ ...options, secret: undefined })).not.toContain('echo');
});

test('a server that only this machine reaches is known', () => {
  for (const url of ['http://localhost:7090', 'http://127.0.0.1', 'http://[::1]:7090/a'])
    expect(isLocal(url)).toBe(true);
  for (const url of ['https://promfleet.example.com', 'http://10.0.0.1', 'nonsense']) expect(isLocal(url)).toBe(false);
});
