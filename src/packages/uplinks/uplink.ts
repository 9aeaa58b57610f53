/**
 * What an uplink is: another registry that is asked for packages which were not published here. Shapes, what is taken
 * from outside as one, and which names one is for. Asks nobody.
 * @module
 */
import { matchesPattern } from '../../config/pattern.ts';
import { ConfigError } from '../../errors/errors.ts';

/** As the journal has it: nothing of it is a secret. */
export interface UplinkDeclaration {
  /** Where it is, without a user in it and without a slash at its end; null: these names are ours, nobody is asked. */
  readonly url: string | null;
  /** Of names: `*` stands for any run of characters. */
  readonly patterns: readonly string[];
  readonly isEnabled: boolean;
  /** For a document: until all of it is here. For a tarball: the longest silence. */
  readonly timeout_ms: number;
  /** Attempts after the first. */
  readonly retries: number;
  /** For so long nobody asks again how a package is. */
  readonly maxAge_s: number;
  /** For so long nobody asks again for what was not there. */
  readonly negativeAge_s: number;
  /** Lower ones are asked first; of equal ones, by name. */
  readonly order: number;
}

/** One that can be asked. */
export interface Uplink extends UplinkDeclaration {
  readonly name: string;
  /** The value of the header `Authorization`, for the origin of `url` alone; null: none. */
  readonly authorization: string | null;
}

export type Reachable = Uplink & { readonly url: string };

export const UPLINK_DEFAULTS = {
  patterns: ['*'],
  isEnabled: true,
  timeout_ms: 15_000,
  retries: 2,
  maxAge_s: 120,
  negativeAge_s: 60,
  order: 100,
} as const satisfies Partial<UplinkDeclaration>;

const URL_MAX = 2000;
const PATTERN = /^[\w@./~!'()*-]{1,214}$/;
const PATTERNS_MAX = 100;
const RANGES = {
  timeout_ms: [100, 300_000],
  retries: [0, 10],
  maxAge_s: [0, 31_536_000],
  negativeAge_s: [0, 86_400],
  order: [0, 1_000_000],
} as const;

/**
 * A declaration from outside, or from the journal; what is left out is as `UPLINK_DEFAULTS` says. Throws
 * ERR_WRONG_TYPE, ERR_OUT_OF_RANGE, ERR_UNKNOWN_FIELD.
 * @example parseUplink({ url: 'https://packages.example', patterns: ['@tools/*'] })
 */
export function parseUplink(input: unknown): UplinkDeclaration {
  const fields = fieldsOf(input);
  const { url, patterns, isEnabled, ...numbers } = { ...UPLINK_DEFAULTS, ...fields } as Record<string, unknown>;
  const { timeout_ms, retries, maxAge_s, negativeAge_s, order } = numbers;
  return {
    url: url === null ? null : parseUplinkUrl(url),
    patterns: parsePatterns(patterns),
    isEnabled: parseSwitch(isEnabled),
    timeout_ms: parseWhole('timeout_ms', timeout_ms),
    retries: parseWhole('retries', retries),
    maxAge_s: parseWhole('maxAge_s', maxAge_s),
    negativeAge_s: parseWhole('negativeAge_s', negativeAge_s),
    order: parseWhole('order', order),
  };
}

/** Throws ERR_WRONG_TYPE, without what was given: it may hold a password. */
export function parseUplinkUrl(text: unknown): string {
  const url = typeof text === 'string' && text.length <= URL_MAX && URL.canParse(text) ? new URL(text) : null;
  const isTaken =
    url !== null && /^https?:$/.test(url.protocol) && `${url.username}${url.password}${url.search}${url.hash}` === '';
  if (isTaken) return url.href.replace(/\/+$/, '');
  throw wrongType('url', 'an http or https URL without a user in it, or null', text);
}

/**
 * Whether it is declared that nobody is asked for a package, however it is written. `@scope/*` for a name means all of
 * a scope; a declaration of some of it will do.
 */
export function isOurs(uplinks: readonly Uplink[], name: string): boolean {
  const lower = name.toLowerCase();
  const scope = lower.endsWith('/*') ? lower.slice(0, -1) : null;
  const isMeant = (pattern: string): boolean =>
    matchesPattern(pattern, lower) || (scope !== null && pattern.startsWith(scope));
  return uplinks.some(
    ({ url, isEnabled, patterns }) =>
      url === null && isEnabled && patterns.some((pattern) => isMeant(pattern.toLowerCase())),
  );
}

/**
 * Whom to ask for a package, in order. A declaration without a URL wins, wherever it stands: what it matches is ours.
 */
export function uplinksFor(uplinks: readonly Uplink[], name: string): readonly Reachable[] {
  if (isOurs(uplinks, name)) return [];
  return uplinks.filter(isReachable).filter(({ patterns }) => patterns.some((one) => matchesPattern(one, name)));
}

export function isReachable(uplink: Uplink): uplink is Reachable {
  return uplink.isEnabled && uplink.url !== null;
}

/** ERR_UPLINK: what is wrong with an uplink, or with what it answered. `package`: '' for what is no package's. */
export function uplinkError(uplink: string, about: string, fault: string, cause?: unknown): ConfigError<'ERR_UPLINK'> {
  const of = about === '' ? '' : ` when asked for ${about}`;
  return new ConfigError('ERR_UPLINK', {
    message: `The uplink ${uplink}${of}: ${fault}`,
    hint: `Try again later; \`c13 uplinks test ${uplink}\` says how it does.`,
    details: { uplink, package: about, fault },
    cause,
  });
}

function fieldsOf(input: unknown): Record<string, unknown> {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw wrongType('uplink', 'an object', input);
  const known = ['url', ...Object.keys(UPLINK_DEFAULTS)];
  const stranger = Object.keys(input).find((field) => !known.includes(field));
  if (stranger === undefined) {
    return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
  }
  throw new ConfigError('ERR_UNKNOWN_FIELD', {
    message: `An uplink has no field ${JSON.stringify(stranger.slice(0, 80))}`,
    hint: `It has: ${known.join(', ')}.`,
    details: { field: stranger.slice(0, 80), known },
  });
}

function parsePatterns(patterns: unknown): readonly string[] {
  const isList = Array.isArray(patterns) && patterns.length > 0 && patterns.length <= PATTERNS_MAX;
  if (isList && patterns.every((pattern) => typeof pattern === 'string' && PATTERN.test(pattern))) return patterns;
  throw wrongType('patterns', `1 to ${PATTERNS_MAX} patterns of names, such as '@acme/*'`, patterns);
}

function parseSwitch(isEnabled: unknown): boolean {
  if (typeof isEnabled === 'boolean') return isEnabled;
  throw wrongType('isEnabled', 'true or false', isEnabled);
}

function parseWhole(field: keyof typeof RANGES, value: unknown): number {
  const [min, max] = RANGES[field];
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
  throw new ConfigError('ERR_OUT_OF_RANGE', {
    message: `Invalid ${field}: must be a whole number from ${min} to ${max}`,
    hint: `Set it to a number in that range, or leave it out.`,
    details: { field, value, min, max },
  });
}

function wrongType(field: string, expected: string, found: unknown): ConfigError {
  return new ConfigError('ERR_WRONG_TYPE', {
    message: `Invalid ${field}: must be ${expected}`,
    hint: `Set ${field} to ${expected}.`,
    details: { field, expected, found: found === null ? 'null' : typeof found },
  });
}
