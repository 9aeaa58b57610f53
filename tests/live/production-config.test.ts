/** The contract over the four kinds of place, and what the options refuse. @module */
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createProductionConfig, getConfig } from '../../src/live/production-config.ts';
import { testProductionConfig } from '../contract/production-config.contract.ts';
import { codeOf, tempDirectory } from '../journal/fixtures.ts';
import { open, placeOptions, useDataDirectory } from './fixtures.ts';

testProductionConfig('memory');
testProductionConfig('journal');
testProductionConfig('board');
testProductionConfig('journal and board');

describe('options', () => {
  it('are refused with the reason, and nothing stays open', async () => {
    const directory = tempDirectory();
    const foreign = join(directory, 'foreign.db');
    writeFileSync(foreign, 'not a database at all, but long enough to be looked at'.repeat(100));
    const refusals: [string, unknown][] = [
      ['ERR_WRONG_TYPE', null],
      ['ERR_UNKNOWN_FIELD', { persistpath: './config.db' }],
      ['ERR_WRONG_TYPE', { persistPath: 7 }],
      ['ERR_WRONG_TYPE', { persistPath: '' }],
      ['ERR_WRONG_TYPE', { enableClusterSync: 'yes' }],
      ['ERR_WRONG_TYPE', { debugMode: 1 }],
      ['ERR_NAME', { name: '../etc' }],
      ['ERR_NAME', { name: 'A' }],
      ['ERR_NAME', { name: 7 }],
      ['ERR_WRONG_TYPE', { name: 'a/production', environment: 'test' }],
      ['ERR_WRONG_TYPE', { environment: 5 }],
      ['ERR_WRONG_TYPE', { region: 'no spaces please' }],
      ['ERR_WRONG_TYPE', { features: 5 }],
      ['ERR_FEATURE_NAME', { features: { 'New-Checkout': 12 } }],
      ['ERR_FEATURE_CONFLICT', { features: { mine: 2 } }],
      ['ERR_FEATURE_CONFLICT', { features: { debug: 12 } }],
      ['ERR_OUT_OF_RANGE', { features: { mine: 32 } }],
      ['ERR_WRONG_TYPE', { templates: 5 }],
      ['ERR_WRONG_TYPE', { templates: [null] }],
      ['ERR_WRONG_TYPE', { rules: 'all' }],
      ['ERR_WRONG_TYPE', { rules: [5] }],
      ['ERR_USAGE', { rules: [{ code: 'CONFIG_ROWS' }] }],
      ['ERR_WRONG_TYPE', { actor: '' }],
      ['ERR_NAME', { actor: 'two\nlines' }],
      ['ERR_JOURNAL_WRITE', { persistPath: join(directory, 'no', 'such', 'place.db') }],
      ['ERR_JOURNAL_FOREIGN', { persistPath: foreign }],
    ];
    for (const [code, options] of refusals) {
      expect(await codeOf(() => createProductionConfig(options as never)), JSON.stringify(options)).toBe(code);
    }
  });

  it('put a config of a name and an environment where both spellings find it', async () => {
    const options = placeOptions('journal');
    const written = open({ ...options, name: 'checkout', environment: 'production' });
    written.enableFeature('metrics');
    await written.close();
    expect(open({ ...options, name: 'checkout/production', environment: 'production' }).flags.metrics).toBe(true);
    expect(open({ ...options, name: 'checkout' }).flags.metrics).toBe(false);
  });

  it('keep what a service declared, and refuse a bit that is in use under another name', async () => {
    const options = placeOptions('journal');
    const first = open({ ...options, features: { new_checkout: 12, old_one: 13 } });
    first.enableFeature('new_checkout');
    await first.close();
    expect(await codeOf(() => createProductionConfig({ ...options, features: { other: 12 } }))).toBe(
      'ERR_FEATURE_CONFLICT',
    );
    const second = open({ ...options, features: { third: 14 } });
    expect((second as any).isFeatureEnabled('new_checkout')).toBe(true);
    await second.close();
    const third = open({ ...options, features: { renamed: 13 } });
    expect(third.features.declaration).toEqual({ new_checkout: 12, third: 14, renamed: 13 });
  });
});

describe('getConfig', () => {
  it('opens `default` of the data directory, shared', async () => {
    useDataDirectory(join(tempDirectory(), 'deep', 'data'));
    await using one = await getConfig();
    await using other = await getConfig();
    one.enableFeature('metrics');
    expect([other.name, other.flags.metrics, other.revision]).toEqual(['default', true, 2]);
  });
});
