/**
 * LaunchDarkly's flags as flags. Their rules are asked in order, so a rule that cannot be said would let people fall to
 * the next one: such a flag is skipped, unless somebody wants it all the same.
 * @module
 */
import type { FlagDefinition, FlagMetadata } from '../flag.ts';
import type { ConversionOptions, Draft, SourceFlag } from './conversion.ts';
import type { Findings, Report } from './findings.ts';
import type { LaunchDarklyMaking } from './launchdarkly-context.ts';
import { type LaunchDarklyFlag, type LaunchDarklyModel, readLaunchDarkly } from './launchdarkly-model.ts';
import { answerOf, offName } from './launchdarkly-targeting.ts';
import { hasContent, isFields, type Source } from './source.ts';

/** Segments and prerequisites that may be written into one flag, those in those included. */
const INLINED_MAX = 200;

/** Each flag is made when it is taken. */
export function* fromLaunchDarkly(
  root: Source,
  segments: Source | null,
  options: ConversionOptions,
  findings: Findings,
): Generator<Draft, void> {
  const model = readLaunchDarkly(root, segments, options.environment, findings);
  for (const flag of model.flags.values()) yield draftOf(flag, model, options, findings);
  for (const [key, at] of model.values) if (!model.flags.has(key)) yield valueDraft(key, at, findings.for(key));
}

function draftOf(
  flag: LaunchDarklyFlag,
  model: LaunchDarklyModel,
  options: ConversionOptions,
  findings: Findings,
): Draft {
  const name = flag.key;
  const report = findings.for(name);
  const making: LaunchDarklyMaking = { model, options, findings, report, budget: { left: INLINED_MAX } };
  reportFlag(flag, report);
  const variants = variantsOf(flag, report);
  if (variants === null || findings.statusOf(name) === 'skipped') return { name, flag: null };
  const metadata = metadataOf(flag);
  const definition = { ...answering(flag, variants, making), ...(hasContent(metadata) ? { metadata } : {}) };
  // People who are let in by a rule that is missing would get what is meant for others.
  const isWanted = findings.statusOf(name) !== 'partial' || options.partial === true;
  return { name, flag: isWanted ? { ...factsOf(flag), definition } : null };
}

function answering(
  flag: LaunchDarklyFlag,
  variants: Readonly<Record<string, unknown>>,
  making: LaunchDarklyMaking,
): FlagDefinition {
  const off = offName(flag);
  if (!flag.config.isThere) return { state: 'DISABLED', variants, defaultVariant: null };
  const answer = answerOf(flag, making);
  if (!flag.config.get('on').isTrue) {
    // A flag that is off keeps its targeting in sight.
    if (off !== null)
      return { state: 'ENABLED', variants, defaultVariant: off, targeting: { if: [false, answer, off] } };
    return { state: 'DISABLED', variants, defaultVariant: null, targeting: asTargeting(answer) };
  }
  if (typeof answer === 'string') return { state: 'ENABLED', variants, defaultVariant: answer };
  return { state: 'ENABLED', variants, defaultVariant: off, targeting: asTargeting(answer) };
}

function asTargeting(answer: unknown): Readonly<Record<string, unknown>> {
  return isFields(answer) ? answer : { if: [true, answer, null] };
}

/** By name; null where they are of types that a flag cannot have. */
function variantsOf({ variations, names, at }: LaunchDarklyFlag, report: Report): Record<string, unknown> | null {
  const wrong = variations.find(({ value }) => typeof value === 'object' && !isFields(value));
  const types = new Set(variations.map(({ value }) => typeof value));
  if (wrong === undefined && types.size === 1) {
    return Object.fromEntries(variations.map(({ value }, i) => [names[i]!, value]));
  }
  const where = wrong ?? at.get('variations');
  report('variation-type', where, 'The variations have to be all booleans, all texts, all numbers or all objects');
  return null;
}

