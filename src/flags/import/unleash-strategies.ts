/**
 * Unleash's strategies as conditions. A strategy holds where all its constraints, all constraints of all its segments
 * and its own rule hold; one that cannot be said is UNKNOWN, and leaving it out lets fewer people in, never more.
 * @module
 */
import { addressConditions } from './addresses.ts';
import type { Findings, Report } from './findings.ts';
import { and, type Logic, oneOf, or, share, UNKNOWN, variable } from './logic.ts';
import type { Source } from './source.ts';
import { constraintCondition } from './unleash-constraints.ts';
import type { ContextPaths } from './unleash-context.ts';
import type { UnleashFeature, UnleashModel, UnleashStrategy } from './unleash-model.ts';

/** What the conditions of one flag are made of, and for whom they say what they find. */
export interface UnleashMaking {
  readonly model: UnleashModel;
  readonly context: ContextPaths;
  readonly findings: Findings;
  readonly report: Report;
}

interface Rule {
  /** The parameters it reads. */
  readonly parameters: readonly string[];
  condition(asked: { parameters: Source; feature: string; making: UnleashMaking }): Logic;
}

const RULES: Readonly<Record<string, Rule>> = {
  default: { parameters: [], condition: () => true },
  userWithId: {
    parameters: ['userIds'],
    condition: ({ parameters, making }) =>
      oneOf(variable(making.context.path('userId')), listed(parameters.get('userIds'))),
  },
  flexibleRollout: {
    parameters: ['rollout', 'stickiness', 'groupId'],
    condition: ({ parameters, feature, making }) => flexibleRollout(parameters, feature, making),
  },
  gradualRolloutUserId: gradualRollout('userId'),
  gradualRolloutSessionId: gradualRollout('sessionId'),
  gradualRolloutRandom: {
    parameters: ['percentage', 'groupId'],
    condition: ({ parameters, feature, making }) =>
      randomShare(parameters.get('percentage'), groupOf(parameters, feature), making),
  },
  remoteAddress: {
    parameters: ['IPs'],
    condition: ({ parameters, making: { context, report } }) => {
      const at = parameters.get('IPs');
      const parts = addressConditions(context.path('remoteAddress'), listed(at), at, report);
      const known = parts.filter((part) => part !== UNKNOWN);
      return known.length < parts.length && or(known) === false ? UNKNOWN : or(known);
    },
  },
};

/** Whether the strategy lets somebody in. */
export function strategyCondition(
  { at, name, segments }: UnleashStrategy,
  feature: UnleashFeature,
  making: UnleashMaking,
): Logic {
  const constraints = at.get('constraints').items();
  return and([
    ...constraints.map((one) => constraintCondition(one, making.context, making.report)),
    ...segments.map((id) => segmentCondition(id, at.get('segments'), making)),
    ruleCondition(at, name, feature.name, making),
  ]);
}

function ruleCondition(at: Source, name: string, feature: string, making: UnleashMaking): Logic {
  const rule = Object.hasOwn(RULES, name) ? RULES[name]! : null;
  const parameters = at.get('parameters');
  if (rule === null) return custom(at, name, making);
  for (const [key, value] of parameters.entries()) {
    if (!rule.parameters.includes(key)) making.report('unknown-field', value, `${name} has no such parameter`);
  }
  return rule.condition({ parameters, feature, making });
}

function custom(at: Source, name: string, { context, report }: UnleashMaking): Logic {
  const isByHost = name === 'applicationHostname';
  const path = context.path('hostname');
  if (isByHost && path !== 'hostname') return oneOf(variable(path), listed(at.get('parameters', 'hostNames')));
  const said = JSON.stringify(at.get('parameters').value ?? {}).slice(0, 200);
  const message = isByHost
    ? `Nobody knows the host of a caller here: ${said}`
    : `The strategy ${JSON.stringify(name.slice(0, 80))} is code of your own: ${said}`;
  report(isByHost ? 'hostname-strategy' : 'custom-strategy', at, message);
  return UNKNOWN;
}

/** What all constraints of a segment ask; UNKNOWN for a segment that is not there with its constraints. */
function segmentCondition(id: number, at: Source, { model, context, findings, report }: UnleashMaking): Logic {
  const segment = model.segments.get(id);
  if (segment === undefined) {
    report('segment-missing', at, `There is no segment ${id} in the file`);
    return UNKNOWN;
  }
  if (!segment.has('constraints')) {
    const message = `The export does not hold what segment ${id} asks: give the segments as a second file`;
    report('segment-constraints-not-in-export', segment, message);
    return UNKNOWN;
  }
  if (findings.isMalformed(segment)) {
    report('malformed', segment, `Segment ${id} cannot be read`);
    return UNKNOWN;
  }
  return and(
    segment
      .get('constraints')
      .items()
      .map((one) => constraintCondition(one, context, report)),
  );
}

function flexibleRollout(parameters: Source, feature: string, making: UnleashMaking): Logic {
  const stickiness = parameters.get('stickiness').text() ?? 'default';
  const group = groupOf(parameters, feature);
  const at = parameters.get('rollout');
  if (stickiness === 'random') return randomShare(at, group, making);
  const percent = percentOf(at, making.report);
  if (stickiness === 'default') {
    if (percent > 0 && percent < 100) {
      making.report('random-becomes-off', at, 'Without a user or a session Unleash decides at random; here it is off');
    }
    return percent >= 100 ? true : stickyShare(at, percent, group, ['userId', 'sessionId'], making);
  }
  return stickyShare(at, percent, group, [stickiness], making);
}

function gradualRollout(field: string): Rule {
  return {
    parameters: ['percentage', 'groupId'],
    condition: ({ parameters, making }) => {
      const at = parameters.get('percentage');
      return stickyShare(at, percentOf(at, making.report), groupOf(parameters, ''), [field], making);
    },
  };
}

function randomShare(at: Source, group: string, making: UnleashMaking): Logic {
  const percent = percentOf(at, making.report);
  if (percent <= 0 || percent >= 100) return percent > 0;
  making.report('random-becomes-sticky', at, 'Every question was answered anew; here a user keeps the answer');
  return stickyShare(at, percent, group, ['userId'], making);
}

/** Nobody without a key is let in. */
function stickyShare(
  at: Source,
  percent: number,
  group: string,
  fields: readonly string[],
  { context, report }: UnleashMaking,
): Logic {
  if (percent <= 0) return false;
  const key = context.keyOf(fields);
  if (percent < 100) reportShare(at, percent / 100, report);
  return and([{ '!!': [key] }, share(`${group}:`, key, percent, 100)]);
}

/** The share stays; who is in it does not. */
function reportShare(at: Source, share: number, report: Report): void {
  const moved = Math.round(2 * share * (1 - share) * 100);
  report('bucketing-differs', at, `The share stays, but about ${moved} % of the users change sides: another hash`);
}

function percentOf(at: Source, report: Report): number {
  const percent = Math.floor(Number(at.text() ?? at.number() ?? Number.NaN));
  if (!Number.isNaN(percent)) return percent;
  report('constant-invalid', at, 'This is no percentage: Unleash lets nobody in, nor does this');
  return 0;
}

/** A strategy without a group of its own splits people by the name of its feature. */
export function groupOf(parameters: Source, feature: string): string {
  const group = parameters.get('groupId').text() ?? '';
  return group === '' ? feature : group;
}

/** @example listed('u-1, u-2') // ['u-1', 'u-2'] */
function listed(at: Source): string[] {
  const entries = (at.text() ?? '').split(',').map((entry) => entry.trim());
  return entries.filter((entry) => entry !== '');
}
