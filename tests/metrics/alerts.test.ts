/** Rules over samples: each transition once, whatever the figures do. @module */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  evaluateAlerts,
  parseAlertRule,
  replayAlerts,
  type AlertRule,
  type AlertStates,
  type AlertTransition,
} from '../../src/metrics/alerts.ts';
import { SAMPLE_INTERVAL_MS } from '../../src/metrics/samples.ts';
import { sampleOf } from './fixtures.ts';

const RULE: AlertRule = {
  name: 'slow',
  metric: 'clients',
  comparison: 'above',
  value: 10,
  for_s: 30,
  severity: 'high',
};

/** Samples 15 s apart; `rules` may change on the way. */
function run(values: readonly number[], rules: (i: number) => readonly AlertRule[] = () => [RULE], gapBefore = -1) {
  let states: AlertStates = new Map();
  let previousAt: number | null = null;
  let at = 0;
  const told: AlertTransition[] = [];
  for (const [i, value] of values.entries()) {
    at += i === gapBefore ? 3600_000 : SAMPLE_INTERVAL_MS;
    const evaluated = evaluateAlerts(rules(i), states, { at, previousAt, values: sampleOf({ clients: value }) });
    states = evaluated.states;
    previousAt = at;
    told.push(...evaluated.transitions);
  }
  return { states, told, words: told.map(({ to, at: when }) => `${to}@${when / 1000}`) };
}

describe('an alert', () => {
  it('is pending, fires after its time, and is resolved: each told once', () => {
    const { told, words, states } = run([5, 11, 12, 13, 14, 15, 10, 9]);
    expect(words).toEqual(['pending@30', 'firing@60', 'resolved@105']);
    expect(told[1]).toEqual({ to: 'firing', rule: RULE, since: 30_000, at: 60_000, value: 13 });
    expect(told[2]).toMatchObject({ since: 30_000, value: 10 });
    expect(states.size).toBe(0);
  });

  it('that was only pending is forgotten without a word; without a time it fires at once', () => {
    expect(run([11, 11, 5, 11]).words).toEqual(['pending@15', 'pending@60']);
    expect(run([11, 5, 11], () => [{ ...RULE, for_s: 0 }]).words).toEqual(['firing@15', 'resolved@30', 'firing@45']);
  });

  it('needs a figure: without one it is well', () => {
    expect(run([11, 11, 11, NaN]).words).toEqual(['pending@15', 'firing@45', 'resolved@60']);
    expect(run([11, 11, 11, NaN]).told[2]!.value).toBeNull();
    expect(run([NaN], () => [{ ...RULE, comparison: 'below', for_s: 0 }]).words).toEqual([]);
  });

  it('is not proved by samples that are missing; one that fires goes on', () => {
    expect(run([11, 11, 11, 11], undefined, 1).words).toEqual(['pending@15', 'firing@3645']);
    expect(run([11, 11, 11, 11], undefined, 3).words).toEqual(['pending@15', 'firing@45']);
  });

  it('is resolved when its rule is gone, and judged by the new one when it was changed', () => {
    const gone = run([11, 11, 11, 11], (i) => (i < 3 ? [RULE] : []));
    expect(gone.words).toEqual(['pending@15', 'firing@45', 'resolved@60']);
    expect(gone.told[2]!.value).toBeNull();
    const eased = { ...RULE, value: 20 };
    expect(run([11, 11, 11, 11], (i) => [i < 3 ? RULE : eased]).words).toEqual([
      'pending@15',
      'firing@45',
      'resolved@60',
    ]);
  });

  it('fires exactly when the figure was beyond for long enough, in every history', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(5, 10, 11, NaN), { maxLength: 40 }),
        fc.constantFrom(0, 1, 15, 40, 60),
        (values, for_s) => {
          const { told } = run(values, () => [{ ...RULE, for_s }]);
          const wanted: string[] = [];
          let since: number | null = null;
          let isFiring = false;
          for (const [i, value] of values.entries()) {
            const at = (i + 1) * 15;
            if (value > 10) {
              since ??= at;
              if (!isFiring && at - since >= for_s) {
                isFiring = true;
                wanted.push(`firing@${at}`);
              }
            } else {
              if (isFiring) wanted.push(`resolved@${at}`);
              since = null;
              isFiring = false;
            }
          }
          const said = told.filter(({ to }) => to !== 'pending').map(({ to, at }) => `${to}@${at / 1000}`);
          expect(said).toEqual(wanted);
        },
      ),
      { seed: 13, numRuns: 300 },
    );
  });

  it('stands after a replay where it stood before', () => {
    const values = [5, 11, 12, 13, 14];
    const samples = values.map((value, i) => ({
      at: (i + 1) * SAMPLE_INTERVAL_MS,
      values: sampleOf({ clients: value }),
    }));
    expect(replayAlerts([RULE], samples)).toEqual(run(values).states);
  });
});

test('a rule from outside is taken whole or refused with its field', () => {
  expect(parseAlertRule({ ...RULE })).toEqual(RULE);
  const wrong: [keyof AlertRule, unknown][] = [
    ['name', ''],
    ['name', 'a b'],
    ['name', 'x'.repeat(65)],
    ['name', null],
    ['metric', 'nothing'],
    ['metric', 5],
    ['comparison', 'equal'],
    ['value', NaN],
    ['value', '5'],
    ['for_s', -1],
    ['for_s', 86_401],
    ['for_s', '5'],
    ['severity', 'urgent'],
  ];
  for (const [field, value] of wrong) {
    const code =
      field === 'metric' && value === 'nothing'
        ? 'ERR_BAD_REQUEST'
        : typeof value === 'number' && field === 'for_s'
          ? 'ERR_OUT_OF_RANGE'
          : 'ERR_WRONG_TYPE';
    expect(() => parseAlertRule({ ...RULE, [field]: value }), `${field} ${String(value)}`).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(field === 'metric' ? /metric|sampled/ : field) }),
    );
  }
});
