/** Text for people. @module */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clean, durationText, facts, sizeText, styleOf, table, wrapped } from '../../src/cli/text.ts';

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

test('a long text is broken between words, and nothing of it is lost', () => {
  const style = styleOf(20, false);
  expect(wrapped(style, 'one two three four five six', 2)).toBe('  one two three four\n  five six');
  expect(wrapped(style, `${'x'.repeat(25)} y`)).toBe(`${'x'.repeat(20)}\nxxxxx y`);
  expect(wrapped(PLAIN, 'one two three four five six seven')).toBe('one two three four five six seven');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(8), (text, indent) => {
      const lines = wrapped(style, text, indent).split('\n');
      expect(Math.max(...lines.map((line) => Bun.stringWidth(line)))).toBeLessThanOrEqual(20);
      const bare = (all: string): string => all.replaceAll(/\s/g, '');
      expect(bare(lines.join(''))).toBe(bare(text.split('\n').map(clean).join('')));
    }),
    { seed: 13 },
  );
});

test('lengths of time are as short as they can be', () => {
  expect([0, 5, 90, 5400, 21_600, 86_400, 90_000].map(durationText)).toEqual([
    '0s',
    '5s',
    '90s',
    '90m',
    '6h',
    '1d',
    '25h',
  ]);
});

test('facts go on below where they are long, but no word is broken', () => {
  const style = styleOf(20, false);
  expect(facts(style, { about: 'one two three four', hash: 'x'.repeat(30) })).toBe(
    `about  one two three\n       four\nhash   ${'x'.repeat(30)}`,
  );
});

test('columns give way one after the other', () => {
  const row = ['x'.repeat(20), 'y'.repeat(20), 'z'];
  expect(table(styleOf(40, false), ['a', 'b', 'c'], [row], 'b', 'a').split('\n')[1]).toBe(
    `${'x'.repeat(20)}  ${'y'.repeat(14)}…  z`.slice(0, 40),
  );
  expect(table(styleOf(30, false), ['a', 'b', 'c'], [row], 'b', 'a').split('\n')[1]).toBe(
    `${'x'.repeat(12)}…  ${'y'.repeat(11)}…  z`,
  );
});
