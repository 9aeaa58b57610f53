/** The six variables: a round trip through a real shell, Bun's .env reader and JSON, each bad value named. @module */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CONFIG_VARIABLES,
  configVariables,
  formatVariables,
  parseEnvironmentFormat,
  readConfigVariables,
  type Variables,
} from '../../src/config/environment.ts';
import { DEFAULT_CONFIG, type RegistryConfig } from '../../src/config/value.ts';
import { SEEDED, validConfig } from './arbitraries.ts';

const ODD: RegistryConfig = {
  version: 0,
  registryHash: 0xfffffffe,
  featureFlags: 0x80000bff,
  terminalMode: 3,
  rows: 255,
  cols: 1,
};
const PRINT = `process.stdout.write(JSON.stringify(process.env))`;

function output(command: string, args: readonly string[]): Variables {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env: { PATH: process.env['PATH'] } });
  expect([status, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Variables;
}

describe('round trips', () => {
  test('any valid config comes back from its variables', () => {
    fc.assert(
      fc.property(validConfig, (config) => {
        expect(readConfigVariables(configVariables(config))).toEqual(config);
      }),
      SEEDED,
    );
  });

  test.each([DEFAULT_CONFIG, ODD])('a shell evaluates the export lines (%#)', (config) => {
    const script = `${formatVariables(config, 'shell')}exec "$0" -e '${PRINT}'`;
    expect(readConfigVariables(output('sh', ['-euc', script, process.execPath]))).toEqual(config);
  });

  test.each([DEFAULT_CONFIG, ODD])('a .env file is read by Bun (%#)', (config) => {
    const folder = mkdtempSync(join(tmpdir(), 'c13-env-'));
    try {
      const file = join(folder, 'config.env');
      writeFileSync(file, formatVariables(config, 'dotenv'));
      expect(readConfigVariables(output(process.execPath, [`--env-file=${file}`, '-e', PRINT]))).toEqual(config);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('JSON holds the variables as text', () => {
    const parsed = JSON.parse(formatVariables(ODD, 'json')) as Variables;
    expect(parsed).toEqual({
      BUN_CONFIG_VERSION: '0',
      BUN_REGISTRY_HASH: '0xfffffffe',
      BUN_FEATURE_FLAGS: '0x80000bff',
      BUN_TERMINAL_MODE: '3',
      BUN_TERMINAL_ROWS: '255',
      BUN_TERMINAL_COLS: '1',
    });
  });
});

test('words are written in full, as the headers write them', () => {
  expect(configVariables({ ...DEFAULT_CONFIG, registryHash: 7 })).toMatchObject({
    BUN_REGISTRY_HASH: '0x00000007',
    BUN_FEATURE_FLAGS: '0x00000000',
  });
});

describe('readConfigVariables', () => {
  test('takes decimal, hexadecimal and names, and leaves out what is not set', () => {
    expect(
      readConfigVariables({ BUN_FEATURE_FLAGS: '7', BUN_TERMINAL_MODE: 'raw', BUN_TERMINAL_ROWS: '', PATH: '/bin' }),
    ).toEqual({ featureFlags: 7, terminalMode: 2 });
    expect(readConfigVariables({})).toEqual({});
  });

  test.each([
    ['BUN_CONFIG_VERSION', '2'],
    ['BUN_CONFIG_VERSION', '01'],
    ['BUN_CONFIG_VERSION', '-1'],
    ['BUN_CONFIG_VERSION', '1.0'],
    ['BUN_REGISTRY_HASH', '0x123456789'],
    ['BUN_REGISTRY_HASH', '4294967296'],
    ['BUN_FEATURE_FLAGS', 'debug'],
    ['BUN_FEATURE_FLAGS', ' 7'],
    ['BUN_TERMINAL_MODE', '4'],
    ['BUN_TERMINAL_MODE', 'Raw'],
    ['BUN_TERMINAL_ROWS', '0'],
    ['BUN_TERMINAL_COLS', '256'],
    ['BUN_TERMINAL_COLS', '1e2'],
  ])('%s=%j is refused by its name', (setting, value) => {
    expect(() => readConfigVariables({ [setting]: value })).toThrow(
      expect.objectContaining({
        code: 'ERR_SETTING',
        message: expect.stringMatching(`^${setting}: Invalid `),
        hint: expect.stringContaining(setting),
        details: { setting, value },
      }),
    );
  });

  test('any text in any variable is a config field or an ERR_SETTING', () => {
    const text = fc.oneof(fc.string(), fc.integer().map(String), fc.stringMatching(/^0x[0-9a-fA-F]{1,9}$/));
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(CONFIG_VARIABLES)), text, (variable, value) => {
        try {
          const fields = readConfigVariables({ [variable]: value });
          const { [variable]: written } = configVariables({ ...DEFAULT_CONFIG, ...fields });
          if (value !== '') expect(Number(written)).toBe(Object.values(fields)[0]);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_SETTING', details: { setting: variable } });
        }
      }),
      SEEDED,
    );
  });
});

test('an unknown format names the known ones', () => {
  expect(parseEnvironmentFormat('json')).toBe('json');
  expect(() => parseEnvironmentFormat('yaml')).toThrow(
    expect.objectContaining({
      code: 'ERR_BAD_REQUEST',
      message: 'Unknown format: yaml. Available: shell, dotenv, json',
    }),
  );
});
