/** Rules as data: what they say, where they apply, and what is refused at the border. @module */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkRuleCode, parseRule, ruleFor, type RuleInput } from '../../src/config/declared-rules.ts';
import { BUILTIN_FEATURES, defineFeatures, type FeatureSet } from '../../src/config/features.ts';
import { withRollout, noRollouts } from '../../src/config/rollout.ts';
import { RULES } from '../../src/config/rules.ts';
import { validate, type ValidationContext } from '../../src/config/validation.ts';
import { DEFAULT_CONFIG, type RegistryConfig } from '../../src/config/value.ts';
import { isConfigError } from '../../src/errors/errors.ts';
import { validConfig, SEEDED } from './arbitraries.ts';

const FEATURES: FeatureSet = defineFeatures({ new_checkout: 12, dark_mode: 13 });
const TEXTS = { severity: 'error', message: 'New code needs metrics', hint: 'Turn metrics on.' } as const;

function findings(
  rule: unknown,
  config: Partial<RegistryConfig>,
  context: Partial<ValidationContext> = {},
  features: FeatureSet = FEATURES,
): string[] {
  const made = ruleFor('TEAM_RULE', parseRule(rule), features);
  const whole = { ...DEFAULT_CONFIG, ...config };
  const { errors, warnings } = validate(whole, { features, ...context }, made === null ? [] : [made]);
  return [...errors, ...warnings].map(({ code, message, path }) => `${code} ${path}: ${message}`);
}

function codeOf(action: () => unknown): string {
  try {
    action();
    return 'none';
  } catch (error) {
    if (isConfigError(error)) return error.code;
    throw error;
  }
}

const ON = { debug: 1 << 2, metrics: 1 << 6, new_checkout: 1 << 12, dark_mode: 1 << 13 };

describe('a declared rule', () => {
  const rule = { ...TEXTS, when: { on: ['new_checkout'], environment: 'prod*' }, require: { on: ['metrics'] } };
  const FOUND = ['TEAM_RULE featureFlags.metrics: New code needs metrics'];

  test('asks for what it requires when its condition holds, and not otherwise', () => {
    const production = { environment: 'production' };
    expect(findings(rule, { featureFlags: ON.new_checkout }, production)).toEqual(FOUND);
    expect(findings(rule, { featureFlags: ON.new_checkout | ON.metrics }, production)).toEqual([]);
    expect(findings(rule, {}, production)).toEqual([]);
    expect(findings(rule, { featureFlags: ON.new_checkout }, { environment: 'staging' })).toEqual([]);
    expect(findings(rule, { featureFlags: ON.new_checkout })).toEqual([]);
  });

  test('says nothing about a service that does not know a feature it names, in whichever part', () => {
    for (const part of [
      { when: { on: ['new_checkout'] }, require: { off: ['debug'] } },
      { when: { off: ['new_checkout'] }, require: { off: ['debug'] } },
      { require: { on: ['new_checkout'], off: ['debug'] } },
      { require: { off: ['new_checkout', 'debug'] } },
      { require: { off: ['debug'], maxRollout: { new_checkout: 5 } } },
    ]) {
      const debugs = { featureFlags: ON.debug | (part.when?.on === undefined ? 0 : ON.new_checkout) };
      expect(findings({ ...TEXTS, ...part }, debugs, {}, BUILTIN_FEATURES), JSON.stringify(part)).toEqual([]);
      expect(findings({ ...TEXTS, ...part }, debugs), JSON.stringify(part)).toHaveLength(1);
    }
  });

  test('looks at the service of a name, whatever its environment', () => {
    const own = { ...TEXTS, when: { service: 'shop*' }, require: { off: ['debug'] } };
    const on = { featureFlags: ON.debug };
    expect(findings(own, on, { name: 'shop-eu/production' })).toHaveLength(1);
    expect(findings(own, on, { name: 'mail/shop' })).toEqual([]);
    expect(findings(own, on)).toEqual([]);
  });

  test('limits how far a feature may reach: a bit that is on reaches everyone', () => {
    const limit = { ...TEXTS, require: { maxRollout: { new_checkout: 12.5 } } };
    const at = (basisPoints: number) => ({ rollouts: withRollout(noRollouts(), 12, basisPoints) });
    expect(findings(limit, {}, at(1250))).toEqual([]);
    expect(findings(limit, {}, at(1251))).toEqual(['TEAM_RULE rollouts.new_checkout: New code needs metrics']);
    expect(findings(limit, { featureFlags: ON.new_checkout }, at(0))).toHaveLength(1);
    expect(findings(limit, {})).toEqual([]);
  });

  test('knows the terminal by name and number', () => {
    for (const terminalMode of ['pipe', 3]) {
      expect(findings({ ...TEXTS, require: { terminalMode } }, { terminalMode: 2 })).toHaveLength(1);
      expect(findings({ ...TEXTS, require: { terminalMode } }, { terminalMode: 3 })).toEqual([]);
    }
  });

  test('finds a fault exactly where a look at each feature finds one', () => {
    const names = fc.subarray(['debug', 'metrics', 'new_checkout', 'dark_mode'] as const);
    const flags = fc.subarray(Object.values(ON)).map((masks) => masks.reduce((sum, mask) => sum | mask, 0));
    const part = fc.record({ on: names, off: names });
    fc.assert(
      fc.property(part, part, flags, validConfig, (when, require, featureFlags, config) => {
        fc.pre(require.on.length + require.off.length > 0);
        const all = (some: readonly (keyof typeof ON)[], isOn: boolean): boolean =>
          some.every((name) => ((featureFlags & ON[name]) !== 0) === isOn);
        const isFault =
          all(when.on, true) && all(when.off, false) && !(all(require.on, true) && all(require.off, false));
        expect(findings({ ...TEXTS, when, require }, { ...config, featureFlags })).toHaveLength(isFault ? 1 : 0);
      }),
      SEEDED,
    );
  });
});

