/**
 * The answer of a flag of LaunchDarkly as targeting: prerequisites, then who is named, then the rules in their order,
 * then what everybody else gets. Prerequisites are written into the flag: flags know nothing of each other.
 * @module
 */
import { clauseCondition } from './launchdarkly-clauses.ts';
import { contextPath, type LaunchDarklyMaking } from './launchdarkly-context.ts';
import type { LaunchDarklyFlag } from './launchdarkly-model.ts';
import { and, choose, isPresent, type Logic, not, oneOf, split, textVariable, UNKNOWN, variable } from './logic.ts';
import type { Source } from './source.ts';

const WEIGHT_WHOLE = 100_000;

/** What the flag answers while it is on: a variant's name, null for the caller's default, or logic that gives one. */
export function answerOf(flag: LaunchDarklyFlag, making: LaunchDarklyMaking, way: readonly string[] = []): Logic {
  const { config } = flag;
  const asked = and(
    config
      .get('prerequisites')
      .items()
      .map((at) => prerequisiteCondition(at, making, [...way, flag.key])),
  );
  const rules = config
    .get('rules')
    .items()
    .filter((rule) => !isDisabled(rule, making))
    .map((rule, i) => [ruleCondition(rule, making), servedBy(flag, rule, `rule-${i}`, making)] as const);
  const branches = [[not(asked), offName(flag)] as const, ...targetsOf(flag, making), ...rules];
  const known = branches.filter(([condition]) => condition !== UNKNOWN);
  return choose(known, servedBy(flag, config.get('fallthrough'), 'fallthrough', making));
}

/** null: the caller's own default. */
export function offName({ config, names }: LaunchDarklyFlag): string | null {
  const off = config.get('offVariation').number();
  return off === null ? null : (names[off] ?? null);
}

function isDisabled(rule: Source, { report }: LaunchDarklyMaking): boolean {
  const isOff = rule.get('disabled').isTrue;
  if (isOff) report('disabled-rule-dropped', rule, 'The rule is disabled: it is left out');
  return isOff;
}

function ruleCondition(rule: Source, making: LaunchDarklyMaking): Logic {
  if (rule.get('trackEvents').isTrue) {
    making.report('not-carried', rule.get('trackEvents'), 'Flags send no events about their use');
  }
  return and(
    rule
      .get('clauses')
      .items()
      .map((clause) => clauseCondition(clause, making)),
  );
}

/** An entry of contextTargets for users without values stands for the one of `targets` with its variation. */
function targetsOf(flag: LaunchDarklyFlag, making: LaunchDarklyMaking): (readonly [Logic, Logic])[] {
  const targets = flag.config.get('targets').items();
  const contexts = flag.config.get('contextTargets').items();
  const inOrder = contexts.length === 0 ? targets : contexts;
  return inOrder.map((at) => {
    const kind = at.get('contextKind').text() ?? 'user';
    const variation = at.get('variation');
    const isStandIn = kind === 'user' && at.get('values').items().length === 0;
    const twin = targets.find((target) => target.get('variation').value === variation.value);
    const values = (isStandIn ? (twin ?? at) : at).get('values').texts();
    const path = contextPath(kind, ['key'], making.options, (message) => making.report('context-kind', at, message));
    return [oneOf(variable(path), values), nameOf(flag, variation, making)];
  });
}

function servedBy(flag: LaunchDarklyFlag, at: Source, place: string, making: LaunchDarklyMaking): Logic {
  if (at.get('variation').isThere) return nameOf(flag, at.get('variation'), making);
  return rolloutOf(flag, at.get('rollout'), place, making);
}

function nameOf({ names }: LaunchDarklyFlag, at: Source, { report }: LaunchDarklyMaking): Logic {
  const name = names[at.number() ?? -1];
  if (name === undefined) report('malformed', at, 'There is no such variation');
  return name ?? null;
}

function rolloutOf(flag: LaunchDarklyFlag, rollout: Source, place: string, making: LaunchDarklyMaking): Logic {
  const { report, options } = making;
  const weights = weightsOf(flag, rollout, making);
  if (weights === null) return null;
  const isExperiment = rollout.get('kind').text() === 'experiment' || rollout.get('experimentAllocation').isThere;
  if (isExperiment) report('experiment', rollout, 'The split comes over; the experiment and its events do not');
  if (weights.filter(([, weight]) => weight > 0).length > 1) {
    const moved = movedPercent(weights);
    const message = `The shares stay, but about ${moved} % of the users get another variant: another hash`;
    report('bucketing-differs', rollout, message);
  }
  const by = isExperiment ? 'key' : (rollout.get('bucketBy').text() ?? 'key');
  const kind = rollout.get('contextKind').text() ?? 'user';
  const names = by.startsWith('/') && kind !== '' ? by.slice(1).split('/') : [by];
  const path = contextPath(kind, names, options, (message) => report('context-kind', rollout, message));
  const chosen = split(`${flag.key}.${flag.config.get('salt').text() ?? ''}.${place}.`, textVariable(path), weights);
  const first = weights.find(([, weight]) => weight > 0)![0];
  return path === 'targetingKey' || chosen === first ? chosen : choose([[isPresent(variable(path)), chosen]], first);
}

/** What is missing to the whole belongs to the last, what is too much is cut off; null for no rollout at all. */
function weightsOf(
  flag: LaunchDarklyFlag,
  rollout: Source,
  making: LaunchDarklyMaking,
): (readonly [string, number])[] | null {
  const entries = rollout.get('variations').items();
  const weights = new Map<string, number>();
  let left = WEIGHT_WHOLE;
  for (const [i, entry] of entries.entries()) {
    const name = nameOf(flag, entry.get('variation'), making);
    const isLast = i === entries.length - 1;
    const weight = isLast ? left : Math.min(left, Math.max(0, Math.floor(entry.get('weight').number() ?? 0)));
    if (typeof name !== 'string') return null;
    weights.set(name, (weights.get(name) ?? 0) + weight);
    left -= weight;
  }
  if (entries.length > 0) return [...weights];
  making.report('malformed', rollout, 'It serves neither a variation nor a rollout');
  return null;
}

function movedPercent(weights: readonly (readonly [string, number])[]): number {
  return Math.round((1 - weights.reduce((sum, [, weight]) => sum + (weight / WEIGHT_WHOLE) ** 2, 0)) * 100);
}

/** Whether the other flag is on and answers that variation, as it would now. */
function prerequisiteCondition(at: Source, making: LaunchDarklyMaking, way: readonly string[]): Logic {
  const { model, report, findings, budget } = making;
  const key = at.get('key').text() ?? '';
  const flag = model.flags.get(key);
  if (flag === undefined) {
    report('prerequisite-missing', at, `The flag ${JSON.stringify(key.slice(0, 80))} is not in the file`);
    return UNKNOWN;
  }
  if (way.includes(key)) {
    report('cycle', at, `Flags ask for each other: ${[...way, key].join(' -> ')}`);
    return UNKNOWN;
  }
  if (--budget.left < 0) {
    report('too-large', at, 'Too many segments and prerequisites would be written into this flag');
    return UNKNOWN;
  }
  if (findings.isMalformed(flag.at)) report('malformed', flag.at, `The flag ${key} cannot be read`);
  report('prerequisite-inlined', at, `What ${key} asks is written into this flag: later changes of it do not follow`);
  if (!flag.config.get('on').isTrue) return false;
  const answer = answerOf(flag, making, way);
  const wanted = nameOf(flag, at.get('variation'), making);
  return typeof answer === 'object' && answer !== null ? { '===': [answer, wanted] } : answer === wanted;
}
