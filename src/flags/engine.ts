/**
 * flagd's own engine, as this project uses it: references already put in, nothing printed, and without code made of
 * text at run time.
 * @module
 */
import type { FeatureFlag } from '@openfeature/flagd-core';
import { ruleCost } from './cost.ts';
import type { FlagDefinition } from './flag.ts';
import { withLists } from './loops.ts';
import { type Evaluators, expandReferences } from './references.ts';

const nothing = (): void => undefined;
/** The engine tells a logger what it then answers anyway. */
export const QUIET = { error: nothing, warn: nothing, info: nothing, debug: nothing };
/** Rules are walked, not compiled: faster to make, as fast to ask (half a microsecond), and no `eval`. */
const OPTIONS = { disableDynamicCodeGeneration: true };

/** Loaded when a definition is first checked, or a rule asked: many a registry has no flags. About 15 ms and 4 MB. */
function engine(): typeof import('@openfeature/flagd-core') {
  return require('@openfeature/flagd-core') as typeof import('@openfeature/flagd-core');
}

/** A fault of flagd's schema. */
export interface SchemaFault {
  /** A JSON pointer into the definition. */
  readonly path: string;
  readonly message: string;
}

interface ValidatorError {
  readonly instancePath: string;
  readonly message: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Throws what `expandReferences` and `ruleCost` throw, and what the engine refuses. */
export function engineFlag(key: string, definition: FlagDefinition, evaluators: Evaluators): FeatureFlag {
  const { targeting, ...rest } = definition;
  const { FeatureFlag } = engine();
  const flag = targeting === undefined ? rest : withRules(rest, expandReferences(key, targeting, evaluators), key);
  return new FeatureFlag(key, flag as ConstructorParameters<typeof FeatureFlag>[1], QUIET, OPTIONS);
}

/** The engine hashes what it can list, which takes ten times as long as all the rest. Nobody asks for the hash. */
function withRules(flag: object, rules: unknown, key: string): object {
  if (typeof rules === 'object' && rules !== null && Object.keys(rules).length > 0) ruleCost(key, rules);
  return Object.defineProperty({ ...flag }, 'targeting', { value: withLists(rules), enumerable: false });
}

/** A second flag that the schema takes and the engine does not, made first: the other one is checked, and not made. */
const UNMADE = { state: 'ENABLED', variants: { on: true }, defaultVariant: 'not made' };

/** What flagd's schema has against a definition without references, or null. */
export function schemaFault(definition: object): SchemaFault | null {
  const { MemoryStorage } = engine();
  try {
    const flags = { 0: UNMADE, it: definition };
    new MemoryStorage(QUIET, OPTIONS).setConfigurations(JSON.stringify({ flags }), true);
    return null;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { cause } = error;
    if (cause instanceof Error && cause.message.includes(UNMADE.defaultVariant)) return null;
    return faultOf(error);
  }
}

/** One mistake makes the schema's validator name every alternative: the deepest place is the one that was meant. */
function faultOf({ message, cause }: Error): SchemaFault {
  const from = message.indexOf('[');
  if (from < 0) return { path: '', message: cause instanceof Error ? cause.message : message };
  const errors = JSON.parse(message.slice(from)) as ValidatorError[];
  const deepest = errors.reduce((best, each) => (each.instancePath.length > best.instancePath.length ? each : best));
  const { additionalProperty, allowedValues } = deepest.params;
  const which = additionalProperty ?? allowedValues;
  const path = deepest.instancePath.replace(/^\/flags\/it/, '').replace(/^\/flags$/, '');
  return { path, message: which === undefined ? deepest.message : `${deepest.message}: ${JSON.stringify(which)}` };
}