describe('a rule from outside', () => {
  const REQUIRE = { on: ['debug'] };
  test.each([
    ['no object', null, 'ERR_WRONG_TYPE'],
    ['nothing', {}, 'ERR_WRONG_TYPE'],
    ['no requirement', { ...TEXTS }, 'ERR_WRONG_TYPE'],
    ['an empty requirement', { ...TEXTS, require: {} }, 'ERR_WRONG_TYPE'],
    ['a requirement of nothing', { ...TEXTS, require: { on: [], maxRollout: {} } }, 'ERR_WRONG_TYPE'],
    ['another severity', { ...TEXTS, severity: 'fatal', require: REQUIRE }, 'ERR_WRONG_TYPE'],
    ['no message', { ...TEXTS, message: '', require: REQUIRE }, 'ERR_WRONG_TYPE'],
    ['a long hint', { ...TEXTS, hint: 'x'.repeat(501), require: REQUIRE }, 'ERR_WRONG_TYPE'],
    ['a field too many', { ...TEXTS, require: REQUIRE, check: 'true' }, 'ERR_UNKNOWN_FIELD'],
    ['a condition too many', { ...TEXTS, require: REQUIRE, when: { region: 'eu' } }, 'ERR_UNKNOWN_FIELD'],
    ['a requirement too many', { ...TEXTS, require: { minRows: 3 } }, 'ERR_UNKNOWN_FIELD'],
    ['features as text', { ...TEXTS, require: { on: 'debug' } }, 'ERR_WRONG_TYPE'],
    ['no name of a feature', { ...TEXTS, require: { on: ['Debug!'] } }, 'ERR_FEATURE_NAME'],
    ['the name of a bit', { ...TEXTS, require: { on: ['feature_17'] } }, 'ERR_FEATURE_NAME'],
    ['a limit over 100 %', { ...TEXTS, require: { maxRollout: { debug: 101 } } }, 'ERR_OUT_OF_RANGE'],
    ['a limit that is a list', { ...TEXTS, require: { maxRollout: [5] } }, 'ERR_WRONG_TYPE'],
    ['a prototype', { ...TEXTS, require: JSON.parse('{"maxRollout":{"__proto__":5}}') }, 'ERR_FEATURE_NAME'],
    ['a terminal that is none', { ...TEXTS, require: { terminalMode: 9 } }, 'ERR_OUT_OF_RANGE'],
    ['a pattern with spaces', { ...TEXTS, require: REQUIRE, when: { service: 'a b' } }, 'ERR_WRONG_TYPE'],
    ['a pattern that is none', { ...TEXTS, require: REQUIRE, when: { environment: 7 } }, 'ERR_WRONG_TYPE'],
  ])('is refused: %s', (_, input, code) => {
    expect(codeOf(() => parseRule(input))).toBe(code);
  });

  test('is whole after one reading: read again it is the same', () => {
    const input: RuleInput = {
      ...TEXTS,
      when: { on: ['debug', 'debug'], service: 'shop' },
      require: { off: ['metrics'], terminalMode: 'raw', maxRollout: { new_checkout: 12.5 } },
    };
    const once = parseRule(input);
    expect(once).toMatchObject({
      when: { on: ['debug'] },
      require: { terminalMode: 2, maxRollout: { new_checkout: 12.5 } },
    });
    expect(parseRule(JSON.parse(JSON.stringify(once)))).toEqual(once);
  });

  test('has a code of its own', () => {
    expect(codeOf(() => checkRuleCode('TEAM_RULE'))).toBe('none');
    for (const code of ['', 'team_rule', 'TEAM__RULE', 'A'.repeat(65), ...RULES.map((rule) => rule.code)]) {
      expect(
        codeOf(() => checkRuleCode(code)),
        code,
      ).toBe('ERR_USAGE');
    }
  });
});
