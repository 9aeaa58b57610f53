/**
 * flagd's own files, which are taken as they are: a map of flags or a list of them, what they share, and their facts
 * where our own export put them into metadata.
 * @module
 */
import { isConfigError } from '../../errors/errors.ts';
import { parseFlagSet } from '../definition.ts';
import type { Flag, FlagDefinition, FlagSet } from '../flag.ts';
import type { Draft } from './conversion.ts';
import type { Findings } from './findings.ts';
import { splitMetadata } from './flagd-metadata.ts';
import { checkShape, type Shape } from './shape.ts';
import { isFields, type Source } from './source.ts';

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

export function fromFlagd(root: Source, findings: Findings): { made: Iterable<Draft>; set: FlagSet } {
  const flags = root.get('flags');
  const isList = Array.isArray(flags.value);
  checkShape(root, isList ? LIST_FILE : MAP_FILE, findings);
  const named = isList ? namedIn(flags, findings) : flags.entries();
  const made = named.values().map(([name, at]): Draft => ({ name, flag: flagOf(at) }));
  return { made, set: setOf(root, findings) };
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
function flagOf(at: Source): Flag {
  const fields = Object.fromEntries(Object.entries(at.fields()).filter(([key]) => Object.hasOwn(FIELDS, key)));
  const { metadata, facts } = splitMetadata(fields['metadata']);
  const definition = { ...fields, ...(metadata === undefined ? {} : { metadata }) } as unknown as FlagDefinition;
  if (metadata === undefined) delete (definition as { metadata?: unknown }).metadata;
  return { ...facts, definition };
}

function setOf(root: Source, findings: Findings): FlagSet {
  const evaluators = root.get('$evaluators').value ?? {};
  const metadata = root.get('metadata').value ?? {};
  try {
    return parseFlagSet({ evaluators, metadata });
  } catch (error) {
    if (!isConfigError(error)) throw error;
    findings.add('invalid-flag', null, root.get('$evaluators'), error.message);
    return { evaluators: {}, metadata: isFields(metadata) ? (metadata as FlagSet['metadata']) : {} };
  }
}
