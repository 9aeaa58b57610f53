/**
 * Unleash's constraints as conditions. A missing attribute is no match, and `inverted` turns the whole around: what a
 * condition says of a missing attribute has to be the same.
 * @module
 */
import { addressConditions } from './addresses.ts';
import type { Report } from './findings.ts';
import { and, asText, isPresent, isString, type Logic, not, oneOf, or, UNKNOWN, variable } from './logic.ts';
import { hasCase, plainPattern } from './patterns.ts';
import type { Source } from './source.ts';
import type { ContextPaths } from './unleash-context.ts';

interface Asked {
  readonly at: Source;
  /** Of the attribute. */
  readonly path: string;
  /** Trimmed, without empty ones. */
  readonly values: readonly string[];
  readonly value: string | null;
  readonly ignoresCase: boolean;
  readonly report: Report;
}

type Test = (asked: Asked) => Logic;

const TESTS: Readonly<Record<string, Test>> = {
  IN: isIn,
  NOT_IN: (asked) => not(isIn(asked)),
  STR_STARTS_WITH: ofText((text, value) => ({ starts_with: [text, value] })),
  STR_ENDS_WITH: ofText((text, value) => ({ ends_with: [text, value] })),
  STR_CONTAINS: ofText((text, value) => ({ in: [value, text] })),
  NUM_EQ: ofNumber('=='),
  NUM_GT: ofNumber('>'),
  NUM_GTE: ofNumber('>='),
  NUM_LT: ofNumber('<'),
  NUM_LTE: ofNumber('<='),
  DATE_AFTER: ofTime('>='),
  DATE_BEFORE: ofTime('<'),
  SEMVER_EQ: ofVersion('='),
  SEMVER_GT: ofVersion('>'),
  SEMVER_GTE: ofVersion('>='),
  SEMVER_LT: ofVersion('<'),
  SEMVER_LTE: ofVersion('<='),
  REGEX: matches,
  IN_CIDR: ({ at, path, values, report }) => or(addressConditions(path, values, at.get('values'), report)),
};

/** UNKNOWN with a finding where it cannot be said. */
export function constraintCondition(at: Source, context: ContextPaths, report: Report): Logic {
  const operator = at.get('operator').text() ?? '';
  const test = Object.hasOwn(TESTS, operator) ? TESTS[operator]! : null;
  if (test === null) {
    report('unknown-operator', at.get('operator'), `There is no operator ${JSON.stringify(operator.slice(0, 80))}`);
    return UNKNOWN;
  }
  // Dates are compared with the time of the question, whatever attribute is named.
  const path = operator.startsWith('DATE_') ? '' : context.pathOf(at.get('contextName'), report);
  if (path === null) return UNKNOWN;
  const values = at
    .get('values')
    .texts()
    .map((value) => value.trim());
  const condition = test({
    at,
    path,
    values: values.filter((value) => value !== ''),
    value: at.get('value').text(),
    ignoresCase: at.get('caseInsensitive').isTrue,
    report,
  });
  return at.get('inverted').isTrue ? not(condition) : condition;
}

function isIn({ at, path, values, ignoresCase, report }: Asked): Logic {
  if (ignoresCase && values.some(hasCase)) {
    report('case-insensitive', at, 'Upper and lower case cannot be taken for the same');
    return UNKNOWN;
  }
  // Unleash compares texts: an attribute that may come as a number has to become one.
  const isTextOnly = !values.some((value) => /^(true|false)$/.test(value) || !Number.isNaN(Number(value)));
  return oneOf(isTextOnly ? variable(path) : asText(path), values);
}

function ofText(test: (text: Logic, value: string) => Logic): Test {
  return ({ at, path, values, ignoresCase, report }) => {
    if (ignoresCase && values.some(hasCase)) {
      report('case-insensitive', at, 'Upper and lower case cannot be taken for the same');
      return UNKNOWN;
    }
    return or(values.map((value) => test(asText(path), value)));
  };
}

function ofNumber(operator: string): Test {
  return ({ at, path, value, report }) => {
    const number = value === null ? Number.NaN : Number(value);
    if (!Number.isFinite(number)) return never(at, report, 'a number');
    const attribute = variable(path);
    const message = 'Texts count as numbers where they are plain ones, such as "18" and "1.5"; "-5" is no match';
    report('number-text', at, message);
    return and([
      isPresent(attribute),
      { '!==': [attribute, true] },
      { '!==': [attribute, false] },
      or([not(isString(attribute)), { sem_ver: [attribute, '>=', '0.0.0'] }]),
      { [operator]: [attribute, number] },
    ]);
  };
}

/** The time of the question is in whole seconds, cut off: hence `>=` and the next whole one. */
function ofTime(operator: '>=' | '<'): Test {
  return ({ at, value, report }) => {
    const time = Date.parse(value ?? '');
    if (Number.isNaN(time)) return never(at, report, 'a date');
    return { [operator]: [variable('$flagd.timestamp'), Math.ceil(time / 1000)] };
  };
}

function ofVersion(operator: string): Test {
  return ({ at, path, value, report }) => {
    if (!/^\d+\.\d+\.\d+(-[\w.-]+)?(\+[\w.-]+)?$/.test(value ?? '')) return never(at, report, 'a version x.y.z');
    return { sem_ver: [variable(path), operator, value] };
  };
}

function never(at: Source, report: Report, expected: string): Logic {
  report('constant-invalid', at.get('value'), `The value is not ${expected}: Unleash never matches it, nor does this`);
  return false;
}

/** Only patterns that are plain text can be said. */
function matches({ at, path, value, ignoresCase, report }: Asked): Logic {
  const condition = plainPattern(asText(path), value ?? '', ignoresCase);
  if (condition === UNKNOWN) report('regex', at.get('value'), 'Regular expressions cannot be expressed');
  return condition;
}
