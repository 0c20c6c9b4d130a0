import { expect, test } from 'vitest';
import { looksLikeAddr } from './addr';

test.each(['10.0.0.1:9100', '10.0.0.1', 'db-1.example.com:9100', '[::1]:9100', '::1', 'https://example.com/probe'])(
  '%s looks like an address',
  (text) => expect(looksLikeAddr(text)).toBe(true),
);

test.each(['', 'fleet', 'paris-1', 'log out', 'node:', 'a b:1', '1.2.3'])('%s does not', (text) =>
  expect(looksLikeAddr(text)).toBe(false),
);
