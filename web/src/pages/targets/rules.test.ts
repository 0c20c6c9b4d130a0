import { expect, test } from 'vitest';
import { checkAddr, checkTarget } from './rules';

// The same table as internal/check/target_test.go has, as far as a page can tell.
test.each([
  'localhost',
  'localhost:9100',
  '10.0.0.1:9100',
  '[::1]:9100',
  '[2001:db8::1]',
  '[fe80::1%eth0]:9100',
  'host_with_underscore:1',
  '主机:9100',
  'http://example.com/path?x=1',
  'https://example.com:8443/',
  'http://[::1]:80/',
  'a:0',
  'a:65535',
])('%s is an address', (addr) => {
  expect(checkAddr(addr)).toBeUndefined();
});

test.each([
  ['', 'addrMissing'],
  ['a b', 'addrSpace'],
  ['a\u202Eb', 'addrSpace'],
  ['a\u00a0b', 'addrSpace'],
  ['a:65536', 'addrPort'],
  ['a:http', 'addrPort'],
  ['a:', 'addrEnds'],
  [':9100', 'addrHost'],
  ['a:1:2', 'addrColons'],
  ['2001:db8::1', 'addrNoBrackets'],
  ['[::1', 'addrV6'],
  ['[1.2.3.4]:1', 'addrV6'],
  ['[::1]9100', 'addrBracketPort'],
  ['a:1/metrics', 'addrPath'],
  ['http://', 'addrUrl'],
  ['http://a:/', 'addrEnds'],
  ['http://a:x/', 'addrPort'],
  ['x'.repeat(2049), 'addrLong'],
])('%s: %s', (addr, rule) => {
  expect(checkAddr(addr)?.rule).toBe(rule);
});

test('all that is wrong is told at once', () => {
  const found = checkTarget({
    addr: '',
    name: 'a\tb',
    remark: '字'.repeat(4000),
    labels: { __meta_x: 'y', ok: 'z', big: 'x'.repeat(5000), __address__: 'a:1' },
    tags: ['t'.repeat(129)],
  });
  expect(found.map((p) => `${p.field} ${p.rule}`)).toEqual([
    'addr addrMissing',
    'name control',
    'remark long',
    'labels labelReserved',
    'labels labelLong',
    'labels labelAddress',
    'tags long',
  ]);
});