function valueDraft(name: string, at: Source, report: Report): Draft {
  const { value } = at;
  if (typeof value === 'object' && !isFields(value)) {
    report('variation-type', at, 'A list or null cannot be the value of a flag');
    return { name, flag: null };
  }
  const isBoolean = typeof value === 'boolean';
  const variants = isBoolean ? { true: true, false: false } : { value };
  const definition = { state: 'ENABLED', variants, defaultVariant: isBoolean ? String(value) : 'value' } as const;
  return { name, flag: { definition } };
}

function reportFlag({ at, config }: LaunchDarklyFlag, report: Report): void {
  if (at.get('archived').isTrue || config.get('archived').isTrue) report('archived', at, 'It comes as archived');
  if (at.get('deprecated').isTrue) report('deprecated', at.get('deprecated'), 'It gets the tag `deprecated`');
  if (at.get('temporary').isTrue) report('temporary', at.get('temporary'), 'It gets the tag `temporary`, and no date');
  const isMigration = at.get('_purpose').text() === 'migration' || at.get('migration').isThere;
  if (isMigration) report('migration-flag', at, 'It answers the stage as text; the migration itself is not made');
  for (const list of [at.get('goalIds'), at.get('experiments', 'items')]) {
    if (list.items().length > 0) report('experiment', list, 'Experiments do not come over');
  }
  const schema = at.get('variationJsonSchema');
  if (schema.isThere) report('not-carried', schema, 'Variants have no schema of their own');
  for (const field of ['trackEvents', 'trackEventsFallthrough']) {
    if (config.get(field).isTrue) report('not-carried', config.get(field), 'Flags send no events about their use');
  }
}

/** Each of them only where the export speaks of it: what SDKs load has next to none. */
function factsOf({ at, config }: LaunchDarklyFlag): Omit<SourceFlag, 'definition'> {
  const visibility = at.get('clientSideAvailability');
  const isVisible = visibility.isThere
    ? visibility.get('usingEnvironmentId').isTrue || visibility.get('usingMobileKey').isTrue
    : at.get('includeInSnippet').isTrue || at.get('clientSide').isTrue;
  const says = (...fields: readonly string[]): boolean => fields.some((field) => at.has(field));
  const isArchived = at.get('archived').isTrue || config.get('archived').isTrue;
  const saysArchived = says('archived') || config.has('archived');
  return {
    ...(says('clientSideAvailability', 'includeInSnippet', 'clientSide') ? { clientVisible: isVisible } : {}),
    ...(says('description') ? { description: at.get('description').text() } : {}),
    ...(says('_maintainer', 'maintainerTeamKey', 'maintainerId') ? { owner: ownerOf(at) } : {}),
    ...(says('tags') ? { tags: at.get('tags').texts() } : {}),
    marks: ['temporary', 'deprecated'].filter((mark) => at.get(mark).isTrue),
    // When is not in every export.
    ...(saysArchived ? { archivedAt: isArchived ? (at.get('archivedDate').number() ?? 0) : null } : {}),
  };
}

function ownerOf(at: Source): string | null {
  return at.get('_maintainer', 'email').text() ?? at.get('maintainerTeamKey').text() ?? at.get('maintainerId').text();
}

function metadataOf({ at, config }: LaunchDarklyFlag): FlagMetadata {
  const rules = config.get('rules').items();
  const described = rules.flatMap((rule) => rule.get('description').text() ?? []).filter((text) => text !== '');
  const said = {
    name: at.get('name').text(),
    'launchdarkly.createdAt': isoTime(at.get('creationDate')),
    'launchdarkly.modifiedAt': isoTime(config.get('lastModified')),
    'launchdarkly.rules': described.length === 0 ? null : described.join('; '),
  };
  const custom = at
    .get('customProperties')
    .entries()
    .map(([key, property]) => [`launchdarkly.${key}`, property.get('value').texts().join(', ')] as const);
  return Object.fromEntries([...Object.entries(said), ...custom].filter(([, text]) => text !== null)) as FlagMetadata;
}

function isoTime(at: Source): string | null {
  const time = at.number();
  return time === null || Math.abs(time) > 8.64e15 ? null : new Date(time).toISOString();
}
