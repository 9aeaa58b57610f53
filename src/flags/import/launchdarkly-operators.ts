/**
 * LaunchDarkly's operators as conditions. Of an attribute that is a list every element is asked, which only `in` can
 * say. None of the conditions throws for an attribute that is missing or of another type.
 * @module
 */
import type { Report } from './findings.ts';
import { and, isNumber, isString, type Logic, oneOf, or, UNKNOWN, variable } from './logic.ts';
import { plainPattern } from './patterns.ts';
import type { Source } from './source.ts';

export interface Asked {
  readonly at: Source;
  readonly attribute: Logic;
  /** A list is possible. */
  readonly mayBeList: boolean;
  readonly values: readonly unknown[];
  readonly report: Report;
}

export const OPERATORS: Readonly<Record<string, (asked: Asked) => Logic>> = {
  in: isIn,
  startsWith: ofText((attribute, value) => ({ starts_with: [attribute, value] })),
  endsWith: ofText((attribute, value) => ({ ends_with: [attribute, value] })),
  contains: ofText((attribute, value) => and([isString(attribute), { in: [value, attribute] }])),
  matches,
  lessThan: ofNumber('<'),
  lessThanOrEqual: ofNumber('<='),
  greaterThan: ofNumber('>'),
  greaterThanOrEqual: ofNumber('>='),
  before: ofTime('<'),
  after: ofTime('>'),
  semVerEqual: ofVersion('='),
  semVerLessThan: ofVersion('<'),
  semVerGreaterThan: ofVersion('>'),
};

function isIn({ at, attribute, mayBeList, values, report }: Asked): Logic {
  if (values.some((value) => typeof value === 'object')) {
    report('complex-value', at.get('values'), 'Objects, lists and null cannot be compared with');
    return UNKNOWN;
  }
  if (!mayBeList || values.length === 0) return oneOf(attribute, values);
  return { some: [{ merge: [attribute] }, { in: [variable(''), values] }] };
}

function ofText(test: (attribute: Logic, value: string) => Logic): (asked: Asked) => Logic {
  return (asked) => {
    reportList(asked);
    return or(textsOf(asked).map((value) => test(asked.attribute, value)));
  };
}

function matches(asked: Asked): Logic {
  const { at, attribute, report } = asked;
  reportList(asked);
  const parts = textsOf(asked).map((value) => {
    const condition = plainPattern(attribute, value);
    return condition === UNKNOWN ? UNKNOWN : and([isString(attribute), condition]);
  });
  if (parts.includes(UNKNOWN)) report('regex', at.get('values'), 'Regular expressions cannot be expressed');
  return parts.includes(UNKNOWN) ? UNKNOWN : or(parts);
}

function ofNumber(operator: string): (asked: Asked) => Logic {
  return ({ at, attribute, values, report }) => {
    const numbers = values.filter((value) => typeof value === 'number');
    if (numbers.length < values.length) never(at, report, 'a number');
    report('non-scalar-attribute', at, 'Where the attribute is a list or an object, the flag answers an error');
    return or(numbers.map((number) => and([...isNumber(attribute), { [operator]: [attribute, number] }])));
  };
}

function ofTime(operator: string): (asked: Asked) => Logic {
  return ({ at, attribute, values, report }) => {
    const times = values.map((value) => (typeof value === 'number' ? value : Date.parse(String(value))));
    const good = times.filter((time) => Number.isFinite(time));
    if (good.length < times.length) never(at, report, 'a date');
    report('date-attribute', at, 'Callers have to send milliseconds since 1970: a date as text is no match');
    return or(good.map((time) => and([...isNumber(attribute), { [operator]: [attribute, time] }])));
  };
}

function ofVersion(operator: string): (asked: Asked) => Logic {
  return (asked) => {
    const { at, attribute, report } = asked;
    reportList(asked);
    const versions = textsOf(asked).map(fullVersion);
    if (versions.includes(null)) never(at, report, 'a version');
    return or(versions.flatMap((version) => (version === null ? [] : [{ sem_ver: [attribute, operator, version] }])));
  };
}

/** @example fullVersion('2.1-rc') // '2.1.0-rc' */
function fullVersion(text: string): string | null {
  const match = /^(\d+)(?:\.(\d+))?(?:\.(\d+))?([-+][\w.+-]+)?$/.exec(text);
  return match === null ? null : `${match[1]}.${match[2] ?? 0}.${match[3] ?? 0}${match[4] ?? ''}`;
}

function textsOf({ at, values, report }: Asked): string[] {
  const texts = values.filter((value) => typeof value === 'string');
  if (texts.length < values.length) never(at, report, 'a text');
  return texts;
}

function never(at: Source, report: Report, expected: string): void {
  report('constant-invalid', at.get('values'), `A value is not ${expected}: it never matches, there nor here`);
}

function reportList({ at, mayBeList, report }: Asked): void {
  if (mayBeList) report('array-attribute', at, 'Where the attribute is a list, none of its elements matches');
}
