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
      }),
    ).toEqual({
      host: '::1',
      port: 0,
      dataDirectory: '/var/lib/c13',
      registryUrl: 'https://c13.example',
      boardCapacity: 1_048_576,
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
    ['C13_BOARD_CAPACITY', '0'],
    ['C13_BOARD_CAPACITY', '1048577'],
    ['C13_BOARD_CAPACITY', '1e3'],
  ])('%s=%j is refused', (setting, value) => {
    expect(() => readSettings({ [setting]: value })).toThrow(
      expect.objectContaining({
        code: 'ERR_SETTING',
        message: expect.stringMatching(`^${setting}: `),
        details: { setting, value },
      }),
    );
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
