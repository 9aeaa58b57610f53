/**
 * Unleash's exports as flags. Every feature becomes a boolean flag; one with variants a second flag, `<name>.variant`,
 * that answers their payloads. What a feature asks of another one is written into it: flags know nothing of each other.
 * @module
 */
import type { FlagDefinition } from '../flag.ts';
import type { ConversionOptions, Draft, SourceFlag } from './conversion.ts';
import { Findings } from './findings.ts';
import { and, choose, type Logic, not, oneOf, or, UNKNOWN } from './logic.ts';
import { checkShape } from './shape.ts';
import { type Fields, hasContent, isFields, type Source } from './source.ts';
import { ContextPaths } from './unleash-context.ts';
import { factsOf, metadataOf, reportFeature } from './unleash-facts.ts';
import { readUnleash, type UnleashFeature } from './unleash-model.ts';
import { SEGMENT_SHAPE, UNLEASH_SHAPE } from './unleash-shape.ts';
import { groupOf, strategyCondition, type UnleashMaking } from './unleash-strategies.ts';
import { variantChoice, variantValues } from './unleash-variants.ts';

const NOT_CARRIED = ['contextFields', 'tagTypes', 'tags', 'strategies', 'projects', 'environments'];
const VARIANT_SUFFIX = '.variant';

/** `root` is the export itself, without what an import request wraps around it. Each flag is made when it is taken. */
export function fromUnleash(
  root: Source,
  segments: Source | null,
  options: ConversionOptions,
  findings: Findings,
): Iterable<Draft> {
  checkShape(root, UNLEASH_SHAPE, findings);
  if (segments !== null) checkSegments(segments, findings);
  const model = readUnleash(root, segments, options.environment);
  for (const key of NOT_CARRIED) {
    if (hasContent(root.get(key).value)) findings.add('not-carried', null, root.get(key), 'Flags have nothing like it');
  }
  for (const at of model.repeated) {
    findings.add('malformed', at.get('name').text(), at, 'A feature has no name, or one that came before');
  }
  const context = new ContextPaths(options);
  return model.features
    .values()
    .flatMap((feature) => draftsOf(feature, { model, context, findings, report: findings.for(feature.name) }));
}

function checkSegments(file: Source, findings: Findings): void {
  const list = { each: SEGMENT_SHAPE };
  checkShape(file, file.has('segments') ? { fields: { segments: list } } : list, findings);
}

function draftsOf(feature: UnleashFeature, making: UnleashMaking): Draft[] {
  const { name } = feature;
  reportFeature(feature, making.report);
  const boolean: Draft = { name, flag: flagOf(feature, booleanDefinition(feature, making)) };
  const variants = allVariants(feature);
  if (variants.length === 0 || feature.environment === null) return [boolean];
  const report = making.findings.for(name + VARIANT_SUFFIX);
  const values = variantValues(variants, report);
  const definition = values === null ? null : variantDefinition(feature, values, { ...making, report });
  return [boolean, { name, suffix: VARIANT_SUFFIX, flag: definition && flagOf(feature, definition) }];
}

function flagOf(feature: UnleashFeature, definition: FlagDefinition): SourceFlag {
  const metadata = metadataOf(feature);
  const whole = { ...definition, ...(hasContent(metadata) ? { metadata } : {}) };
  return { ...factsOf(feature), definition: whole };
}

function booleanDefinition(feature: UnleashFeature, making: UnleashMaking): FlagDefinition {
  const condition = conditionOf(feature, making);
  const { isEnabled } = feature;
  const always = { state: 'ENABLED', variants: { on: true, off: false } } as const;
  if (condition === false) return { ...always, defaultVariant: 'off' };
  if (condition === true && isEnabled) return { ...always, defaultVariant: 'on' };
  const answer = condition === true ? 'on' : { if: [condition, 'on', 'off'] };
  return { ...always, defaultVariant: 'off', targeting: isEnabled ? asTargeting(answer) : keptOff(answer, 'off') };
}

/** Who is not let in gets the caller's default, as in Unleash. */
function variantDefinition(
  feature: UnleashFeature,
  variants: Readonly<Record<string, unknown>>,
  making: UnleashMaking,
): FlagDefinition {
  const answer = choiceOf(feature, making);
  const targeting = feature.isEnabled ? asTargeting(answer) : keptOff(answer, null);
  return { state: 'ENABLED', variants, defaultVariant: null, targeting };
}

