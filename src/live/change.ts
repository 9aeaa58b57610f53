/**
 * One change of a config, as it goes into the journal and comes out again: the state before and after, each whole, so
 * that a state needs no replay and a change that left no entry can be told from the one after it.
 *
 * The body of an entry is JSON (frozen; `format` rises when the meaning changes):
 *
 *     {"format":1,"before":{"config":"<26 hex digits>","rollouts":{"12":1000},"rolloutsRevision":3},"after":{...}}
 *
 * `before` is null for a config's first entry. Rollouts are basis points by bit, those above 0. Of a deletion (type
 * `config.delete`) `after` is the defaults: what processes that still have the config read.
 * @module
 */
import { CHANGE_KIND } from '../../bindings/abi.gen.ts';
import { noRollouts } from '../config/rollout.ts';
import { DEFAULT_CONFIG, encodeConfig } from '../config/value.ts';
import { ConfigError } from '../errors/errors.ts';

export type ChangeKind = keyof typeof CHANGE_KIND;

const FORMAT = 1;
const TYPE_PREFIX = 'config.';
const HEX_CONFIG = /^[0-9a-f]{26}$/;

/** A config's whole state at one revision. */
export interface ConfigState {
  /** 13 bytes. */
  readonly config: Uint8Array;
  /** 32 basis points. */
  readonly rollouts: Uint16Array;
  /** The revision that wrote the rollouts. */
  readonly rolloutsRevision: number;
}

export interface ConfigChange {
  readonly kind: ChangeKind;
  /** null for the first. */
  readonly before: ConfigState | null;
  readonly after: ConfigState;
}

const BLANK_CONFIG = encodeConfig(DEFAULT_CONFIG);

type Content = Pick<ConfigState, 'config' | 'rollouts'>;

/** What a config that was deleted reads as, to processes that still have it: the defaults, nothing on or rolled out. */
export function blankContent(): Content {
  return { config: BLANK_CONFIG.slice(), rollouts: noRollouts() };
}

/** Whether a state could be that of a deleted config; only its journal can tell. */
export function isBlank({ config, rollouts }: Content): boolean {
  return BLANK_CONFIG.every((byte, i) => byte === config[i]) && rollouts.every((value) => value === 0);
}

/** `config.update` and the like: the type of the entry. */
export function entryTypeOf(kind: ChangeKind): string {
  return TYPE_PREFIX + kind;
}

/** null for a type that is no change of a config. */
function kindOfEntryType(type: string): ChangeKind | null {
  const kind = type.startsWith(TYPE_PREFIX) ? type.slice(TYPE_PREFIX.length) : '';
  return Object.hasOwn(CHANGE_KIND, kind) ? (kind as ChangeKind) : null;
}

export function encodeChange({ before, after }: ConfigChange): Uint8Array {
  return new TextEncoder().encode(
    JSON.stringify({ format: FORMAT, before: before === null ? null : written(before), after: written(after) }),
  );
}

/** Throws ERR_JOURNAL_ENTRY_TYPE for a body that this version cannot read: it never guesses. */
export function decodeChange(seq: number, type: string, body: Uint8Array): ConfigChange {
  const kind = kindOfEntryType(type);
  const data = parseBody(body);
  const before = data?.before === null ? null : readState(data?.before);
  const after = readState(data?.after);
  if (kind === null || data?.format !== FORMAT || before === undefined || after === undefined) {
    throw new ConfigError('ERR_JOURNAL_ENTRY_TYPE', {
      message: `Entry ${seq} ('${type}') is not a change that this version can read`,
      hint: 'It was written by a newer version: update this one.',
      details: { seq, type },
    });
  }
  return { kind, before, after };
}

interface WrittenState {
  config: string;
  rollouts: Record<string, number>;
  rolloutsRevision: number;
}

function written({ config, rollouts, rolloutsRevision }: ConfigState): WrittenState {
  const above0: Record<string, number> = {};
  rollouts.forEach((value, bit) => {
    if (value > 0) above0[bit] = value;
  });
  return { config: config.toHex(), rollouts: above0, rolloutsRevision };
}

function parseBody(body: Uint8Array): { format?: unknown; before?: unknown; after?: unknown } | null {
  try {
    const data: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    return typeof data === 'object' ? data : null;
  } catch (error) {
    // A RangeError is the stack's: nested deeper than any change is.
    if (error instanceof SyntaxError || error instanceof TypeError || error instanceof RangeError) return null;
    throw error;
  }
}

function readState(data: unknown): ConfigState | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  const { config, rollouts, rolloutsRevision } = data as Partial<Record<keyof WrittenState, unknown>>;
  if (typeof config !== 'string' || !HEX_CONFIG.test(config)) return undefined;
  if (!isRevision(rolloutsRevision) || typeof rollouts !== 'object' || rollouts === null) return undefined;
  const values = new Uint16Array(32);
  for (const [bit, value] of Object.entries(rollouts as Record<string, unknown>)) {
    if (!/^([12]?\d|3[01])$/.test(bit) || !isBasisPoints(value)) return undefined;
    values[Number(bit)] = value;
  }
  return { config: Uint8Array.fromHex(config), rollouts: values, rolloutsRevision };
}

function isRevision(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isBasisPoints(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 10_000;
}
