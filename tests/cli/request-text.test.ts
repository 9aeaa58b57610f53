/** A change request as its approver reads it, on a terminal of 80 columns. @module */
import { expect, test } from 'vitest';
import { requestText } from '../../src/cli/request-text.ts';
import { styleOf } from '../../src/cli/text.ts';
import type { RequestView } from '../../src/registry/routes/v1/change-request-shapes.ts';

const TERMINAL = styleOf(80, false);
const LONG =
  'A sentence that is much longer than a line of a terminal can be, and that has to be read whole by whoever';
const VIEW: RequestView = {
  id: '1a1f9e479b299380',
  revision: 2,
  state: 'proposed',
  author: 'ann',
  reason: 'slowly',
  createdAt: 0,
  expiresAt: 1000,
  due: null,
  force: false,
  needsApproval: true,
  approval: null,
  end: null,
  failure: null,
  touches: ['config:shop', 'flag:shop/banner'],
  steps: [
    { at: 500, pause_s: 0, appliedAt: 600, operations: [{ name: 'shop', set: { rollouts: { dark: 5 }, rows: 9 } }] },
    { at: null, pause_s: 21_600, appliedAt: null, operations: [{ flag: 'shop/banner', patch: {} }] },
    { at: null, pause_s: 90, appliedAt: null, operations: [{ name: 'shop', template: 'quiet' }] },
  ],
  diff: [
    {
      step: 1,
      stream: 'flag:shop/banner',
      revision: 4,
      kind: 'update',
      changes: [
        {
          field: 'definition',
          before: { state: 'ENABLED', variants: { on: true, text: 'Hello' } },
          after: { state: 'ENABLED', variants: { on: true, text: LONG } },
        },
        { field: 'owner', before: null, after: 'shop' },
      ],
      moved: ['definition', 'tags'],
    },
    { step: 2, stream: 'config:shop', revision: 0, kind: 'delete', changes: [], moved: [] },
  ],
  problem: null,
};

test('is step by step, thing by thing, now and then, whole', () => {
  const text = requestText(TERMINAL, VIEW);
  expect(text.slice(text.indexOf('\n\n') + 2)).toBe(
    [
      'step 1 of 3: made 1970-01-01T00:00:00.600Z',
      '  config:shop, set',
      '    rollouts.dark',
      '      then: 5',
      '    rows',
      '      then: 9',
      '',
      'step 2 of 3: 6h after step 1, once it is approved',
      '  flag:shop/banner, update',
      '    definition.variants.text',
      '      now:  "Hello"',
      '      then:',
      '        "A sentence that is much longer than a line of a terminal can be, and',
      '        that has to be read whole by whoever"',
      '    owner',
      '      now:  none',
      '      then: "shop"',
      '    changed meanwhile: definition, tags',
      '',
      'step 3 of 3: 90s after step 2',
      '  config:shop, delete',
    ].join('\n'),
  );
  expect(Math.max(...text.split('\n').map((line) => Bun.stringWidth(line)))).toBeLessThanOrEqual(80);
});

test.each(['applied', 'rejected', 'cancelled', 'failed', 'expired'] as const)(
  '%s, it says what was asked for',
  (state) => {
    const text = requestText(TERMINAL, { ...VIEW, state, diff: [] });
    expect(text).toContain('step 1 of 3: made 1970');
    expect(text).toContain('    rollouts.dark\n      then: 5');
    expect(text).toContain('step 3 of 3: not made\n  config:shop, template\n    to\n      then: "quiet"');
  },
);

test('nothing in it moves the cursor or forges a line', () => {
  const operations = [{ flag: 'shop/x', put: { ['a\nb\u001b[2J']: 'c\nd\u202e' } }];
  const steps = [{ at: null, pause_s: 0, appliedAt: null, operations }];
  const text = requestText(TERMINAL, { ...VIEW, state: 'failed', steps, diff: [] });
  expect(text).not.toMatch(/[\u001b\u202e]/);
  expect(text).not.toMatch(/^ +[bd]/m);
});
