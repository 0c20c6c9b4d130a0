import { execFileSync } from 'node:child_process';
import { expect, test, vi } from 'vitest';

vi.mock('../page', () => ({ serverUrl: 'https://fleet.example.com/ops' }));
const { curl, promfleet, word } = await import('./shell-words');

const strange = [
  'plain',
  '',
  'two words',
  "it's",
  '$(id) `id` $HOME',
  '; rm -rf /',
  'back\\slash "quoted"',
  '开发',
  "a\nb\t'\u202Egnp.exe",
  '<img src=x onerror=alert(1)>\u202E\u{E0041}',
  '-n',
];

test('a shell reads each word as it was', () => {
  for (const text of strange) {
    const line = `printf '%s\\0' ${word(text)}`;
    const read = execFileSync('bash', ['-c', line], { env: { ...process.env, LC_ALL: 'C.UTF-8' } }).toString();
    expect(read, line).toBe(`${text}\0`);
    expect(line).not.toMatch(/[\u202A-\u202E\n]/);
  }
});

test('a command', () => {
  expect(promfleet('tag', 'create', '--name', "it's")).toBe("promfleet tag create --name 'it'\\''s'");
});

test('a call: method, body, ETag and parameters', () => {
  expect(curl('GET', '/nodes', { query: { tag: ['a b', 'c'], q: undefined } })).toBe(
    'curl -H "Authorization: Bearer $TOKEN" \'https://fleet.example.com/ops/api/v1/nodes?tag=a+b&tag=c\'',
  );
  expect(curl('PATCH', '/tags/3', { body: { name: "it's \u202Ex" }, etag: '"7"' })).toBe(
    'curl -X PATCH -H "Authorization: Bearer $TOKEN" -H \'If-Match: "7"\' ' +
      "-H 'Content-Type: application/merge-patch+json' " +
      `-d '{"name":"it'\\''s \\u202ex"}' https://fleet.example.com/ops/api/v1/tags/3`,
  );
  for (const text of strange) {
    const line = curl('POST', '/tags', { body: { name: text } }).replace(/^curl/, "printf '%s\\0'");
    const args = execFileSync('bash', ['-c', line]).toString().split('\0');
    expect(JSON.parse(args[args.indexOf('-d') + 1] ?? '')).toEqual({ name: text });
  }
});
