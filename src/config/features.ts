/**
 * Features by name: the twelve built in on bits 0-11, and those a service declares on bits 12-31. Names are
 * literal types, so a misspelt one does not compile; at run time it throws an error that names the nearest.
 * Which config has a feature on is not known here.
 * @module
 */
import { FEATURE_BIT } from '../../bindings/abi.gen.ts';
import { ConfigError } from '../errors/errors.ts';
import { nearest } from '../errors/nearest.ts';

export type BuiltinFeature = keyof typeof FEATURE_BIT;
/** What a service declares: name to bit (12-31). Stored in the stream `features:<service>`. */
export type FeatureDeclaration = Readonly<Record<string, number>>;

export const FEATURE_COUNT = 32;
export const FIRST_USER_BIT = 12;
/** Bits 0-11: what templates decide. */
export const BUILTIN_MASK = (1 << FIRST_USER_BIT) - 1;

const NAME = /^[a-z][a-z0-9_]{0,63}$/;
/** How an undeclared bit is shown: taken as a declared name it would point at the wrong bit. */
const DISPLAY_NAME = /^feature_[0-9]+$/;

/** The features one service knows: the built-in ones and its own. Immutable. */
export class FeatureSet<Name extends string = string> {
  /** What the service itself declared, without the built-in ones. */
  readonly declaration: Readonly<Record<string, number>>;
  /** Known names in the order of their bits. */
  readonly names: readonly Name[];
  readonly #bits: ReadonlyMap<string, number>;
  readonly #byBit: readonly (string | undefined)[];

