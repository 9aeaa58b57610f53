/** Unleash's exports as flags: the same answers where a flag is exact, and a finding where it is not. @module */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { answer, codesOf, convert, flagOf, sample, statusOf } from './fixtures.ts';

type Context = Readonly<Record<string, unknown>>;

interface Constraint {
  readonly contextName: string;
  readonly operator: string;
  readonly values: readonly string[];
  readonly value: string;
  readonly inverted: boolean;
}

function exported(strategies: readonly object[], parts: object = {}, feature: object = {}): string {
  return JSON.stringify({
    features: [{ name: 'it', ...feature }],
    featureStrategies: strategies.map((strategy) => ({ name: 'default', featureName: 'it', ...strategy })),
    featureEnvironments: [{ featureName: 'it', environment: 'production', enabled: true }],
    ...parts,
  });
}

/** What Unleash's clients answer, for what is exact: every attribute is compared as text. */
function holds({ contextName, operator, values, value, inverted }: Constraint, context: Context): boolean {
  const raw = context[contextName === 'userId' ? 'targetingKey' : contextName];
  const text = raw === undefined ? null : `${raw as string | number | boolean}`;
  const order = text === null ? null : versionOrder(text, value);
  const tests: Record<string, () => boolean> = {
    IN: () => text !== null && values.includes(text),
    NOT_IN: () => text === null || !values.includes(text),
    STR_STARTS_WITH: () => text !== null && values.some((one) => text.startsWith(one)),
    STR_ENDS_WITH: () => text !== null && values.some((one) => text.endsWith(one)),
    STR_CONTAINS: () => text !== null && values.some((one) => text.includes(one)),
    NUM_EQ: () => Number(text ?? Number.NaN) === Number(value),
    NUM_GT: () => Number(text ?? Number.NaN) > Number(value),
    NUM_GTE: () => Number(text ?? Number.NaN) >= Number(value),
    NUM_LT: () => Number(text ?? Number.NaN) < Number(value),
    NUM_LTE: () => Number(text ?? Number.NaN) <= Number(value),
    SEMVER_EQ: () => order === 0,
    SEMVER_GT: () => order !== null && order > 0,
    SEMVER_GTE: () => order !== null && order >= 0,
    SEMVER_LT: () => order !== null && order < 0,
    SEMVER_LTE: () => order !== null && order <= 0,
  };
  return tests[operator]!() !== inverted;
}

function versionOrder(a: string, b: string): number | null {
  const parts = (text: string) => /^(\d+)\.(\d+)\.(\d+)$/.exec(text)?.slice(1).map(Number);
  const [left, right] = [parts(a), parts(b)];
  if (left === undefined || right === undefined) return null;
  const i = left.findIndex((part, at) => part !== right[at]);
  return i < 0 ? 0 : left[i]! - right[i]!;
}

const word = fc.constantFrom('SE', 'NO', 'se', 'a', 'ab', 'b', 'x.y', '7', 'true', '1.5');
const base = { inverted: fc.boolean(), value: fc.constant('') };
const textConstraint = fc.record({
  ...base,
  contextName: fc.constantFrom('userId', 'country', 'dotted.name'),
  operator: fc.constantFrom('IN', 'NOT_IN', 'STR_STARTS_WITH', 'STR_ENDS_WITH', 'STR_CONTAINS'),
  values: fc.array(word, { maxLength: 3 }),
});
const numberConstraint = fc.record({
  ...base,
  contextName: fc.constantFrom('age', 'score'),
  operator: fc.constantFrom('NUM_EQ', 'NUM_GT', 'NUM_GTE', 'NUM_LT', 'NUM_LTE'),
  values: fc.constant([]),
  value: fc.constantFrom('18', '-1', '0', '1.5'),
});
const versionConstraint = fc.record({
  ...base,
  contextName: fc.constant('appVersion'),
  operator: fc.constantFrom('SEMVER_EQ', 'SEMVER_GT', 'SEMVER_GTE', 'SEMVER_LT', 'SEMVER_LTE'),
  values: fc.constant([]),
  value: fc.constantFrom('1.2.3', '2.0.0', '1.10.0'),
});
const constraint: fc.Arbitrary<Constraint> = fc.oneof(textConstraint, numberConstraint, versionConstraint);
const scalar = fc.oneof(word, fc.constantFrom(7, 1.5, true));
const number = fc.oneof(fc.constantFrom(0, 17, 18, 18.5, -3), fc.constantFrom('18', '1.5', '20', 'abc', '1x'));
const context = fc.record(
  {
    targetingKey: word,
    country: scalar,
    'dotted.name': scalar,
    age: number,
    score: number,
    appVersion: fc.constantFrom('1.2.3', '1.9.9', '1.10.0', '2.0.0', 'none'),
  },
  { requiredKeys: [] },
);

