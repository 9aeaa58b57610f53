/** The debug view as teams see it, and the few lines that console.log shows. @module */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { debugView, inspectorView } from '../../src/config/debug-view.ts';
import { defineFeatures } from '../../src/config/features.ts';
import { noRollouts, withRollout } from '../../src/config/rollout.ts';
import { validate } from '../../src/config/validation.ts';
import { configHex, DEFAULT_CONFIG } from '../../src/config/value.ts';
import { anyConfig, anyRollouts, SEEDED } from './arbitraries.ts';

const features = defineFeatures({ new_checkout: 12 });
const config = { ...DEFAULT_CONFIG, featureFlags: 0x44, terminalMode: 2, rows: 50, cols: 120 };
const rollouts = withRollout(noRollouts(), 12, 1250);

describe('debugView', () => {
  test('says all in names', () => {
    const broken = { ...config, rows: 0 };
    const view = debugView({
      config,
      features,
      name: 'checkout/production',
      revision: 41n,
      rollouts,
      validation: validate(broken),
    });
    expect(view).toEqual({
      name: 'checkout/production',
      revision: '41',
      version: 1,
      features: {
        enabled: ['debug', 'metrics'],
        disabled: features.names.filter((name) => name !== 'debug' && name !== 'metrics'),
      },
      terminal: { dimensions: '50x120', mode: 2, modeName: 'raw', rows: 50, cols: 120 },
      rollouts: { new_checkout: 12.5 },
      raw: { hex: '0x019ad10e934400000002327800', registryHash: '0x930ed19a', featureFlags: '0x00000044' },
      issues: [
        expect.objectContaining({ severity: 'error', code: 'CONFIG_ROWS' }),
        expect.objectContaining({ severity: 'warning', code: 'FEATURE_DEBUG_LOGGING' }),
      ],
    });
  });

  test('survives JSON whatever the bytes hold', () => {
    fc.assert(
      fc.property(anyConfig, anyRollouts, (any, table) => {
        const view = debugView({ config: any, features, rollouts: table, validation: validate(any) });
        expect(JSON.parse(JSON.stringify(view))).toEqual(view);
        expect(view.raw.hex).toBe(configHex(any));
      }),
      SEEDED,
    );
  });
});

describe('inspectorView', () => {
  test('is a line per topic', () => {
    const view = inspectorView({ config, features, name: 'checkout/production', revision: 41, rollouts });
    expect(view.split('\n')).toEqual([
      'Config checkout/production, revision 41, version 1',
      '  features  debug, metrics; new_checkout for 12.5 %',
      '  terminal  50x120 raw',
      '  bytes     0x019ad10e934400000002327800',
    ]);
  });

  test('says none, and lists issues, where there are any', () => {
    const broken = { ...DEFAULT_CONFIG, rows: 0, terminalMode: 9 };
    expect(inspectorView({ config: broken, validation: validate(broken) }).split('\n')).toEqual([
      'Config, version 1',
      '  features  none',
      '  terminal  0x80 unknown',
      '  bytes     0x019ad10e930000000009005000',
      '  error     Invalid terminalMode: 9 (must be 0-3)',
      '  error     Invalid rows: 0 (must be 1-255)',
    ]);
  });
});