  /** Checked by `defineFeatures`; use that. */
  constructor(declaration: FeatureDeclaration) {
    const byBit: (string | undefined)[] = Array.from({ length: FEATURE_COUNT });
    for (const [name, bit] of Object.entries(FEATURE_BIT)) byBit[bit] = name;
    for (const [name, bit] of Object.entries(declaration)) byBit[bit] = name;
    this.declaration = Object.freeze({ ...declaration });
    this.#byBit = byBit;
    this.#bits = new Map(byBit.flatMap((name, bit) => (name === undefined ? [] : [[name, bit] as const])));
    this.names = [...this.#bits.keys()] as Name[];
  }

  has(name: string): name is Name {
    return this.#bits.has(name);
  }

  /** 0-31. Throws ERR_UNKNOWN_FEATURE naming the known features and the nearest. */
  bitOf(name: string): number {
    const bit = this.#bits.get(name);
    if (bit === undefined) throw unknownFeature(name, this.names);
    return bit;
  }

  /** Unsigned, one bit set. Throws ERR_UNKNOWN_FEATURE. */
  maskOf(name: string): number {
    return (1 << this.bitOf(name)) >>> 0;
  }

  /** All bits of a list of names. Throws ERR_UNKNOWN_FEATURE. */
  masksOf(names: Iterable<string>): number {
    let mask = 0;
    for (const name of names) mask |= this.maskOf(name);
    return mask >>> 0;
  }

  /** The name of a bit for display; an undeclared bit 17 is `feature_17`. */
  nameOf(bit: number): string {
    return this.#byBit[bit] ?? `feature_${bit}`;
  }

  /** Names of all set bits in the order of their bits, undeclared ones as `feature_17`. */
  enabledIn(flags: number): string[] {
    const names: string[] = [];
    for (let bit = 0; bit < FEATURE_COUNT; bit++) if (((flags >>> bit) & 1) === 1) names.push(this.nameOf(bit));
    return names;
  }

  /** Known names whose bit is not set. */
  disabledIn(flags: number): Name[] {
    const names: string[] = [];
    for (let bit = 0; bit < FEATURE_COUNT; bit++) {
      const name = this.#byBit[bit];
      if (name !== undefined && ((flags >>> bit) & 1) === 0) names.push(name);
    }
    return names as Name[];
  }
}

/**
 * The built-in features plus the service's own. Throws ERR_FEATURE_NAME for a malformed name,
 * ERR_OUT_OF_RANGE for a bit outside 12-31, ERR_FEATURE_CONFLICT for a taken bit or a known name on another bit.
 * @example
 * const features = defineFeatures({ new_checkout: 12 });
 * features.maskOf('new_checkout'); // 0x1000
 */
export function defineFeatures<const D extends FeatureDeclaration = Record<never, number>>(
  declaration: D = {} as D,
): FeatureSet<BuiltinFeature | (keyof D & string)> {
  const takenBy = new Map<number, string>(Object.entries(FEATURE_BIT).map(([name, bit]) => [bit, name]));
  const own: Record<string, number> = {};
  for (const [name, bit] of Object.entries<unknown>(declaration)) {
    checkFeatureName(name);
    const builtin = Object.hasOwn(FEATURE_BIT, name);
    if (builtin && FEATURE_BIT[name as BuiltinFeature] === bit) continue;
    if (builtin) throw featureConflict(name, bit, name, `'${name}' is built in on another bit`);
    if (typeof bit !== 'number' || !Number.isInteger(bit) || bit < 0 || bit >= FEATURE_COUNT) {
      throw bitOutOfRange(name, bit);
    }
    const other = takenBy.get(bit);
    if (other !== undefined) throw featureConflict(name, bit, other, `bit ${bit} is '${other}'`);
    takenBy.set(bit, name);
    own[name] = bit;
  }
  return new FeatureSet(own);
}

/**
 * What a service has declared, from its stored JSON. Throws ERR_WRONG_TYPE for what is no JSON object, and what
 * `defineFeatures` throws.
 */
export function parseDeclaration(text: string): FeatureDeclaration {
  const data = jsonOf(text);
  if (typeof data === 'object' && data !== null && !Array.isArray(data)) {
    return defineFeatures(data as FeatureDeclaration).declaration;
  }
  throw new ConfigError('ERR_WRONG_TYPE', {
    message: `Invalid features: not a JSON object of names and bits: ${text.slice(0, 80)}`,
    hint: 'Declare features as { "<name>": <bit 12-31> }.',
    details: { field: 'features', expected: 'a JSON object', found: text.slice(0, 80) },
  });
}

/** undefined for what is no JSON, or nested deeper than the stack allows. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Only the twelve built-in features. */
export const BUILTIN_FEATURES: FeatureSet<BuiltinFeature> = defineFeatures({});

/** Where a bit may still be in use: the flags of one config and its rollouts in basis points. */
export interface FeatureUse {
  readonly featureFlags: number;
  readonly rollouts?: ArrayLike<number> | undefined;
}

/** True when no config has the bit set or rolled out to anybody: only then may it get another meaning. */
export function isBitOff(bit: number, uses: Iterable<FeatureUse>): boolean {
  for (const { featureFlags, rollouts } of uses) {
    if (((featureFlags >>> bit) & 1) === 1 || (rollouts?.[bit] ?? 0) > 0) return false;
  }
  return true;
}

/**
 * What is stored for a service, plus what its code declares. The code wins a stored bit under a new name only
 * when that bit is off in every config of the service (`uses`). Throws ERR_FEATURE_CONFLICT otherwise, and for
 * a stored name on another bit; and what `defineFeatures` throws.
 */
export function mergeFeatures<const D extends FeatureDeclaration>(
  stored: FeatureDeclaration,
  declared: D,
  uses: Iterable<FeatureUse>,
): FeatureSet<BuiltinFeature | (keyof D & string)> {
  const code = defineFeatures(declared).declaration;
  const merged: Record<string, number> = { ...defineFeatures(stored).declaration };
  const everywhere = [...uses];
  for (const [name, bit] of Object.entries(code)) {
    if (Object.hasOwn(merged, name) && merged[name] !== bit) {
      throw featureConflict(name, bit, name, `'${name}' is stored on bit ${merged[name]}`);
    }
    const other = Object.keys(merged).find((known) => known !== name && merged[known] === bit);
    if (other !== undefined && !isBitOff(bit, everywhere)) {
      throw featureConflict(name, bit, other, `bit ${bit} is '${other}' and still on in at least one config`);
    }
    if (other !== undefined) delete merged[other];
    merged[name] = bit;
  }
  return new FeatureSet(merged);
}

/** The set bits of a word, ascending. */
export function bitsOf(flags: number): number[] {
  const bits: number[] = [];
  for (let bit = 0; bit < FEATURE_COUNT; bit++) if (((flags >>> bit) & 1) === 1) bits.push(bit);
  return bits;
}

/** Throws ERR_FEATURE_NAME for what no feature can be called. */
export function checkFeatureName(name: string): void {
  if (NAME.test(name) && !DISPLAY_NAME.test(name)) return;
  throw new ConfigError('ERR_FEATURE_NAME', {
    message: `Invalid feature name: ${JSON.stringify(name.slice(0, 80))}`,
    hint: "Use lower-case letters, digits and '_', a letter first, at most 64 characters, and not 'feature_<number>'.",
    details: { feature: name },
  });
}

function unknownFeature(feature: string, known: readonly string[]): ConfigError<'ERR_UNKNOWN_FEATURE'> {
  const suggestion = nearest(feature.slice(0, 80), known);
  return new ConfigError('ERR_UNKNOWN_FEATURE', {
    message: `Unknown feature: ${feature.slice(0, 80)}. Available: ${known.join(', ')}`,
    hint:
      suggestion === null
        ? 'Declare it on a bit of 12-31: c13 feature declare, or `features` of the library.'
        : `Did you mean '${suggestion}'?`,
    details: { feature, known, nearest: suggestion },
  });
}

function featureConflict(feature: string, bit: unknown, conflict: string, why: string): ConfigError {
  return new ConfigError('ERR_FEATURE_CONFLICT', {
    message: `Feature '${feature}' cannot take bit ${String(bit)}: ${why}`,
    hint: 'Declare each name on one free bit of 12-31; turn a feature off everywhere before its bit is reused.',
    details: { feature, bit: Number(bit), conflict },
  });
}

function bitOutOfRange(name: string, bit: unknown): ConfigError<'ERR_OUT_OF_RANGE'> {
  return new ConfigError('ERR_OUT_OF_RANGE', {
    message: `Invalid features.${name}: ${String(bit)} (must be ${FIRST_USER_BIT}-${FEATURE_COUNT - 1})`,
    hint: `Bits 0-${FIRST_USER_BIT - 1} are built in; give '${name}' a free one above them.`,
    details: { field: `features.${name}`, value: bit, min: FIRST_USER_BIT, max: FEATURE_COUNT - 1 },
  });
}
