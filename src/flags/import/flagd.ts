/**
 * flagd's own files, which are taken as they are: a map of flags or a list of them, what they share, and their facts
 * where our own export put them into metadata.
 * @module
 */
import { isDeepStrictEqual } from 'node:util';
import { isConfigError } from '../../errors/errors.ts';
import { parseFlagSet } from '../definition.ts';
import type { FlagDefinition, FlagSet } from '../flag.ts';
import type { Draft, SourceFlag } from './conversion.ts';
import type { Findings, Report } from './findings.ts';
import { splitMetadata } from './flagd-metadata.ts';
import { checkShape, type Shape } from './shape.ts';
import { type Fields, isFields, type Source } from './source.ts';

const FIELDS: Readonly<Record<string, Shape>> = {
  state: 'text',
  variants: 'any',
  defaultVariant: 'text',
  targeting: 'any',
  metadata: 'any',
};
const FILE: Readonly<Record<string, Shape>> = { $schema: 'any', $evaluators: 'any', metadata: 'any' };
const MAP_FILE: Shape = { fields: { ...FILE, flags: { isByFlag: true, values: { fields: FIELDS } } } };
const LIST_FILE: Shape = {
  fields: { ...FILE, flags: { each: { flagIn: 'key', fields: { ...FIELDS, key: 'text' } } } },
};

interface FlagdFlags {
  readonly made: Iterable<Draft>;
  /** What all flags share from then on. */
  readonly set: FlagSet;
  /** What those of the file may refer to. */
  readonly evaluators: FlagSet['evaluators'];
}

/** `there`: what the flags there share, which the file adds to. */
export function fromFlagd(root: Source, there: FlagSet, findings: Findings): FlagdFlags {
  const flags = root.get('flags');
  const isList = Array.isArray(flags.value);
  checkShape(root, isList ? LIST_FILE : MAP_FILE, findings);
  const named = isList ? namedIn(flags, findings) : flags.entries();
  const made = named.values().map(([name, at]): Draft => ({ name, flag: flagOf(at) }));
  return { made, ...sharedBy(root, there, findings.for(null)) };
}

function namedIn(list: Source, findings: Findings): (readonly [string, Source])[] {
  const named = new Map<string, Source>();
  for (const at of list.items()) {
    const key = at.get('key').text();
    if (key === null) findings.add('malformed', null, at, 'A flag has no key');
    else if (named.has(key)) findings.add('duplicate-key', key, at, 'Another flag before it has this key');
    else named.set(key, at);
  }
  return [...named];
}

/** As it stands, to be judged with all others. */
function flagOf(at: Source): SourceFlag {
  const fields = Object.fromEntries(Object.entries(at.fields()).filter(([key]) => Object.hasOwn(FIELDS, key)));
  const { metadata, facts } = splitMetadata(fields['metadata']);
  const definition = { ...fields, ...(metadata === undefined ? {} : { metadata }) } as unknown as FlagDefinition;
  if (metadata === undefined) delete (definition as { metadata?: unknown }).metadata;
  return { ...facts, definition };
}

function sharedBy(root: Source, there: FlagSet, report: Report): Omit<FlagdFlags, 'made'> {
  const [evaluators, metadata] = [root.get('$evaluators'), root.get('metadata')];
  try {
    const set = parseFlagSet({
      evaluators: joined(there.evaluators, evaluators),
      metadata: joined(there.metadata, metadata),
    });
    for (const name of replacedNames(there.evaluators, set.evaluators)) {
      const message = `Another rule is called '${name}' here: flags that refer to it answer by the one of the file`;
      report('evaluator-replaced', evaluators.get(name), message);
    }
    for (const name of replacedNames(there.metadata, set.metadata)) {
      report('metadata-replaced', metadata.get(name), `All flags here say something else as '${name}'`);
    }
    return { set, evaluators: set.evaluators };
  } catch (error) {
    if (!isConfigError(error)) throw error;
    report('invalid-flag', evaluators, error.message);
    // A rule that is there is not what the file means by its name.
    const kept = Object.entries(there.evaluators).filter(([name]) => !evaluators.has(name));
    return { set: there, evaluators: Object.fromEntries(kept) };
  }
}

/** What is no object is left as it is, to be judged with all else. */
function joined(there: Fields, { value }: Source): unknown {
  if (value === undefined || value === null) return there;
  return isFields(value) ? { ...there, ...value } : value;
}

/** Names whose value is another one afterwards. */
export function replacedNames(before: Fields, after: Fields): readonly string[] {
  return Object.keys(before).filter((name) => !isDeepStrictEqual(before[name], after[name]));
}
