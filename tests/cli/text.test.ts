/** Text for people. @module */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clean, facts, sizeText, styleOf, table } from '../../src/cli/text.ts';

const PLAIN = styleOf(0, false);

test('nothing from outside moves the cursor', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(clean(text)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
    }),
    { seed: 13 },
  );
  expect(clean('a\u001b[31mb\nc')).toBe('a\\u001b[31mb\\u000ac');
});

test('columns are as wide as their widest cell, counted as a terminal counts', () => {
  expect(
    table(
      PLAIN,
      ['a', 'b'],
      [
        ['日本', 'x'],
        ['y', 'z'],
      ],
    ),
  ).toBe('a     b\n日本  x\ny     z');
});

test('on a terminal no line is wider than it', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 5, max: 40 }),
      fc.array(fc.tuple(fc.string(), fc.string({ unit: 'grapheme' }))),
      (columns, rows) => {
        for (const line of table(styleOf(columns, false), ['one', 'two'], rows).split('\n')) {
          expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns);
        }
      },
    ),
    { seed: 13 },
  );
});

test('facts are named by their path', () => {
  expect(facts(PLAIN, { a: 1, head: { seq: 2, at: null }, list: [], names: ['x', 'y'] })).toBe(
    'a         1\nhead.seq  2\nhead.at   none\nlist      none\nnames     x, y',
  );
});

test('sizes', () => {
  expect([0, 1023, 1024, 20_480, 5 * 1024 ** 3].map(sizeText)).toEqual([
    '0 B',
    '1023 B',
    '1.0 KiB',
    '20.0 KiB',
    '5.0 GiB',
  ]);
});

test('one column gives way, so that what stands behind it stays on the screen', () => {
  const narrow = { ...styleOf(30, false) };
  const [head, row] = table(narrow, ['who', 'changed', 'why'], [['ann', 'x'.repeat(60), 'a reason']], 'changed').split(
    '\n',
  );
  expect(head).toMatch(/^who  changed +why$/);
  expect(row).toMatch(/^ann  x+…  a reason$/);
  expect(row!.length).toBe(30);
  expect(table(PLAIN, ['a'], [['x'.repeat(60)]], 'a')).toContain('x'.repeat(60));
});
