/**
 * Every C13_* variable, declared once with its default and meaning, and the only place that reads the process's
 * environment. Flags of the command line come before these, documented defaults after.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';
import { nearest } from '../errors/nearest.ts';

export type Variables = Readonly<Record<string, string | undefined>>;

/** What the settings come to. */
export interface Settings {
  readonly host: string;
  readonly port: number;
  readonly dataDirectory: string;
  readonly registryUrl: string;
  readonly boardCapacity: number;
}

interface Declaration<T> {
  readonly variable: `C13_${string}`;
  /** As one would write it. */
  readonly default: string;
  /** One sentence, for `--help` and the documentation. */
  readonly description: string;
  /** The value, or null when the text is none. */
  readonly parse: (text: string) => T | null;
  /** What `parse` accepts, in words. */
  readonly expected: string;
}

export const SETTINGS: { readonly [K in keyof Settings]: Declaration<Settings[K]> } = {
  host: {
    variable: 'C13_HOST',
    default: '127.0.0.1',
    description: 'Address the registry listens on.',
    parse: (text) => (/^[A-Za-z0-9._:-]{1,253}$/.test(text) ? text : null),
    expected: 'an address or host name without scheme or port',
  },
  port: {
    variable: 'C13_PORT',
    default: '4873',
    description: 'Port the registry listens on; 0 takes a free one.',
    parse: (text) => (/^[0-9]{1,5}$/.test(text) && Number(text) <= 65535 ? Number(text) : null),
    expected: 'a whole number from 0 to 65535',
  },
  dataDirectory: {
    variable: 'C13_DATA',
    default: './.c13',
    description: 'Directory of the journal, keys and boards; made at first start.',
    parse: (text) => (text.includes('\0') ? null : text),
    expected: 'a path',
  },
  registryUrl: {
    variable: 'C13_URL',
    default: 'http://127.0.0.1:4873',
    description: 'Registry that the command line speaks to.',
    parse: parseUrl,
    expected: 'an http or https URL',
  },
  boardCapacity: {
    variable: 'C13_BOARD_CAPACITY',
    default: '65536',
    description: 'Configs that a new board has room for, 272 bytes of file each; a board that is there keeps its own.',
    parse: parseCapacity,
    expected: 'a whole number from 1 to 1048576',
  },
};

/**
 * All settings from the variables of the process (or those given). An empty variable counts as not set.
 * Throws ERR_SETTING naming the variable, what it holds and what it should.
 * @example readSettings({ C13_PORT: '8080' }).port // 8080
 */
export function readSettings(variables: Variables = processVariables()): Settings {
  return {
    host: readSetting('host', variables),
    port: readSetting('port', variables),
    dataDirectory: readSetting('dataDirectory', variables),
    registryUrl: readSetting('registryUrl', variables),
    boardCapacity: readSetting('boardCapacity', variables),
  };
}

/** One setting, so that a fault in another does not stand in the way. Throws ERR_SETTING. */
export function readSetting<K extends keyof Settings>(name: K, variables: Variables = processVariables()): Settings[K] {
  const { variable, default: fallback } = SETTINGS[name];
  return parseSetting(name, variables[variable] || fallback, variable);
}

/** A setting's value from text, which `source` (a variable or a flag such as `--port`) held. Throws ERR_SETTING. */
export function parseSetting<K extends keyof Settings>(name: K, text: string, source: string): Settings[K] {
  const { parse, expected } = SETTINGS[name];
  const value = parse(text);
  if (value !== null) return value;
  throw new ConfigError('ERR_SETTING', {
    message: `${source}: ${JSON.stringify(text.slice(0, 200))} is not ${expected}`,
    hint: `Set ${source} to ${expected}, or leave it out for ${SETTINGS[name].default}.`,
    details: { setting: source, value: text },
  });
}

/** C13_* variables that are set but not declared, each with the declared one it may have meant. */
export function unknownSettings(
  variables: Variables = processVariables(),
): { variable: string; nearest: string | null }[] {
  const known = Object.values(SETTINGS).map(({ variable }): string => variable);
  return Object.keys(variables)
    .filter((variable) => variable.startsWith('C13_') && !known.includes(variable))
    .map((variable) => ({ variable, nearest: nearest(variable, known) }));
}

/** The variables this process was started with, for codecs that take them as data. */
export function processVariables(): Variables {
  return process.env;
}

function parseCapacity(text: string): number | null {
  const capacity = /^[0-9]{1,7}$/.test(text) ? Number(text) : 0;
  return capacity >= 1 && capacity <= 1_048_576 ? capacity : null;
}

function parseUrl(text: string): string | null {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return null;
  return text.replace(/\/+$/, '');
}
