/** Settings: defaults, what each variable takes, and errors that name it. @module */
import { describe, expect, test } from 'vitest';
import {
  parseSetting,
  processVariables,
  readSetting,
  readSettings,
  SETTINGS,
  unknownSettings,
} from '../../src/env/env.ts';

describe('readSettings', () => {
  test('gives the documented defaults', () => {
    const defaults = {
      host: '127.0.0.1',
      port: 4873,
      dataDirectory: './.c13',
      registryUrl: 'http://127.0.0.1:4873',
      boardCapacity: 65536,
      trustedProxies: [],
      peers: [],
      corsOrigins: ['*'],
      rateLimit: 60000,
      anonymousRateLimit: 6000,
      packageLimit: 104_857_600,
      upstream: 'npm',
      isOffline: false,
      cacheLimit: 10_737_418_240,
      isRegistrationOpen: false,
      logLevel: 'info',
      publicUrl: '',
      oidcIssuer: '',
      oidcClientId: '',
      oidcClientSecretFile: '',
      s3: '',
      token: '',
    };
    expect(readSettings({})).toEqual(defaults);
    expect(readSettings({ C13_HOST: '', C13_PORT: '', C13_DATA: '', C13_URL: '' })).toEqual(defaults);
  });

  test('takes what is set', () => {
    expect(
      readSettings({
        C13_HOST: '::1',
        C13_PORT: '0',
        C13_DATA: '/var/lib/c13',
        C13_URL: 'https://c13.example/',
        C13_BOARD_CAPACITY: '1048576',
        C13_TRUSTED_PROXIES: '10.0.0.0/8, ::1',
        C13_PEERS: 'https://Registry.example:443/,http://10.0.0.7:4873',
        C13_CORS_ORIGINS: 'https://Shop.example:443/',
        C13_RATE_LIMIT: '0',
        C13_RATE_LIMIT_ANONYMOUS: '60',
        C13_PACKAGE_LIMIT: '2147483648',
        C13_UPSTREAM: 'https://packages.example/npm/',
        C13_OFFLINE: 'on',
        C13_CACHE_LIMIT: '1',
        C13_REGISTRATION: 'open',
        C13_LOG_LEVEL: 'debug',
        C13_PUBLIC_URL: 'HTTPS://Config.example/',
        C13_OIDC_ISSUER: 'https://id.example/realms/a',
        C13_OIDC_CLIENT_ID: 'c13',
        C13_OIDC_CLIENT_SECRET_FILE: '/run/secrets/oidc',
        C13_S3_URL: 's3://packages/team/a?region=eu-central-1',
        C13_TOKEN: 'c13_a_b_c',
      }),
    ).toEqual({
      host: '::1',
      port: 0,
      dataDirectory: '/var/lib/c13',
      registryUrl: 'https://c13.example',
      boardCapacity: 1_048_576,
      trustedProxies: ['10.0.0.0/8', '::1'],
      peers: ['https://registry.example', 'http://10.0.0.7:4873'],
      corsOrigins: ['https://shop.example'],
      rateLimit: 0,
      anonymousRateLimit: 60,
      packageLimit: 2 ** 31,
      upstream: 'https://packages.example/npm',
      isOffline: true,
      cacheLimit: 1,
      isRegistrationOpen: true,
      logLevel: 'debug',
      publicUrl: 'https://config.example',
      oidcIssuer: 'https://id.example/realms/a',
      oidcClientId: 'c13',
      oidcClientSecretFile: '/run/secrets/oidc',
      s3: { bucket: 'packages', prefix: 'team/a/', endpoint: undefined, region: 'eu-central-1' },
      token: 'c13_a_b_c',
    });
  });

  test.each([
    ['C13_PORT', 'http'],
    ['C13_PORT', '65536'],
    ['C13_PORT', '-1'],
    ['C13_PORT', '80.5'],
    ['C13_HOST', 'http://127.0.0.1'],
    ['C13_HOST', 'a b'],
    ['C13_DATA', 'a\0b'],
    ['C13_URL', '127.0.0.1:4873'],
    ['C13_URL', 'file:///etc'],
    ['C13_URL', 'http://'],
    ['C13_PUBLIC_URL', 'https://a.example/path'],
    ['C13_PUBLIC_URL', 'https://ann@a.example'],
    ['C13_PUBLIC_URL', 'a.example'],
    ['C13_S3_URL', 'https://packages.example'],
    ['C13_OIDC_ISSUER', 'id.example'],
    ['C13_BOARD_CAPACITY', '0'],
    ['C13_BOARD_CAPACITY', '1048577'],
    ['C13_BOARD_CAPACITY', '1e3'],
    ['C13_TRUSTED_PROXIES', 'proxy.example'],
    ['C13_TRUSTED_PROXIES', '10.0.0.0/33'],
    ['C13_TRUSTED_PROXIES', '::1/129'],
    ['C13_TRUSTED_PROXIES', '10.0.0.0/08'],
    ['C13_TRUSTED_PROXIES', '10.0.0.1,'],
    ['C13_CORS_ORIGINS', 'shop.example'],
    ['C13_CORS_ORIGINS', '*, https://shop.example'],
    ['C13_PEERS', 'registry.example'],
    ['C13_PEERS', 'https://registry.example/path'],
    ['C13_PEERS', 'https://ann:secret@registry.example'],
    ['C13_PEERS', 'ftp://registry.example'],
    ['C13_PEERS', 'https://a.example,,https://b.example'],
    ['C13_RATE_LIMIT', '-1'],
    ['C13_RATE_LIMIT', '1.5'],
    ['C13_RATE_LIMIT_ANONYMOUS', '99999999999'],
    ['C13_UPSTREAM', 'packages.example'],
    ['C13_OFFLINE', 'yes'],
    ['C13_CACHE_LIMIT', '0'],
    ['C13_PACKAGE_LIMIT', '0'],
    ['C13_REGISTRATION', 'yes'],
    ['C13_PACKAGE_LIMIT', '100MB'],
    ['C13_PACKAGE_LIMIT', '2147483649'],
  ])('%s=%j is refused', (setting, value) => {
    expect(() => readSettings({ [setting]: value })).toThrow(
      expect.objectContaining({
        code: 'ERR_SETTING',
        message: expect.stringMatching(`^${setting}: `),
        details: { setting, value },
      }),
    );
  });

  test('what is in a secret is in no message', () => {
    const error = (): unknown => readSettings({ C13_TOKEN: 'two words' });
    expect(error).toThrow(expect.objectContaining({ details: { setting: 'C13_TOKEN', value: '[redacted]' } }));
    expect(error).not.toThrow(/two words/);
  });

  test('a fault in one setting leaves the others readable', () => {
    expect(readSetting('registryUrl', { C13_PORT: 'x', C13_URL: 'http://a.example' })).toBe('http://a.example');
  });

  test('a flag is parsed alike and named in its error', () => {
    expect(parseSetting('port', '8080', '--port')).toBe(8080);
    expect(() => parseSetting('port', 'x', '--port')).toThrow(/^--port: "x" is not a whole number/);
  });
});

test('every default is a value its own declaration takes, and every setting is described', () => {
  for (const declared of Object.values(SETTINGS)) {
    expect(declared.parse(declared.default)).not.toBeNull();
    expect(declared.description).toMatch(/^[A-Z].*\.$/);
  }
});

test('a misspelt variable is found', () => {
  expect(unknownSettings({ C13_PROT: '1', C13_PORT: '1', PORT: '2', C13_SOMETHING_ELSE: '' })).toEqual([
    { variable: 'C13_PROT', nearest: 'C13_PORT' },
    { variable: 'C13_SOMETHING_ELSE', nearest: null },
  ]);
});

test("the process's own variables are the default source", () => {
  expect(processVariables()['PATH']).toBe(process.env['PATH']);
});
