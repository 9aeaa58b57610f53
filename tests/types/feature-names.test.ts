/** Names of features are types: a wrong one does not compile, and where types are not looked at it throws. @module */
import { describe, expect, expectTypeOf, it } from 'vitest';
import { createProductionConfig, getConfig } from '../../src/live/production-config.ts';
import { codeOf } from '../journal/fixtures.ts';

describe('the names of features', () => {
  it('are literal types, taken from the declaration', async () => {
    const config = createProductionConfig({ features: { new_checkout: 12, dark_mode: 13 } });
    expectTypeOf(config.flags.new_checkout).toEqualTypeOf<boolean>();
    expectTypeOf(config.flags.debug).toEqualTypeOf<boolean>();
    type Name = Parameters<typeof config.enableFeature>[0];
    expectTypeOf<Name>().extract<'new_checkout' | 'debug' | 'other'>().toEqualTypeOf<'new_checkout' | 'debug'>();
    expectTypeOf<Name>().not.toEqualTypeOf<string>();
    // @ts-expect-error no such feature
    expect(config.flags.new_chekout).toBeUndefined();
    // @ts-expect-error flags are read
    expect(() => (config.flags.debug = true)).toThrow(TypeError);
    const refused: (() => unknown)[] = [
      // @ts-expect-error no such feature
      () => config.enableFeature('new_chekout'),
      // @ts-expect-error no such feature
      () => config.disableFeature('unknown'),
      // @ts-expect-error no such feature
      () => config.toggleFeature('unknown'),
      // @ts-expect-error no such feature
      () => config.setFeatures({ debug: true, unknown: true }),
      // @ts-expect-error no such feature
      () => config.setRollout('unknown', 10),
      // @ts-expect-error no such feature
      () => config.getRollout('unknown'),
      // @ts-expect-error no such feature
      () => config.isFeatureEnabled('unknown'),
      // @ts-expect-error no such feature
      () => config.isEnabledFor('unknown', 'ann'),
    ];
    for (const action of refused) expect(await codeOf(action), String(action)).toBe('ERR_UNKNOWN_FEATURE');
    await config.close();
  });

  it('are the built-in ones where none were declared', async () => {
    const config = createProductionConfig();
    config.enableFeature('maintenance_mode');
    // @ts-expect-error not declared
    expect(await codeOf(() => config.enableFeature('new_checkout'))).toBe('ERR_UNKNOWN_FEATURE');
    expectTypeOf(getConfig).returns.resolves.toHaveProperty('flags');
    await config.close();
  });

  it('are checked with the other arguments and options', async () => {
    const config = createProductionConfig({ name: 'types' });
    // @ts-expect-error percent is a number
    expect(await codeOf(() => config.setRollout('debug', {}))).toBe('ERR_WRONG_TYPE');
    // @ts-expect-error a key is text
    expect(await codeOf(() => config.isEnabledFor('debug', 7))).toBe('ERR_WRONG_TYPE');
    // @ts-expect-error no such option
    expect(await codeOf(() => createProductionConfig({ persistpath: './x.db' }))).toBe('ERR_UNKNOWN_FIELD');
    // @ts-expect-error a bit is a number
    expect(await codeOf(() => createProductionConfig({ features: { mine: '12' } }))).toBe('ERR_OUT_OF_RANGE');
    await config.close();
  });
});
