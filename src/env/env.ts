/**
 * Every C13_* variable, declared once with its default and meaning, and the only place that reads the process's
 * environment. Flags of the command line come before these, documented defaults after.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';
import { nearest } from '../errors/nearest.ts';
import { LOG_LEVELS, parseLogLevel, type LogLevel } from './log-level.ts';
import { parseNetworks, parseOrigins, parseReaders, parseRate } from './network.ts';
import { faultOfS3Address, parseS3Address, type S3Address } from './s3-address.ts';

export type Variables = Readonly<Record<string, string | undefined>>;

/** What the settings come to. */
export interface Settings {
  readonly host: string;
  readonly port: number;
  readonly dataDirectory: string;
  readonly registryUrl: string;
  readonly boardCapacity: number;
  /** Addresses and networks. */
  readonly trustedProxies: readonly string[];
  /** Origins. */
  readonly peers: readonly string[];
  /** Origins, or `*` for all; empty: none. */
  readonly corsOrigins: readonly string[];
  /** Requests a minute for each token; 0: any number. */
  readonly rateLimit: number;
  /** Requests a minute for each address without a token; 0: any number. */
  readonly anonymousRateLimit: number;
  /** Bytes of the largest tarball. */
  readonly packageLimit: number;
  /** A URL, `none`, or `npm`: what npm of this machine says. */
  readonly upstream: string;
  /** Whether uplinks are not asked, and only what is kept of them is served. */
  readonly isOffline: boolean;
  /** Bytes that are kept of uplinks. */
  readonly cacheLimit: number;
  /** Whether strangers may make themselves a user. */
  readonly isRegistrationOpen: boolean;
  readonly logLevel: LogLevel;
  /** '': none. */
  readonly publicUrl: string;
  /** '': nobody signs in with a provider. */
  readonly oidcIssuer: string;
  readonly oidcClientId: string;
  /** '': a public client. */
  readonly oidcClientSecretFile: string;
  /** '': blobs are in the data directory. */
  readonly s3: S3Address | '';
  /** '': none. */
  readonly token: string;
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
  /** What is wrong with a text that `parse` refuses, where that can be said more closely; null: it cannot. */
  readonly faultOf?: (text: string) => string | null;
  /** What is in it is in no message. */
  readonly isSecret?: boolean;
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
  trustedProxies: {
    variable: 'C13_TRUSTED_PROXIES',
    default: '',
    description: 'Proxies that are believed whom they speak for: addresses and networks, with commas between.',
    parse: parseNetworks,
    expected: 'a list of addresses and networks such as 10.0.0.0/8, with commas between',
  },
  peers: {
    variable: 'C13_PEERS',
    default: '',
    description: 'Registries of ours, by origin, with commas between: only they are sent X-Bun headers.',
    parse: parseOrigins,
    expected: 'a list of origins such as https://registry.example:4873, with commas between',
  },
  corsOrigins: {
    variable: 'C13_CORS_ORIGINS',
    default: '*',
    description:
      'Origins whose pages may read configs and flags with a token of theirs: `*` for all, `none`, or a list.',
    parse: parseReaders,
    expected: '*, none, or a list of origins such as https://shop.example, with commas between',
  },
  rateLimit: {
    variable: 'C13_RATE_LIMIT',
    default: '60000',
    description: 'Requests a minute for each token; 0 for any number.',
    parse: parseRate,
    expected: 'a whole number from 0 to 1000000000',
  },
  anonymousRateLimit: {
    variable: 'C13_RATE_LIMIT_ANONYMOUS',
    default: '6000',
    description: 'Requests a minute for each address without a token; 0 for any number.',
    parse: parseRate,
    expected: 'a whole number from 0 to 1000000000',
  },
  isRegistrationOpen: {
    variable: 'C13_REGISTRATION',
    default: 'closed',
    description: 'Whether strangers can make themselves a user with `npm adduser`: `open` or `closed`.',
    parse: (text) => (text === 'open' || text === 'closed' ? text === 'open' : null),
    expected: 'open or closed',
  },
  packageLimit: {
    variable: 'C13_PACKAGE_LIMIT',
    default: '104857600',
    description: 'Bytes of the largest tarball that can be published.',
    parse: (text) => (/^[1-9][0-9]{0,9}$/.test(text) && Number(text) <= 2 ** 31 ? Number(text) : null),
    expected: 'a whole number from 1 to 2147483648',
  },
  upstream: {
    variable: 'C13_UPSTREAM',
    default: 'npm',
    description:
      'Registry asked for packages while no uplink is declared: a URL, `none`, or `npm` for the one npm is set to.',
    parse: (text) => (text === 'npm' || text === 'none' ? text : parseUrl(text)),
    expected: 'an http or https URL, npm or none',
  },
  isOffline: {
    variable: 'C13_OFFLINE',
    default: 'off',
    description: 'Whether uplinks are left alone, and only what is kept of them is served: `on` or `off`.',
    parse: (text) => (text === 'on' || text === 'off' ? text === 'on' : null),
    expected: 'on or off',
  },
  cacheLimit: {
    variable: 'C13_CACHE_LIMIT',
    default: '10737418240',
    description: 'Bytes that are kept of what uplinks have.',
    parse: (text) => (/^[1-9][0-9]{0,14}$/.test(text) ? Number(text) : null),
    expected: 'a whole number from 1 to 999999999999999',
  },
  logLevel: {
    variable: 'C13_LOG_LEVEL',
    default: 'info',
    description: 'How much is logged: what is less than this is left out.',
    parse: parseLogLevel,
    expected: `one of ${LOG_LEVELS.join(', ')}`,
  },
  publicUrl: {
    variable: 'C13_PUBLIC_URL',
    default: '',
    description: 'Where users reach the registry, when that is not where it listens: an origin, without a path.',
    parse: parseOrigin,
    expected: 'an http or https origin such as https://config.example',
  },
  oidcIssuer: {
    variable: 'C13_OIDC_ISSUER',
    default: '',
    description: 'OpenID Connect provider that users may sign in with, as it writes itself.',
    parse: (text) => (text === '' || (/^https?:\/\//.test(text) && URL.canParse(text)) ? text : null),
    expected: 'an http or https URL',
  },
  oidcClientId: {
    variable: 'C13_OIDC_CLIENT_ID',
    default: '',
    description: 'What the provider calls this registry.',
    parse: (text) => (/^[\x20-\x7e]{0,255}$/.test(text) ? text : null),
    expected: 'the id that the provider gave',
  },
  oidcClientSecretFile: {
    variable: 'C13_OIDC_CLIENT_SECRET_FILE',
    default: '',
    description: 'File with the secret that the provider gave; none for a public client.',
    parse: (text) => (text.includes('\0') ? null : text),
    expected: 'a path',
  },
  s3: {
    variable: 'C13_S3_URL',
    default: '',
    description:
      'Bucket that tarballs are kept in, instead of the data directory; AWS_* variables hold the credentials.',
    parse: parseS3Address,
    expected: 's3://bucket/prefix, with ?endpoint=https://... and &region=... where they are needed',
    faultOf: faultOfS3Address,
  },
  token: {
    variable: 'C13_TOKEN',
    default: '',
    description: 'Token that the command line shows to the registry, instead of that of `c13 login`.',
    parse: (text) => (/^[\x21-\x7e]{0,4096}$/.test(text) ? text : null),
    expected: 'a token, without spaces',
    isSecret: true,
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
    trustedProxies: readSetting('trustedProxies', variables),
    peers: readSetting('peers', variables),
    corsOrigins: readSetting('corsOrigins', variables),
    rateLimit: readSetting('rateLimit', variables),
    anonymousRateLimit: readSetting('anonymousRateLimit', variables),
    packageLimit: readSetting('packageLimit', variables),
    upstream: readSetting('upstream', variables),
    isOffline: readSetting('isOffline', variables),
    cacheLimit: readSetting('cacheLimit', variables),
    isRegistrationOpen: readSetting('isRegistrationOpen', variables),
    logLevel: readSetting('logLevel', variables),
    publicUrl: readSetting('publicUrl', variables),
    oidcIssuer: readSetting('oidcIssuer', variables),
    oidcClientId: readSetting('oidcClientId', variables),
    oidcClientSecretFile: readSetting('oidcClientSecretFile', variables),
    s3: readSetting('s3', variables),
    token: readSetting('token', variables),
  };
}

/** One setting, so that a fault in another does not stand in the way. Throws ERR_SETTING. */
export function readSetting<K extends keyof Settings>(name: K, variables: Variables = processVariables()): Settings[K] {
  const { variable, default: fallback } = SETTINGS[name];
  return parseSetting(name, variables[variable] || fallback, variable);
}

/** A setting's value from text, which `source` (a variable or a flag such as `--port`) held. Throws ERR_SETTING. */
export function parseSetting<K extends keyof Settings>(name: K, text: string, source: string): Settings[K] {
  const { parse, expected, faultOf, isSecret = false, default: fallback } = SETTINGS[name];
  const value = parse(text);
  if (value !== null) return value;
  const shown = isSecret ? '[redacted]' : text;
  const fault = faultOf?.(text) ?? null;
  const why = fault === null ? `is not ${expected}` : `will not do: ${fault}`;
  throw new ConfigError('ERR_SETTING', {
    message: `${source}: ${JSON.stringify(shown.slice(0, 200))} ${why}`,
    hint: `Set ${source} to ${expected}, or leave it out${fallback === '' ? '' : ` for ${fallback}`}.`,
    details: { setting: source, value: shown },
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

function parseOrigin(text: string): string | null {
  if (text === '') return text;
  const url = /^https?:\/\//i.test(text) && URL.canParse(text) ? new URL(text) : null;
  return url !== null && url.href === `${url.origin}/` ? url.origin : null;
}
