/** How rules are run: findings as data, what cannot be read, templates, a team's own rules. @module */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defineFeatures } from '../../src/config/features.ts';
import { RULES, STRUCTURE_RULES } from '../../src/config/rules.ts';
import { applyTemplate, BUILTIN_TEMPLATES, findTemplate } from '../../src/config/templates.ts';
import {
  requireValid,
  type Rule,
  validate,
  validateInput,
  validateTemplate,
  withRules,
} from '../../src/config/validation.ts';
import { decodeConfig, DEFAULT_CONFIG } from '../../src/config/value.ts';
import { anyBytes, anyRollouts, SEEDED, validConfig } from './arbitraries.ts';

const WIDE: Rule = {
  code: 'TEAM_WIDE',
  severity: 'warning',
  path: 'cols',
  hint: 'Use at least 100 columns.',
  applies: ({ environment }) => environment === 'office',
  check: ({ cols }) => (cols < 100 ? `Only ${cols} columns` : null),
};

describe('validate', () => {
  test('the default config is valid and draws no warning', () => {
    expect(validate(DEFAULT_CONFIG)).toEqual({ isValid: true, errors: [], warnings: [] });
  });

  test('an error says what, where and what to do', () => {
    expect(validate({ ...DEFAULT_CONFIG, rows: 0 }).errors).toEqual([
      {
        code: 'CONFIG_ROWS',
        path: 'rows',
        message: 'Invalid rows: 0 (must be 1-255)',
        hint: 'Give rows a whole number from 1 to 255.',
      },
    ]);
  });

  test('never throws, whatever bytes, rollouts and surroundings it is given', () => {
    const surroundings = fc.record(
      { environment: fc.string(), name: fc.string(), rollouts: anyRollouts },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(anyBytes, surroundings, (bytes, context) => {
        const { isValid, errors, warnings } = validate(decodeConfig(bytes), context);
        expect(isValid).toBe(errors.length === 0);
        const known = new Set(RULES.map(({ code }) => code));
        for (const { code } of [...errors, ...warnings]) expect(known.has(code)).toBe(true);
      }),
      SEEDED,
    );
  });

  test('the structure rules pass exactly what the fields allow', () => {
    fc.assert(
      fc.property(validConfig, anyBytes, (valid, bytes) => {
        expect(validate(valid, {}, STRUCTURE_RULES).isValid).toBe(true);
        const any = decodeConfig(bytes);
        const allowed = any.version <= 1 && any.terminalMode <= 3 && any.rows > 0 && any.cols > 0;
        expect(validate(any, {}, STRUCTURE_RULES).isValid).toBe(allowed);
      }),
      SEEDED,
    );
  });
});

describe('validateInput', () => {
  test('fills a partial config from the current one', () => {
    const { isValid, warnings } = validateInput({ version: 1, featureFlags: 7 }, DEFAULT_CONFIG);
    expect(isValid).toBe(true);
    expect(warnings.map(({ code }) => code)).toEqual(['FEATURE_DEBUG_LOGGING', 'FEATURE_REGISTRY_ENCRYPTION']);
  });

  test('what cannot be read is an error among the others', () => {
    const { isValid, errors, warnings } = validateInput(
      { rows: 300, colour: 1, features: { debgu: true }, version: 0 },
      DEFAULT_CONFIG,
    );
    expect(isValid).toBe(false);
    expect(errors.map(({ code, path }) => [code, path])).toEqual([
      ['ERR_UNKNOWN_FIELD', 'colour'],
      ['CONFIG_ROWS', 'rows'],
      ['ERR_UNKNOWN_FEATURE', 'features.debgu'],
    ]);
    expect(warnings.map(({ code }) => code)).toEqual(['VERSION_LEGACY']);
  });

  test('a value out of range reads the same from outside as in bytes', () => {
    expect(validateInput({ rows: 0 }, DEFAULT_CONFIG).errors).toEqual(validate({ ...DEFAULT_CONFIG, rows: 0 }).errors);
  });

  test('anything at all gets an answer', () => {
    fc.assert(
      fc.property(fc.anything(), (input) => {
        const { isValid, errors } = validateInput(input, DEFAULT_CONFIG);
        expect(isValid).toBe(errors.length === 0);
      }),
      SEEDED,
    );
  });
});

describe('validateTemplate', () => {
  test('each built-in template suits the environment it is named after', () => {
    for (const template of BUILTIN_TEMPLATES) {
      const environment = template.name;
      expect(validateTemplate(template, DEFAULT_CONFIG, { environment })).toMatchObject({
        isValid: true,
        warnings: [],
      });
    }
  });

  test('development does not suit production, and says why', () => {
    const { isValid, errors, warnings } = validateTemplate(findTemplate('development'), DEFAULT_CONFIG, {
      environment: 'production',
    });
    expect(isValid).toBe(false);
    expect(errors.map(({ code }) => code)).toEqual(['PRODUCTION_DEBUG']);
    expect(warnings.map(({ code }) => code)).toEqual([
      'PRODUCTION_VERBOSE',
      'PRODUCTION_BETA',
      'PRODUCTION_RAW_TERMINAL',
    ]);
  });

  test('what was wrong before is not held against the template', () => {
    const broken = { ...DEFAULT_CONFIG, rows: 0 };
    expect(validateTemplate(findTemplate('production'), broken).isValid).toBe(true);
    expect(validate(applyTemplate(broken, findTemplate('production'))).isValid).toBe(false);
  });
});

describe("a team's own rules", () => {
  test('apply where they say', () => {
    const rules = withRules(WIDE);
    expect(validate(DEFAULT_CONFIG, { environment: 'office' }, rules).warnings).toMatchObject([{ code: 'TEAM_WIDE' }]);
    expect(validate(DEFAULT_CONFIG, {}, rules).warnings).toEqual([]);
  });

  test('a rule that fails is an error of its own, not an exception', () => {
    const failing: Rule = {
      ...WIDE,
      applies: () => true,
      check: () => {
        throw new Error('no such table');
      },
    };
    const { isValid, errors } = validate(DEFAULT_CONFIG, {}, withRules(failing));
    expect(isValid).toBe(false);
    expect(errors).toMatchObject([{ code: 'TEAM_WIDE', message: 'Rule TEAM_WIDE failed: no such table' }]);
  });

  test.each(['CONFIG_ROWS', 'team_wide', '', 'TEAM WIDE'])('the code %j is refused', (code) => {
    expect(() => withRules({ ...WIDE, code })).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }));
  });

  test('two of one code are refused', () => {
    expect(() => withRules(WIDE, WIDE)).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }));
  });
});

describe('requireValid', () => {
  test('throws the issues as one error', () => {
    const found = validate({ ...DEFAULT_CONFIG, rows: 0, cols: 0 });
    expect(() => requireValid(found)).toThrow(
      expect.objectContaining({
        code: 'ERR_CONFIG_INVALID',
        message: 'Invalid rows: 0 (must be 1-255); Invalid cols: 0 (must be 1-255)',
        details: { issues: found.errors.map(({ code, path, message }) => ({ code, path, message })) },
      }),
    );
  });

  test('lets warnings pass', () => {
    const features = defineFeatures({});
    expect(() => requireValid(validate({ ...DEFAULT_CONFIG, version: 0 }, { features }))).not.toThrow();
  });
});
