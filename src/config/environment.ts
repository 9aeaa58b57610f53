/**
 * A config as the six BUN_* variables, both ways: they seed a first config, and are what is exported. A pure codec
 * over a record of variables; who reads the process's own is `src/env/env.ts`.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';
import { parseField } from './input.ts';
import { CONFIG_FIELDS, type ConfigField, type FieldShape, type RegistryConfig } from './value.ts';

/** Variables by field, in the order they are written. */
export const CONFIG_VARIABLES = {
  version: 'BUN_CONFIG_VERSION',
  registryHash: 'BUN_REGISTRY_HASH',
  featureFlags: 'BUN_FEATURE_FLAGS',
  terminalMode: 'BUN_TERMINAL_MODE',
  rows: 'BUN_TERMINAL_ROWS',
  cols: 'BUN_TERMINAL_COLS',
} as const satisfies Record<ConfigField, string>;

export type ConfigVariable = (typeof CONFIG_VARIABLES)[ConfigField];
export type Variables = Readonly<Record<string, string | undefined>>;

export const ENVIRONMENT_FORMATS = ['shell', 'dotenv', 'json'] as const;
export type EnvironmentFormat = (typeof ENVIRONMENT_FORMATS)[number];

const DECIMAL = /^(0|[1-9][0-9]{0,9})$/;

/**
 * The fields whose variable is set; an empty one counts as not set. Numbers are decimal or `0x...`, terminal modes may
 * be names. Throws ERR_SETTING naming the variable.
 * @example readConfigVariables({ BUN_TERMINAL_MODE: 'raw' }) // { terminalMode: 2 }
 */
export function readConfigVariables(variables: Variables): Partial<RegistryConfig> {
  const fields: Partial<Record<ConfigField, number>> = {};
  for (const shape of CONFIG_FIELDS) {
    const text = variables[CONFIG_VARIABLES[shape.name]];
    if (text !== undefined && text !== '') fields[shape.name] = parseVariable(shape, text);
  }
  return fields;
}

/** The six variables of a config: hash and flags as `0x` and 8 digits, the rest decimal. */
export function configVariables(config: RegistryConfig): Record<ConfigVariable, string> {
  const pairs = CONFIG_FIELDS.map(({ name, size }) => [
    CONFIG_VARIABLES[name],
    size === 4 ? `0x${config[name].toString(16).padStart(8, '0')}` : String(config[name]),
  ]);
  return Object.fromEntries(pairs) as Record<ConfigVariable, string>;
}

/**
 * The variables as text: `export` lines for a shell, lines for a .env file, or a JSON object.
 * Ends with a line break, so that it can be appended to a file.
 */
export function formatVariables(config: RegistryConfig, format: EnvironmentFormat): string {
  const variables = configVariables(config);
  if (format === 'json') return `${JSON.stringify(variables, null, 2)}\n`;
  const lines = Object.entries(variables).map(([name, value]) =>
    format === 'shell' ? `export ${name}=${quoteForShell(value)}` : `${name}=${value}`,
  );
  return `${lines.join('\n')}\n`;
}

/** One of the three formats from outside. Throws ERR_BAD_REQUEST. */
export function parseEnvironmentFormat(format: string): EnvironmentFormat {
  const found = ENVIRONMENT_FORMATS.find((known) => known === format);
  if (found !== undefined) return found;
  throw new ConfigError('ERR_BAD_REQUEST', {
    message: `Unknown format: ${format.slice(0, 80)}. Available: ${ENVIRONMENT_FORMATS.join(', ')}`,
    hint: 'Ask for format=shell, format=dotenv or format=json.',
    details: { parameter: 'format' },
  });
}

/** Single quotes: within them a POSIX shell expands nothing. */
function quoteForShell(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

function parseVariable(shape: FieldShape, text: string): number {
  const variable = CONFIG_VARIABLES[shape.name];
  try {
    return parseField(shape, DECIMAL.test(text) ? Number(text) : text);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError('ERR_SETTING', {
      message: `${variable}: ${error.message}`,
      hint: error.hint.replace(shape.name, variable),
      details: { setting: variable, value: text },
      cause: error,
    });
  }
}
