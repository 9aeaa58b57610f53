/** Many changes as one: what each of them may say, parsed before any of it is looked at. @module */
import { asObject, unknownField, wrongType } from '../config/input.ts';
import { parseConfigName } from '../config/name.ts';
import { ConfigError } from '../errors/errors.ts';
import { checkWhole } from './history.ts';
import { parseOneOf, type Moment } from './past.ts';

/** A past state as requests and files name it; one of the three. */
interface Rollback {
  readonly revision?: number;
  /** A sequence of the journal: the state after it. */
  readonly entry?: number;
  /** Milliseconds since 1970. */
  readonly at?: number;
}

/** One of the verbs, and only one. */
export interface BulkChange {
  readonly name: string;
  /** Only at this revision; 0: only if there is no such config. */
  readonly expected?: number | undefined;
  /** What `set` takes. */
  readonly set?: unknown;
  readonly template?: string | undefined;
  readonly rollback?: Rollback | undefined;
  readonly reset?: true | undefined;
  readonly delete?: true | undefined;
}

export const BULK_MAX = 100;
const VERBS = ['set', 'template', 'rollback', 'reset', 'delete'] as const;
const ROLLBACK_FIELDS = ['revision', 'entry', 'at'] as const;
const FIELDS = ['name', 'expected', ...VERBS];

/**
 * From outside. Errors: ERR_WRONG_TYPE, ERR_UNKNOWN_FIELD, ERR_NAME, ERR_OUT_OF_RANGE (1-100 changes),
 * ERR_DUPLICATE_KEY for a config that is named twice.
 */
export function parseBulk(input: unknown): readonly BulkChange[] {
  if (!Array.isArray(input)) throw wrongType('changes', 'a list', input);
  checkWhole('changes.length', input.length, 1, BULK_MAX);
  const changes = input.map(parseChange);
  const names = changes.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return changes;
  throw new ConfigError('ERR_DUPLICATE_KEY', {
    message: `The config '${twice}' is changed twice in one request`,
    hint: 'Say in one change what it is to be.',
    details: { key: twice },
  });
}

function parseChange(input: unknown, i: number): BulkChange {
  const field = `changes[${i}]`;
  const change = asObject(field, input);
  const unknown = Object.keys(change).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) throw unknownField(unknown, FIELDS);
  const said = VERBS.filter((verb) => change[verb] !== undefined);
  if (said.length !== 1) throw wrongType(field, `an object with one of ${VERBS.join(', ')}`, input);
  const { expected, template, reset, delete: gone } = change;
  if (expected !== undefined) checkWhole(`${field}.expected`, expected, 0);
  if (template !== undefined && typeof template !== 'string') throw wrongType(`${field}.template`, 'text', template);
  for (const flag of [reset, gone]) if (flag !== undefined && flag !== true) throw wrongType(field, 'true', flag);
  const rollback =
    change['rollback'] === undefined ? {} : { rollback: parseOneOf(change['rollback'], ROLLBACK_FIELDS) };
  return { ...change, ...rollback, name: parseConfigName(change['name']).name } as BulkChange;
}

/** @example momentOf({ entry: 7 }) // { seq: 7 } */
export function momentOf({ entry, ...moment }: Rollback): Moment {
  return entry === undefined ? moment : { seq: entry };
}
