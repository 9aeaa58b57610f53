/** What an import would do, on a terminal of 80 columns. @module */
import { expect, test } from 'vitest';
import { notesText, planText } from '../../src/cli/plan-text.ts';
import { styleOf } from '../../src/cli/text.ts';

const FINDING = { severity: 'warn', code: 'regex', flag: 'a-flag-of-a-long-name'.repeat(3) } as const;
const MESSAGE =
  `The operator is one that nobody evaluates here, so that the rule was left out: ${'and more '.repeat(9)}`.trim();
const PLAN = {
  flags: [{ key: 'x'.repeat(90), status: 'partial', step: 'make', revision: 0 }],
  findings: [
    { ...FINDING, message: MESSAGE, path: '/features/0/strategies/1/constraints/2' },
    { ...FINDING, severity: 'error', code: 'too-large', flag: null, message: 'Too large\nerror  forged', path: '' },
    { ...FINDING, severity: 'info', message: 'Nothing', path: '/x' },
  ],
} as const;

test('says what and where on lines of their own, none wider than the terminal, the gravest first', () => {
  const text = planText(PLAN, styleOf(80, false));
  expect(text.split('\n\n').slice(1)).toEqual([
    'error  too-large\n       Too large\\u000aerror  forged',
    [
      `warn   ${FINDING.flag}: regex`,
      '       The operator is one that nobody evaluates here, so that the rule was left',
      '       out: and more and more and more and more and more and more and more and',
      '       more and more',
      '       /features/0/strategies/1/constraints/2',
    ].join('\n'),
  ]);
  expect(Math.max(...text.split('\n').map((line) => Bun.stringWidth(line)))).toBeLessThanOrEqual(80);
  expect(text).toMatch(/^x+… +partial +new$/m);
});

test('notes are counted', () => {
  expect(notesText(PLAN)).toBe('1 note more: --json has all');
  expect(notesText({ findings: [] })).toBeNull();
});