describe('a flag that is exact answers as Unleash does', () => {
  test('for every constraint and everybody', () => {
    const strategies = fc.array(fc.array(constraint, { maxLength: 3 }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(strategies, fc.array(context, { minLength: 4, maxLength: 8 }), (all, contexts) => {
        const conversion = convert(exported(all.map((constraints) => ({ constraints }))));
        expect(statusOf(conversion, 'it')).toBe('exact');
        for (const one of contexts) {
          const wanted = all.some((constraints) => constraints.every((asked) => holds(asked, one)));
          expect(answer(flagOf(conversion, 'it'), one)).toBe(wanted);
        }
      }),
      { seed: 4, numRuns: 150 },
    );
  });

  const inside = { remoteAddress: '10.20.3.4', targetingKey: 'u-2', sessionId: 's' };
  test.each([
    ['default', {}, {}, true],
    ['userWithId', { userIds: 'u-1, u-2' }, inside, true],
    ['userWithId', { userIds: 'u-1, u-2' }, { targetingKey: 'u-3' }, false],
    ['userWithId', { userIds: '' }, {}, false],
    ['flexibleRollout', { rollout: '100', stickiness: 'default' }, {}, true],
    ['flexibleRollout', { rollout: '100', stickiness: 'sessionId' }, {}, false],
    ['flexibleRollout', { rollout: '100', stickiness: 'sessionId' }, inside, true],
    ['flexibleRollout', { rollout: '0' }, inside, false],
    ['gradualRolloutUserId', { percentage: '100' }, inside, true],
    ['gradualRolloutUserId', { percentage: '100' }, {}, false],
    ['gradualRolloutRandom', { percentage: '100' }, {}, true],
    ['remoteAddress', { IPs: '10.20.0.0/16, 192.0.2.7' }, inside, true],
    ['remoteAddress', { IPs: '10.20.0.0/16, 192.0.2.7' }, { remoteAddress: '10.200.0.1' }, false],
    ['remoteAddress', { IPs: '203.0.113.64/27' }, { remoteAddress: '203.0.113.95' }, true],
    ['remoteAddress', { IPs: '203.0.113.64/27' }, { remoteAddress: '203.0.113.96' }, false],
    ['remoteAddress', { IPs: '10.16.0.0/12' }, inside, true],
    ['remoteAddress', { IPs: '10.32.0.0/12' }, inside, false],
    ['remoteAddress', { IPs: '192.0.2.7/32' }, { remoteAddress: '192.0.2.7' }, true],
    ['remoteAddress', { IPs: '0.0.0.0/0' }, inside, true],
  ])('%s %j', (name, parameters, asked, wanted) => {
    const conversion = convert(exported([{ name, parameters }]));
    expect(statusOf(conversion, 'it')).toBe('exact');
    expect(answer(flagOf(conversion, 'it'), asked)).toBe(wanted);
  });

  test('a feature without strategies is on for everybody, one that is off for nobody', () => {
    expect(flagOf(convert(exported([])), 'it').definition.defaultVariant).toBe('on');
    const off = { featureEnvironments: [{ featureName: 'it', environment: 'production', enabled: false }] };
    const flag = flagOf(convert(exported([{ constraints: [] }], off)), 'it');
    expect(answer(flag, {})).toBe(false);
    expect(flag.definition.targeting).toEqual({ if: [false, 'on', 'off'] });
  });

  test('dates, patterns that are plain text, overrides and the only variant', () => {
    const dates = [{ contextName: 'currentTime', operator: 'DATE_AFTER', value: '2001-01-01T00:00:00.000Z' }];
    expect(answer(flagOf(convert(exported([{ constraints: dates }])), 'it'), {})).toBe(true);
    const pattern = [{ contextName: 'email', operator: 'REGEX', value: '^kim@' }];
    const matching = flagOf(convert(exported([{ constraints: pattern }])), 'it');
    expect(answer(matching, { email: 'kim@example.com' })).toBe(true);
    expect(answer(matching, {})).toBe(false);
    const variants = [
      {
        name: 'a',
        weight: 0,
        payload: { type: 'json', value: '{"n":1}' },
        overrides: [{ contextName: 'plan', values: ['7'] }],
      },
      { name: 'b', weight: 1000, payload: { type: 'json', value: '{"n":2}' }, overrides: [] },
    ];
    const conversion = convert(exported([{ variants }]));
    expect(statusOf(conversion, 'it.variant')).toBe('exact');
    expect(answer(flagOf(conversion, 'it.variant'), { plan: 7 })).toEqual({ n: 1 });
    expect(answer(flagOf(conversion, 'it.variant'), {})).toEqual({ n: 2 });
  });
});

describe('what is not exact', () => {
  test('a share stays a share, and the variants of those who are let in keep their weights', () => {
    const parameters = { rollout: '50', stickiness: 'userId', groupId: 'g' };
    const variants = ['a', 'b'].map((name) => ({ name, weight: 500, stickiness: 'default' }));
    const conversion = convert(exported([{ name: 'flexibleRollout', parameters, variants }]));
    const got = Array.from({ length: 2000 }, (_, i) => ({ targetingKey: `user-${i}` })).map((one) =>
      answer(flagOf(conversion, 'it.variant'), one),
    );
    const counts = ['a', 'b'].map((name) => got.filter((value) => value === name).length);
    for (const count of counts) expect(Math.abs(count - 500)).toBeLessThan(75);
    expect(codesOf(conversion, 'it')).toEqual(['bucketing-differs']);
    expect(answer(flagOf(conversion, 'it'), {})).toBe(false);
  });

  const constraints = (one: object) => exported([{ constraints: [{ contextName: 'email', values: ['a'], ...one }] }]);
  test.each([
    ['case-insensitive', constraints({ operator: 'STR_CONTAINS', caseInsensitive: true }), 'partial'],
    ['regex', constraints({ operator: 'REGEX', value: 'a|b' }), 'partial'],
    ['cidr', constraints({ operator: 'IN_CIDR', values: ['10.0.0.0/8', '2001:db8::/32'] }), 'partial'],
    ['unknown-operator', constraints({ operator: 'NEWER' }), 'partial'],
    ['constant-invalid', constraints({ operator: 'NUM_GT', value: 'x' }), 'exact'],
    ['static-context-field', constraints({ contextName: 'environment', operator: 'IN' }), 'exact'],
    ['attribute-with-dot', constraints({ contextName: 'a.b', operator: 'IN' }), 'exact'],
    ['malformed', constraints({ contextName: '../x', operator: 'IN' }), 'skipped'],
    ['custom-strategy', exported([{ name: 'acme', parameters: { tenants: 'a' } }]), 'partial'],
    ['hostname-strategy', exported([{ name: 'applicationHostname', parameters: { hostNames: 'h' } }]), 'partial'],
    ['segment-missing', exported([{ segments: [3] }]), 'partial'],
    ['all-strategies-disabled', exported([{ disabled: true }]), 'exact'],
    [
      'random-becomes-sticky',
      exported([{ name: 'gradualRolloutRandom', parameters: { percentage: '9' } }]),
      'approximate',
    ],
    ['random-becomes-off', exported([{ name: 'flexibleRollout', parameters: { rollout: '9' } }]), 'approximate'],
    ['unknown-field', exported([{ parameters: { other: '1' } }]), 'approximate'],
    ['environment-missing', exported([], { featureEnvironments: [] }), 'exact'],
    ['archived', exported([], {}, { archived: true }), 'exact'],
    [
      'release-plan',
      exported([], { featureEnvironments: [{ featureName: 'it', enabled: true, releasePlans: [{}] }] }),
      'partial',
    ],
  ])('%s', (code, text, status) => {
    const conversion = convert(text);
    expect(codesOf(conversion, 'it')).toContain(code);
    expect(statusOf(conversion, 'it')).toBe(status);
  });

  test('a piece that is left out lets nobody in, and an entry of a list that cannot be said leaves the others', () => {
    const staff = { contextName: 'email', operator: 'REGEX', value: 'a|b', inverted: true };
    const conversion = convert(
      exported([{ constraints: [staff] }, { name: 'userWithId', parameters: { userIds: 'u' } }]),
    );
    expect(answer(flagOf(conversion, 'it'), { targetingKey: 'u' })).toBe(true);
    expect(answer(flagOf(conversion, 'it'), { targetingKey: 'v', email: 'zzz' })).toBe(false);
    const addresses = convert(exported([{ name: 'remoteAddress', parameters: { IPs: '::1/128,192.0.2.7' } }]));
    expect(answer(flagOf(addresses, 'it'), { remoteAddress: '192.0.2.7' })).toBe(true);
    expect(statusOf(addresses, 'it')).toBe('partial');
  });

  test('payloads that do not fit each other come as text', () => {
    const payloads = [
      { type: 'number', value: '7' },
      { type: 'string', value: 'x' },
    ];
    const variants = payloads.map((payload, i) => ({ name: `v${i}`, weight: 500, payload }));
    const conversion = convert(exported([{ variants }]));
    expect(flagOf(conversion, 'it.variant').definition.variants).toEqual({ v0: '7', v1: 'x' });
    expect(codesOf(conversion, 'it.variant')).toContain('mixed-payload-types');
    const list = [{ name: 'l', weight: 1, payload: { type: 'json', value: '[1]' } }];
    expect(codesOf(convert(exported([{ variants: list }])), 'it.variant')).toEqual(['payload-unparsable']);
  });
});

describe('other features and segments', () => {
  const parent = (enabled: boolean, dependency: object = {}) =>
    JSON.stringify({
      features: [{ name: 'it' }, { name: 'parent' }],
      featureStrategies: [{ name: 'userWithId', featureName: 'parent', parameters: { userIds: 'u' } }],
      featureEnvironments: ['it', 'parent'].map((featureName) => ({ featureName, environment: 'p', enabled })),
      dependencies: [{ feature: 'it', dependencies: [{ feature: 'parent', ...dependency }] }],
    });

  test('what a parent asks is written into the child', () => {
    const conversion = convert(parent(true));
    expect(answer(flagOf(conversion, 'it'), { targetingKey: 'u' })).toBe(true);
    expect(answer(flagOf(conversion, 'it'), { targetingKey: 'v' })).toBe(false);
    const negated = flagOf(convert(parent(true, { enabled: false })), 'it');
    expect(answer(negated, { targetingKey: 'u' })).toBe(false);
    expect(answer(negated, { targetingKey: 'v' })).toBe(true);
  });

  test('a child of the absence of what cannot be said is skipped', () => {
    const text = parent(true, { enabled: false }).replace('userWithId', 'acme');
    expect(statusOf(convert(text), 'it')).toBe('skipped');
    expect(statusOf(convert(text), 'parent')).toBe('partial');
    const addresses = parent(true, { enabled: false }).replace('userWithId', 'remoteAddress');
    expect(statusOf(convert(addresses.replace('userIds', 'IPs').replace('"u"', '"::1/64,10.0.0.1"')), 'it')).toBe(
      'skipped',
    );
    expect(answer(flagOf(convert(parent(false, { enabled: false })), 'parent'), { targetingKey: 'u' })).toBe(false);
  });

  test('segments of a second file, and those of a state export by their links', () => {
    const whole = convert(sample('unleash-export.json'), { segments: sample('unleash-segments.json') });
    const flag = flagOf(whole, 'checkout-redesign');
    expect(answer(flag, { plan: 'beta' })).toBe(true);
    expect(answer(flag, { plan: 'beta', email: 'kim+spam@example.com' })).toBe(false);
    expect(codesOf(whole, 'checkout-redesign')).not.toContain('segment-constraints-not-in-export');
    const state = convert(sample('unleash-state-v4.json'), { environment: 'production' });
    const menu = JSON.stringify(flagOf(state, 'new-menu').definition.targeting);
    expect(menu).toContain('{"in":[{"var":"region"},["de","fr","it"]]}');
  });

  test('context fields can be called otherwise', () => {
    const text = exported([{ name: 'applicationHostname', parameters: { hostNames: 'h' } }]);
    const flag = flagOf(convert(text, { contextMap: { hostname: 'host.name' } }), 'it');
    expect(answer(flag, { host: { name: 'h' } })).toBe(true);
    const byMail = convert(exported([{ name: 'userWithId', parameters: { userIds: 'u' } }]), { userKey: 'email' });
    expect(answer(flagOf(byMail, 'it'), { userId: 'u' })).toBe(true);
  });
});

test('the sample comes over as its notes say', () => {
  const conversion = convert(sample('unleash-export.json'));
  expect(conversion.flags.map(({ key, status }) => `${key} ${status}`)).toEqual([
    'checkout-redesign partial',
    'checkout-redesign.variant partial',
    'search-ranking exact',
    'search-ranking.variant approximate',
    'payments-v2 exact',
    'beta-banner partial',
    'legacy-import skipped',
  ]);
  const { definition, tags } = flagOf(conversion, 'payments-v2');
  expect([definition.targeting, tags]).toEqual([
    { if: [false, { if: [{ in: [{ var: 'targetingKey' }, ['u-1', 'u-2', 'u-3']] }, 'on', 'off'] }, 'off'] },
    ['stale'],
  ]);
  expect(flagOf(conversion, 'checkout-redesign').tags).toEqual(['frontend', 'team:basket']);
});

test('older state exports hold the same in other places', () => {
  const versions = JSON.parse(sample('unleash-state-v1-v2-v3-differences.json')) as Record<string, object>;
  const [v1, v2, v3] = ['v1', 'v2', 'v3'].map((version) => convert(JSON.stringify(versions[version])));
  expect(v1!.flags.map(({ key }) => key)).toEqual(['old-one', 'old-one.variant']);
  expect(answer(flagOf(v1!, 'old-one'), {})).toBe(true);
  expect(flagOf(v1!, 'old-one').tags).toEqual(['hello']);
  expect(flagOf(v2!, 'old-two').definition.defaultVariant).toBe('on');
  expect(v3!.flags.map(({ key }) => key)).toEqual(['old-three', 'old-three.variant']);
});

test('what clients fetch has everything on the feature, and segments with what they ask', () => {
  const constraints = [{ contextName: 'plan', operator: 'IN', values: ['beta'] }];
  const feature = { name: 'it', enabled: true, strategies: [{ name: 'default', segments: [1] }] };
  const fetched = { version: 2, features: [feature], segments: [{ id: 1, constraints }], query: {} };
  const conversion = convert(JSON.stringify(fetched));
  expect([statusOf(conversion, 'it'), codesOf(conversion, 'it')]).toEqual(['exact', []]);
  expect(answer(flagOf(conversion, 'it'), { plan: 'beta' })).toBe(true);
  expect(answer(flagOf(conversion, 'it'), { plan: 'pro' })).toBe(false);
});

test.each(['1.2.3-rc.1', '1.2.3+build.7'])('%s is a version', (value) => {
  const constraints = [{ contextName: 'v', operator: 'SEMVER_EQ', value }];
  const conversion = convert(exported([{ constraints }]));
  expect(statusOf(conversion, 'it')).toBe('exact');
  expect(answer(flagOf(conversion, 'it'), { v: value })).toBe(true);
});

test.each(['a.b', 'a\\b', 'a\\.b', '.', 'ä ö', '$x', '0'])('an attribute may be called %j', (contextName) => {
  const constraints = [{ contextName, operator: 'IN', values: ['x'] }];
  const flag = flagOf(convert(exported([{ constraints }])), 'it');
  expect(answer(flag, { [contextName]: 'x' })).toBe(true);
});
