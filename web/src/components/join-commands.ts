import { word } from './shell-words';

/** What the command of a new node's agent depends on. */
export interface JoinOptions {
  server: string;
  prometheus: string;
  configFile: string;
  reload: 'http' | 'systemd';
  /** Of the join token; without it, the token is in the file already. */
  secret?: string;
}

/** What an agent takes where it is not told otherwise; this need not be said. */
export const usual = {
  prometheus: 'http://127.0.0.1:9090',
  configFile: '/etc/prometheus/prometheus.yml',
  reload: 'http',
} as const;

/** The flags of the agent, each with its value. */
function flags(o: JoinOptions, tokenFile: string): [string, string][] {
  const all: [string, string][] = [
    ['--server.url', o.server],
    ['--join.token-file', tokenFile],
  ];
  if (o.prometheus.trim() !== usual.prometheus) all.push(['--prometheus.url', o.prometheus.trim()]);
  if (o.configFile.trim() !== usual.configFile) all.push(['--prometheus.config-file', o.configFile.trim()]);
  if (o.reload !== usual.reload) all.push(['--reload.method', o.reload]);
  return all;
}

/** Lines of a shell that start an agent: the token goes to a file that only its owner reads. */
export function plainCommand(o: JoinOptions): string {
  const agent = ['promfleet agent', ...flags(o, 'join-token').map(([flag, value]) => `${flag} ${word(value)}`)];
  const write = o.secret === undefined ? '' : `(umask 077; echo ${word(o.secret)} > join-token) &&\n`;
  return write + agent.join(' ');
}

/** A value within a unit file, where % and $ mean something. */
const inUnit = (value: string) => word(value).replaceAll('%', '%%').replaceAll('$', '$$$$');

/** Lines of a shell that make the agent a service of systemd. */
export function unitCommand(o: JoinOptions): string {
  const tokenFile = '/etc/promfleet/join-token';
  const agent = [
    '/usr/local/bin/promfleet agent',
    ...[...flags(o, tokenFile), ['--data.path', '/var/lib/promfleet-agent'] as const].map(
      ([flag, value]) => `${flag} ${inUnit(value)}`,
    ),
  ];
  const write =
    o.secret === undefined ? [] : ['mkdir -p /etc/promfleet', `(umask 077; echo ${word(o.secret)} > ${tokenFile})`];
  return [
    "sudo sh <<'END'",
    'set -eu',
    ...write,
    "cat > /etc/systemd/system/promfleet-agent.service <<'UNIT'",
    '[Unit]',
    'Description=promfleet agent',
    'After=network-online.target prometheus.service',
    'Wants=network-online.target',
    '[Service]',
    `ExecStart=${agent.join(' ')}`,
    'StateDirectory=promfleet-agent',
    'StateDirectoryMode=0700',
    'Restart=on-failure',
    'RestartSec=5',
    '[Install]',
    'WantedBy=multi-user.target',
    'UNIT',
    'systemctl daemon-reload',
    'systemctl enable --now promfleet-agent',
    'END',
  ].join('\n');
}

/** Whether an address of the server means this machine alone. */
export function isLocal(server: string): boolean {
  try {
    const host = new URL(server).hostname;
    return host === 'localhost' || host === '[::1]' || /^127\./.test(host) || host.endsWith('.localhost');
  } catch {
    return false;
  }
}
