/**
 * LaunchDarkly's clauses and segments as conditions. A missing attribute is no match, also where the clause is negated.
 * Of a segment: who is named is in, who is named as excluded is out, and its rules decide about the others.
 * @module
 */
import { contextPath, isUser, type LaunchDarklyMaking } from './launchdarkly-context.ts';
import { OPERATORS } from './launchdarkly-operators.ts';
import { and, choose, isPresent, type Logic, not, oneOf, or, share, textVariable, UNKNOWN, variable } from './logic.ts';
import type { Source } from './source.ts';

const WEIGHT_WHOLE = 100_000;

/** UNKNOWN with a finding where it cannot be said. `way`: the segments that led here. */
export function clauseCondition(at: Source, making: LaunchDarklyMaking, way: readonly string[] = []): Logic {
  const op = at.get('op').text() ?? '';
  const isNegated = at.get('negate').isTrue;
  if (op === 'segmentMatch') {
    const condition = segmentsCondition(at.get('values'), making, way);
    return isNegated ? not(condition) : condition;
  }
  const attribute = attributeOf(at, making);
  if (attribute === UNKNOWN) return UNKNOWN;
  const test = Object.hasOwn(OPERATORS, op) ? OPERATORS[op]! : null;
  if (test === null) {
    making.report('unknown-operator', at.get('op'), `There is no operator ${JSON.stringify(op.slice(0, 80))}`);
    return UNKNOWN;
  }
  const values = at.get('values').items();
  const mayBeList = !['key', 'kind', 'anonymous'].includes(at.get('attribute').text() ?? '');
  const asked = { at, attribute, mayBeList, values: values.map(({ value }) => value), report: making.report };
  const condition = test(asked);
  return isNegated ? and([isPresent(attribute), not(condition)]) : condition;
}

/** Where the attribute of a clause is found. Without a kind of context it is old data: `/` is part of the name. */
function attributeOf(at: Source, { report, options }: LaunchDarklyMaking): Logic {
  const field = at.get('attribute');
  const name = field.text() ?? '';
  const kind = at.get('contextKind').text() ?? '';
  const isPointer = kind !== '' && name.startsWith('/');
  const names = isPointer ? name.slice(1).split('/').map(unescaped) : [name];
  if (names.some((part) => part === '' || part.startsWith('..') || part.startsWith('$flagd'))) {
    report('malformed', field, 'This cannot be the name of an attribute');
    return UNKNOWN;
  }
  if (name === 'kind') return { var: ['kind', 'user'] };
  if (name === 'anonymous' && isUser(kind)) return { var: ['anonymous', false] };
  if (names.some((part) => part.includes('.'))) {
    report('attribute-with-dot', field, 'Callers have to send it as one name: its dot does not separate');
  }
  return variable(
    contextPath(kind, names, options, (message) => report('context-kind', at.get('contextKind'), message)),
  );
}

function unescaped(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** Whether somebody is in one of the segments. `way`: those that led here. */
function segmentsCondition(values: Source, making: LaunchDarklyMaking, way: readonly string[]): Logic {
  return or(values.texts().map((key) => segmentCondition(key, values, making, way)));
}

function segmentCondition(key: string, at: Source, making: LaunchDarklyMaking, way: readonly string[]): Logic {
  const { model, report, findings, budget } = making;
  const segment = model.segments.get(key);
  if (segment === undefined || segment.get('deleted').isTrue) {
    report('segment-missing', at, `There is no segment ${key.slice(0, 80)} in the files`);
    return UNKNOWN;
  }
  if (segment.get('unbounded').isTrue) {
    report('big-segment', segment, `Who is in ${key.slice(0, 80)} is in no export`);
    return UNKNOWN;
  }
  if (findings.isMalformed(segment)) {
    report('malformed', segment, `The segment ${key.slice(0, 80)} cannot be read`);
    return UNKNOWN;
  }
  if (way.includes(key)) {
    report('cycle', at, `Segments ask for each other: ${[...way, key].join(' -> ')}`);
    return UNKNOWN;
  }
  if (--budget.left < 0) {
    report('too-large', at, 'Too many segments and prerequisites would be written into this flag');
    return UNKNOWN;
  }
  return membership(key, segment, making, [...way, key]);
}

function membership(key: string, segment: Source, making: LaunchDarklyMaking, way: readonly string[]): Logic {
  const named = (keys: string, contexts: string): Logic[] => [
    oneOf(variable(pathOf('user', segment, making)), segment.get(keys).texts()),
    ...segment
      .get(contexts)
      .items()
      .map((one) => {
        const kind = one.get('contextKind').text() ?? 'user';
        return oneOf(variable(pathOf(kind, one, making)), one.get('values').texts());
      }),
  ];
  const rules = segment
    .get('rules')
    .items()
    .map((rule) => ruleCondition(key, rule, making, way));
  const decided = or(rules);
  if (decided === UNKNOWN) return UNKNOWN;
  return choose(
    [
      [or(named('included', 'includedContexts')), true],
      [or(named('excluded', 'excludedContexts')), false],
    ],
    decided,
  );
}

function ruleCondition(key: string, rule: Source, making: LaunchDarklyMaking, way: readonly string[]): Logic {
  const clauses = rule
    .get('clauses')
    .items()
    .map((clause) => clauseCondition(clause, making, way));
  const weight = rule.get('weight').number();
  if (weight === null) return and(clauses);
  if (weight > 0 && weight < WEIGHT_WHOLE) {
    const message = 'The share of the segment stays, but who is in it may change: another hash';
    making.report('bucketing-differs', rule.get('weight'), message);
  }
  const by = rule.get('bucketBy').text() ?? 'key';
  const path = contextPath(rule.get('rolloutContextKind').text() ?? 'user', [by], making.options, (message) =>
    making.report('context-kind', rule, message),
  );
  return and([...clauses, share(`segment:${key}:`, textVariable(path), Math.floor(weight), WEIGHT_WHOLE)]);
}

function pathOf(kind: string, at: Source, { options, report }: LaunchDarklyMaking): string {
  return contextPath(kind, ['key'], options, (message) => report('context-kind', at, message));
}
