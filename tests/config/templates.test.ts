/** Templates: the four values of bits 0-11, what they leave alone, and a service's own. @module */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BUILTIN_FEATURES, defineFeatures } from '../../src/config/features.ts';
import {
  applyTemplate,
  BUILTIN_TEMPLATES,
  defineTemplates,
  describeTemplate,
  findTemplate,
  parseTemplate,
} from '../../src/config/templates.ts';
import { DEFAULT_CONFIG } from '../../src/config/value.ts';
import { anyConfig, SEEDED } from './arbitraries.ts';

const anyTemplate = fc.constantFrom(...BUILTIN_TEMPLATES);
const features = defineFeatures({ new_checkout: 12, old_checkout: 13 });

describe('the built-in templates', () => {
  test.each([
    ['development', 0xbff, 2],
    ['staging', 0xaf6, 1],
    ['production', 0x2f2, 1],
    ['minimal', 0x0a0, 0],
  ])('%s is %i', (name, bits, mode) => {
    const applied = applyTemplate(DEFAULT_CONFIG, findTemplate(name));
    expect(applied).toEqual({ ...DEFAULT_CONFIG, featureFlags: bits, terminalMode: mode });
  });

  test('leave bits 12-31, the version, the registry and the dimensions alone, and never turn maintenance on', () => {
    fc.assert(
      fc.property(anyConfig, anyTemplate, (config, template) => {
        const applied = applyTemplate(config, template);
        expect(applied.featureFlags & ~0xfff).toBe(config.featureFlags & ~0xfff);
        expect(applied.featureFlags & BUILTIN_FEATURES.maskOf('maintenance_mode')).toBe(0);
        const { featureFlags: _, terminalMode: __, ...rest } = applied;
        expect(config).toMatchObject(rest);
      }),
      SEEDED,
    );
  });

  test('decide bits 0-11 and the mode whatever was before, so applying twice is applying once', () => {
    fc.assert(
      fc.property(anyConfig, anyConfig, anyTemplate, (one, other, template) => {
        const applied = applyTemplate(one, template);
        expect(applyTemplate(applied, template)).toEqual(applied);
        expect(applied.featureFlags & 0xfff).toBe(applyTemplate(other, template).featureFlags & 0xfff);
        expect(applied.featureFlags).toBeGreaterThanOrEqual(0);
      }),
      SEEDED,
    );
  });

  test('an unknown one names the nearest', () => {
    expect(() => findTemplate('prodcution')).toThrow(
      expect.objectContaining({
        code: 'ERR_UNKNOWN_TEMPLATE',
        message: 'Unknown template: prodcution. Available: development, staging, production, minimal',
        hint: "Did you mean 'production'?",
      }),
    );
  });
});

describe("a service's own templates", () => {
  test('set and clear exactly what they name', () => {
    const [own] = defineTemplates(
      [{ name: 'launch', set: ['new_checkout'], clear: ['old_checkout', 'debug'], terminalMode: 'pipe', cols: 120 }],
      features,
    ).slice(-1);
    const config = { ...DEFAULT_CONFIG, featureFlags: 0xf0002005 };
    expect(applyTemplate(config, own!)).toEqual({
      ...DEFAULT_CONFIG,
      featureFlags: 0xf0001001,
      terminalMode: 3,
      cols: 120,
    });
  });

  test('are listed in names, which read back', () => {
    const input = {
      name: 'launch',
      description: 'Go',
      set: ['new_checkout'],
      clear: ['debug'],
      terminalMode: 'raw',
      rows: 9,
    };
    expect(describeTemplate(parseTemplate(input, features), features)).toEqual(input);
    for (const template of BUILTIN_TEMPLATES) {
      expect(parseTemplate(describeTemplate(template))).toEqual(template);
    }
  });

  test.each<[unknown, string]>([
    [null, 'ERR_WRONG_TYPE'],
    [{}, 'ERR_WRONG_TYPE'],
    [{ name: 'x' }, 'ERR_TEMPLATE_INVALID'],
    [{ name: 'X', rows: 9 }, 'ERR_TEMPLATE_INVALID'],
    [{ name: 'production', rows: 9 }, 'ERR_TEMPLATE_INVALID'],
    [{ name: 'x', set: ['debug'], clear: ['debug'] }, 'ERR_TEMPLATE_INVALID'],
    [{ name: 'x', set: ['debgu'] }, 'ERR_UNKNOWN_FEATURE'],
    [{ name: 'x', set: 'debug' }, 'ERR_WRONG_TYPE'],
    [{ name: 'x', rows: 0 }, 'ERR_OUT_OF_RANGE'],
    [{ name: 'x', description: 5, rows: 9 }, 'ERR_WRONG_TYPE'],
    [{ name: 'x', feature: [] }, 'ERR_UNKNOWN_FIELD'],
  ])('%j is refused', (input, code) => {
    expect(() => defineTemplates([input])).toThrow(expect.objectContaining({ code }));
  });

  test('two of one name are refused', () => {
    const input = { name: 'mine', rows: 9 };
    expect(() => defineTemplates([input, input])).toThrow(expect.objectContaining({ code: 'ERR_TEMPLATE_INVALID' }));
  });
});