/** What is off keeps its targeting in sight. */
function keptOff(answer: Logic, off: Logic): Fields {
  return { if: [false, answer, off] };
}

/** A targeting is an object. */
function asTargeting(answer: Logic): Fields {
  return isFields(answer) ? answer : { if: [true, answer, null] };
}

/** Whether a feature that is on lets somebody in, what it asks of others included. */
function conditionOf(feature: UnleashFeature, making: UnleashMaking): Logic {
  const conditions = branchesOf(feature, making).map(({ condition }) => condition);
  return and([dependenciesOf(feature, making), or(conditions)]);
}

/** What somebody gets who is let in, by the first strategy that lets them in; null: no variant. */
function choiceOf(feature: UnleashFeature, making: UnleashMaking): Logic {
  const branches = branchesOf(feature, making).map(({ condition, choice }) => [condition, choice()] as const);
  const chosen = choose(branches, null);
  const asked = dependenciesOf(feature, making);
  return asked === true ? chosen : choose([[asked, chosen]], null);
}

interface Branch {
  readonly condition: Logic;
  /** The variant that it gives. */
  readonly choice: () => Logic;
}

/** Each strategy that can be said. Those that are UNKNOWN are left out: they let nobody in. */
function branchesOf(feature: UnleashFeature, making: UnleashMaking): Branch[] {
  const { name, strategies, variants } = feature;
  const ofFeature = (): Logic => (variants.length === 0 ? null : variantChoice(variants, name, null, making));
  const asked = strategies.filter(({ at }) => !at.get('disabled').isTrue);
  if (asked.length === 0) return [{ condition: true, choice: ofFeature }];
  return asked
    .map((strategy) => {
      const own = strategy.at.get('variants').items();
      const group = groupOf(strategy.at.get('parameters'), name);
      const stickiness = strategy.at.get('parameters', 'stickiness').text();
      const choice = own.length === 0 ? ofFeature : () => variantChoice(own, group, stickiness, making);
      return { condition: strategyCondition(strategy, feature, making), choice };
    })
    .filter(({ condition }) => condition !== UNKNOWN);
}

/** What the features ask on which this one depends, as it is now. */
function dependenciesOf(feature: UnleashFeature, making: UnleashMaking): Logic {
  return and(feature.dependencies.map((at) => dependencyCondition(at, making)));
}

function dependencyCondition(at: Source, making: UnleashMaking): Logic {
  const { model, report, findings } = making;
  const name = at.get('feature').text() ?? '';
  const parent = model.features.get(name);
  const wantsOn = at.get('enabled').value !== false;
  if (parent === undefined) {
    report('dependency-missing', at, `The feature ${JSON.stringify(name.slice(0, 80))} is not in the file`);
    return UNKNOWN;
  }
  report('dependency-inlined', at, `What ${name} asks is written into this flag: later changes of it do not follow`);
  // Unleash follows one level only: a parent with parents of its own is never satisfied.
  if (parent.dependencies.length > 0) return false;
  if (!parent.isEnabled) return !wantsOn;
  const names = at.get('variants').texts();
  // Fewer people than in Unleash would be in the parent, or in a variant of another strategy of it.
  const isExactOnly = !wantsOn || (names.length > 0 && hasOwnVariants(parent));
  if (isExactOnly && isPartial(parent, making)) {
    report('dependency-missing', at, `What ${name} answers cannot be said: a part of it had to be left out`);
    return UNKNOWN;
  }
  if (findings.isMalformed(parent.at)) report('malformed', at, `${name} cannot be read`);
  const isOn = conditionOf(parent, making);
  if (!wantsOn) return not(isOn);
  return names.length === 0 ? isOn : and([isOn, oneOf(choiceOf(parent, making), names)]);
}

function isPartial(parent: UnleashFeature, making: UnleashMaking): boolean {
  const alone = new Findings();
  conditionOf(parent, { ...making, report: alone.for(parent.name) });
  return alone.statusOf(parent.name) !== 'exact' && alone.statusOf(parent.name) !== 'approximate';
}

function hasOwnVariants({ strategies }: UnleashFeature): boolean {
  return strategies.some(({ at }) => at.get('variants').items().length > 0);
}

function allVariants({ strategies, variants }: UnleashFeature): Source[] {
  const ofStrategies = strategies
    .filter(({ at }) => !at.get('disabled').isTrue)
    .flatMap(({ at }) => at.get('variants').items());
  return [...variants, ...ofStrategies];
}
