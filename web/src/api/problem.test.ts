import { beforeAll, describe, expect, test } from 'vitest';
import { speak } from '../locales/testing';
import {
  ApiError,
  errorOf,
  LoginNeeded,
  mayPass,
  purposeOf,
  StaleError,
  sentence,
  Unreachable,
  unread,
} from './problem';

beforeAll(() => speak('en'));

describe('errorOf', () => {
  test('keeps the sentence and the fields of the API', () => {
    const e = errorOf(422, {
      detail: 'validation failed',
      errors: [{ location: 'body.base_config.global', message: 'no' }],
    });
    expect(e.message).toBe('validation failed');
    expect(e.at('body.base_config')).toBe('no');
    expect(e.at('body.base')).toBeUndefined();
    expect(sentence(e)).toBe('validation failed\nbody.base_config.global: no');
  });

  test('tells a stale edit and a lost session from the rest', () => {
    expect(errorOf(412, { detail: 'x' })).toBeInstanceOf(StaleError);
    expect(errorOf(401, { detail: 'x' })).toBeInstanceOf(LoginNeeded);
    expect(errorOf(409, { detail: 'x' })).not.toBeInstanceOf(StaleError);
  });

  test.each([undefined, null, '<html>', { detail: 3, errors: 'no' }])('%j is no problem document', (body) => {
    const e = errorOf(502, body);
    expect(e).toBeInstanceOf(ApiError);
    expect(e.message).toBe('the server answered with 502');
    expect(e.fields).toEqual([]);
  });

  test('is told beside its fields as far as these do not tell it', () => {
    const e = errorOf(422, {
      detail: 'validation failed',
      errors: [
        { location: 'body.key', message: 'a' },
        { location: 'body.scrape_config.x', message: 'b' },
      ],
    });
    expect(e.beside([])).toBe(e);
    expect(sentence(e.beside(['body.key']))).toBe('validation failed\nbody.scrape_config.x: b');
    expect(e.beside(['body.key', 'body.scrape_config'])).toBeNull();
    const taken = errorOf(409, { detail: 'the key is taken' });
    expect(taken.beside(['body.key'])).toBe(taken);
  });

  test('may be tried again if it was not for what was sent', () => {
    expect([400, 404, 409, 422].map((status) => mayPass(errorOf(status, {})))).toEqual(Array(4).fill(false));
    expect([408, 429, 500, 503].map((status) => mayPass(errorOf(status, {})))).toEqual(Array(4).fill(true));
  });

  test.each([
    ['GET', '/api/v1/jobs', 'read'],
    ['POST', '/api/v1/explain?wait=5', 'read'],
    ['PUT', '/api/v1/jobs/1?dry_run=true', 'try'],
    ['PUT', '/api/v1/jobs/1?dry_run=false', 'write'],
    ['DELETE', '/api/v1/jobs/1', 'write'],
  ])('%s %s is to %s', (method, path, purpose) => {
    expect(purposeOf({ method, url: `http://h/ops${path}` })).toBe(purpose);
  });

  test('knows when to try again', () => {
    expect(errorOf(429, {}, '30').retryAfter).toBe(30);
    expect(errorOf(429, {}, 'Wed, 21 Oct 2026 07:28:00 GMT').retryAfter).toBeUndefined();
  });
});

test('what the API does not say is said in the language of the page', async () => {
  await speak('zh');
  expect(sentence(new Unreachable())).toBe('服务器没有响应');
  expect(sentence(errorOf(502, '<html>'))).toBe('服务器返回了 502');
  expect(sentence(errorOf(409, { detail: 'as it is' }))).toBe('as it is');
  // The page of something in between, where JSON was due; what was called off stays that.
  expect(() => unread(new SyntaxError(`Unexpected token '<'`))).toThrow('服务器的响应不完整，或不是 promfleet 的响应');
  expect(() => unread(new DOMException('called off', 'AbortError'))).toThrow('called off');
  await speak('en');
  expect(sentence(new Unreachable())).toBe('the server does not answer');
});
