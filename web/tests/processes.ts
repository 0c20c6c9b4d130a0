import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';

/** A real part that tests run with; without it they fail. */
export function part(name: string): string {
  const path = process.env[name];
  if (!path)
    throw new Error(`${name} is not set: run the tests with make test, which fetches or builds what they need`);
  return path;
}

/** A port that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

/** Polls until a condition holds. */
export async function waitFor(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await holds().catch(() => false))) {
    if (Date.now() > deadline) throw new Error(`waited 60 s for: ${what}`);
    await new Promise((done) => setTimeout(done, 25));
  }
}

export const answers = async (url: string) => (await fetch(url)).ok;

/** Programs that end with the tests. */
export class Processes {
  private readonly running: ChildProcess[] = [];

  constructor() {
    // A test that ends before it began leaves nothing behind either.
    process.once('exit', () => {
      for (const child of this.running) child.kill('SIGKILL');
    });
  }

  start(path: string, args: string[], env: Record<string, string> = {}): { output: () => string; child: ChildProcess } {
    const child = spawn(path, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    const keep = (chunk: Buffer) => {
      said += chunk;
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    this.running.push(child);
    return { output: () => said, child };
  }

  async stop(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
    await ended;
    clearTimeout(timer);
  }

  async stopAll(): Promise<void> {
    for (const child of this.running.reverse()) await this.stop(child);
  }
}
