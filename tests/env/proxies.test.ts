/** Proxies from the environment. @module */
import { expect, test } from 'vitest';
import { readProxies } from '../../src/env/proxies.ts';

test('none is set', () => {
  expect(readProxies({})).toEqual({ https: null, http: null, without: [] });
  expect(readProxies({ HTTP_PROXY: '', NO_PROXY: ' , ' })).toEqual({ https: null, http: null, without: [] });
});

test('small letters come first, a scheme may be missing, credentials stay', () => {
  expect(
    readProxies({
      HTTPS_PROXY: 'http://large.example:1',
      https_proxy: 'https://ann:secret@small.example:2/',
      HTTP_PROXY: 'proxy.example:3128',
      no_proxy: 'localhost, .example.com 10.0.0.0/8',
    }),
  ).toEqual({
    https: 'https://ann:secret@small.example:2/',
    http: 'http://proxy.example:3128/',
    without: ['localhost', '.example.com', '10.0.0.0/8'],
  });
});

test.each(['socks5://ann:secret@proxy.example', 'http://', 'http://a b'])('%s is refused, and not repeated', (text) => {
  expect(() => readProxies({ HTTPS_PROXY: text })).toThrow(
    expect.objectContaining({
      code: 'ERR_SETTING',
      message: expect.not.stringContaining('secret'),
      details: { setting: 'HTTPS_PROXY', value: '' },
    }),
  );
});
