/**
 * The border for flag definitions in flagd's format: only what can be evaluated for everybody, at any time, gets in.
 * Nothing is dropped or repaired on the way.
 * @module
 */
import { nearest } from '../errors/nearest.ts';
import { ruleCost } from './cost.ts';
import { engineFlag, schemaFault } from './engine.ts';
import { flagFault, pointerPart } from './fault.ts';
import type { FlagDefinition, FlagMetadata, FlagSet } from './flag.ts';
import { checkJson, type JsonLimits } from './json-limits.ts';
import { type Evaluators, expandReferences } from './references.ts';
import { isReservedKey } from './reserved.ts';
import { checkResults, checkRules, unknownVariant } from './rules.ts';

/** Of a definition, of all evaluators of a set, as JSON. */
const DEFINITION_BYTES_MAX = 64 * 1024;
const SET_BYTES_MAX = 256 * 1024;
const VARIANTS_MAX = 100;

const KEY = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/;
const DEFINITION_LIMITS: JsonLimits = { depth: 64, values: 10_000, size_bytes: DEFINITION_BYTES_MAX };
const SET_LIMITS: JsonLimits = { depth: 64, values: 40_000, size_bytes: SET_BYTES_MAX };
const DEFINITION_FIELDS = ['state', 'variants', 'defaultVariant', 'targeting', 'metadata'];
const SET_FIELDS = ['evaluators', 'metadata'];

/**
 * A key that every client can ask for. Throws ERR_FLAG_INVALID.
 * @example parseFlagKey('new-banner') // 'new-banner'
 */
export function parseFlagKey(key: string): string {
  if (KEY.test(key) && !isReservedKey(key)) return key;
  const hint = "Use 1-100 letters, digits, '.', '_' and '-', and begin with a letter, a digit or '_'.";
  throw flagFault(key, '', 'its key is malformed or reserved', hint);
}

/**
 * A copy of a definition, checked: within limits, as flagd's schema has it, with references that lead somewhere and
 * variants that exist. Throws ERR_FLAG_INVALID whose `path` is a JSON pointer into the definition.
 * @example parseDefinition('banner', { state: 'ENABLED', variants: { on: true }, defaultVariant: 'on' }, {})
 */
export function parseDefinition(key: string, input: unknown, evaluators: Evaluators): FlagDefinition {
  parseFlagKey(key);
  const definition = checkJson(key, input, DEFINITION_LIMITS) as unknown as FlagDefinition;
  checkFields(key, definition, DEFINITION_FIELDS);
  checkVariants(key, definition);
  checkDefinition(key, definition, evaluators);
  return definition;
}

/**
 * Whether a definition that was good once is good with these evaluators. Throws ERR_FLAG_INVALID.
 */
export function checkDefinition(key: string, definition: FlagDefinition, evaluators: Evaluators): void {
  const { targeting, ...rest } = definition;
  const rules = targeting === undefined ? {} : expandReferences(key, targeting, evaluators);
  if (!isEmptyObject(rules)) {
    checkRules(key, rules);
    ruleCost(key, rules);
  }
  const variants = Object.keys(definition.variants);
  const { defaultVariant } = definition;
  if (typeof defaultVariant === 'string' && !variants.includes(defaultVariant)) {
    throw unknownVariant(key, '/defaultVariant', defaultVariant, variants);
  }
  const fault = schemaFault({ ...rest, ...(targeting === undefined ? {} : { targeting: rules }) });
  if (fault !== null) throw flagFault(key, fault.path, fault.message, 'See https://flagd.dev/schema/v0/flags.json.');
  checkResults(key, rules, variants);
  // What nothing above has found, the engine finds itself.
  const { reason, errorCode } = engineFlag(key, definition, evaluators).evaluate({ targetingKey: 'probe' });
  if (reason !== 'ERROR' || errorCode !== 'PARSE_ERROR') return;
  throw flagFault(key, '/targeting', 'flagd cannot read these rules', 'Compare them with https://flagd.dev/reference.');
}

/**
 * What the flags of a config share. Throws ERR_FLAG_INVALID, with `$set` in the place of a flag's key.
 * @example parseFlagSet({ evaluators: { staff: { ends_with: [{ var: 'email' }, '@example.com'] } } })
 */
export function parseFlagSet(input: unknown): FlagSet {
  const set = checkJson(SET, input, SET_LIMITS);
  checkFields(SET, set, SET_FIELDS);
  const { evaluators = {}, metadata = {} } = set;
  if (!isObject(evaluators)) throw flagFault(SET, '/evaluators', 'it is not an object', 'Give rules by name.');
  for (const [name, rules] of Object.entries(evaluators)) checkEvaluator(name, rules, evaluators);
  checkMetadata(metadata);
  return { evaluators, metadata: metadata as FlagMetadata };
}

/** Stands for the set in errors: no flag can be called so. */
const SET = '$set';

function checkEvaluator(name: string, rules: unknown, evaluators: Evaluators): void {
  const path = `/evaluators/${pointerPart(name)}`;
  if (name === '' || name.length > 100) throw flagFault(SET, path, 'its name is not 1-100 characters', 'Rename it.');
  const expanded = expandReferences(SET, rules, evaluators, path, [name]);
  checkRules(SET, expanded, path);
  ruleCost(SET, expanded, path);
  const fault = schemaFault({ state: 'ENABLED', variants: { any: true }, targeting: expanded });
  if (fault === null) return;
  const where = path + fault.path.replace(/^\/targeting/, '');
  throw flagFault(SET, where, fault.message, 'See https://flagd.dev/schema/v0/targeting.json.');
}

function checkMetadata(metadata: unknown): void {
  const fault = schemaFault({ state: 'ENABLED', variants: { any: true }, metadata });
  if (fault !== null) throw flagFault(SET, fault.path, fault.message, 'Give texts, numbers and booleans by name.');
}

function checkFields(flag: string, object: object, known: readonly string[]): void {
  for (const field of Object.keys(object)) {
    if (known.includes(field)) continue;
    const suggestion = nearest(field.slice(0, 80), known);
    const hint = suggestion === null ? `Known are ${known.join(', ')}.` : `Did you mean '${suggestion}'?`;
    throw flagFault(flag, `/${pointerPart(field)}`, `there is no field '${field.slice(0, 80)}'`, hint);
  }
}

/** Said better here than by the schema, which complains of four types at once. */
function checkVariants(flag: string, { variants }: { readonly variants?: unknown }): void {
  if (!isObject(variants) || isEmptyObject(variants)) {
    throw flagFault(flag, '/variants', 'it has no variants', 'Give at least one: {"on":true,"off":false}.');
  }
  const names = Object.keys(variants);
  if (names.length > VARIANTS_MAX) {
    throw flagFault(flag, '/variants', `more than ${VARIANTS_MAX} variants`, 'Put what differs into fewer of them.');
  }
  const type = typeof variants[names[0]!];
  for (const name of names) {
    const path = `/variants/${pointerPart(name)}`;
    const value = variants[name];
    if (name === '' || name.length > 100) throw flagFault(flag, path, 'its name is not 1-100 characters', 'Rename it.');
    if (value === null || Array.isArray(value)) {
      throw flagFault(flag, path, 'null and lists are no variants', 'Wrap it in an object.');
    }
    if (typeof value === type) continue;
    const fault = `it is ${typeof value === 'object' ? 'an object' : `a ${typeof value}`}, others are of type ${type}`;
    throw flagFault(flag, path, fault, 'Give variants of one type: boolean, string, number or object.');
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEmptyObject(value: unknown): boolean {
  return isObject(value) && Object.keys(value).length === 0;
}
