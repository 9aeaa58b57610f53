/**
 * Exports of other flag services as flags of ours. Nothing is written, and nothing is dropped in silence: what does not
 * come over as it was is a finding, and a flag that would not be a good one is skipped.
 * @module
 */
import { isConfigError } from '../../errors/errors.ts';
import { parseDefinition } from '../definition.ts';
import { DESCRIPTION_LENGTH_MAX, OWNER_LENGTH_MAX, parseFacts, TAG_LENGTH_MAX, TAGS_MAX } from '../facts.ts';
import { type Flag, type FlagFacts, type FlagSet, NO_FACTS } from '../flag.ts';
import type { Conversion, ConversionOptions, ConvertedFlag, Draft, SourceFlag, There } from './conversion.ts';
import { readExport, readSegments } from './detect.ts';
import { Findings, STATUSES } from './findings.ts';
import { fromFlagd } from './flagd.ts';
import { fromLaunchDarkly } from './launchdarkly.ts';
import { Source } from './source.ts';
import { fromUnleash } from './unleash.ts';

const NOTHING: There = { flags: new Map(), set: { evaluators: {}, metadata: {} } };

/**
 * `text` is JSON, `there` what the flags come to. The work stops after each flag, so that whoever drives it can let
 * others go first. Throws ERR_IMPORT for what is no export, and where the environment is missing; all else is findings.
 * @example
 * const { flags, findings } = drain(converting(text, { environment: 'production' }));
 * flags[0] // { key: 'checkout', status: 'approximate', flag: { definition: { state: 'ENABLED', ... }, ... } }
 */
export function* converting(
  text: string,
  options: ConversionOptions = {},
  there: There = NOTHING,
): Generator<undefined, Conversion> {
  const { format, root } = readExport(text, options.format);
  yield;
  const segments = options.segments === undefined ? null : readSegments(options.segments, format);
  const findings = new Findings();
  const { made, set, evaluators } =
    format === 'flagd'
      ? fromFlagd(root, there.set, findings)
      : {
          made: (format === 'unleash' ? fromUnleash : fromLaunchDarkly)(root, segments, options, findings),
          set: there.set,
          evaluators: {},
        };
  const drafts: Draft[] = [];
  for (const draft of made) {
    drafts.push(draft);
    yield;
  }
  const taken = new Set<string>();
  const flags: ConvertedFlag[] = [];
  // After all drafts: what one of them finds may be about another one.
  for (const draft of drafts) {
    flags.push(finished(draft, { prefix: options.prefix ?? '', there: there.flags, evaluators, taken, findings }));
    yield;
  }
  return { format, flags, set, findings: findings.list };
}

interface Finishing {
  readonly prefix: string;
  readonly there: There['flags'];
  readonly evaluators: FlagSet['evaluators'];
  /** The keys so far. */
  readonly taken: Set<string>;
  readonly findings: Findings;
}

/** Its key, and whether it is as good as one that somebody puts. */
function finished({ name, suffix = '', flag }: Draft, finishing: Finishing): ConvertedFlag {
  const { prefix, taken, findings } = finishing;
  const own = name + suffix;
  const key = prefix + own;
  const at = new Source(key);
  if (taken.has(key)) findings.add('name-clash', own, at, 'Another flag has this key');
  taken.add(key);
  const statusOf = () =>
    STATUSES[Math.max(STATUSES.indexOf(findings.statusOf(name)), STATUSES.indexOf(findings.statusOf(own)))]!;
  if (flag === null || statusOf() === 'skipped') return { key, status: 'skipped', flag: null };
  const checked = checkedFlag(own, key, flag, finishing);
  return { key, status: checked === null ? 'skipped' : statusOf(), flag: checked };
}

function checkedFlag(
  own: string,
  key: string,
  flag: SourceFlag,
  { there, evaluators, findings }: Finishing,
): Flag | null {
  const known = there.get(key) ?? null;
  try {
    const definition = parseDefinition(key, flag.definition, evaluators);
    const facts = parseFacts(fitting(own, { ...(known ?? NO_FACTS), ...flag }, findings), NO_FACTS);
    return { ...facts, definition, archivedAt: archivedAtOf(own, flag, known, findings) };
  } catch (error) {
    if (!isConfigError(error)) throw error;
    findings.add('invalid-flag', own, new Source(key), error.message);
    return null;
  }
}

/** Whether it answers from then on is not changed in silence. */
function archivedAtOf(own: string, { archivedAt }: SourceFlag, known: Flag | null, findings: Findings): number | null {
  const before = known?.archivedAt ?? null;
  const report = findings.for(own);
  if (before === null) {
    if (known !== null && typeof archivedAt === 'number')
      report('archived', new Source(archivedAt), 'It is in use here');
    return archivedAt ?? null;
  }
  if (archivedAt === undefined) report('stays-archived', new Source(before), 'It is archived here, and stays so');
  if (archivedAt === null) report('unarchived', new Source(before), 'It is archived here, and comes back into use');
  return archivedAt === undefined || archivedAt === 0 ? before : archivedAt;
}

/** What is too long for a fact is cut, or left out, with a finding. */
function fitting(own: string, flag: FlagFacts & Pick<SourceFlag, 'marks'>, findings: Findings): FlagFacts {
  const { clientVisible, description, owner, expiresAt, marks = [] } = flag;
  const tags = [...new Set([...flag.tags, ...marks])];
  const kept = tags.filter((tag) => tag !== '' && tag.length <= TAG_LENGTH_MAX).slice(0, TAGS_MAX);
  if (kept.length < tags.length) {
    findings.add(
      'not-carried',
      own,
      new Source(tags.filter((tag) => !kept.includes(tag))),
      'Tags that are too many or too long',
    );
  }
  const cut = (text: string | null, max: number): string | null => {
    if (text === null || text.length <= max) return text;
    findings.add('not-carried', own, new Source(text.slice(max)), `The end of a text of more than ${max} characters`);
    return text.slice(0, max);
  };
  return {
    clientVisible,
    description: cut(description, DESCRIPTION_LENGTH_MAX),
    owner: cut(owner, OWNER_LENGTH_MAX),
    tags: kept,
    expiresAt,
  };
}
