/** The progress bar, with a clock of its own. @module */
import { expect, test } from 'vitest';
import { Progress, progressLine } from '../../src/cli/progress.ts';
import { styleOf } from '../../src/cli/text.ts';

const TERMINAL = styleOf(80, false);

function watched(isTerminal: boolean, quiet = false) {
  const written: string[] = [];
  let now = 0;
  const style = isTerminal ? TERMINAL : styleOf(0, false);
  const progress = new Progress('verify', { style, quiet, clock: () => now, write: (text) => written.push(text) });
  return { written, progress, at: (time: number) => (now = time) };
}

test('shows itself after a second, ten times a second at most, and goes away', () => {
  const { written, progress, at } = watched(true);
  progress.update(1, 100);
  at(999);
  progress.update(2, 100);
  expect(written).toEqual([]);
  at(1000);
  progress.update(50, 100);
  at(1050);
  progress.update(51, 100);
  at(1100);
  progress.update(52, 100);
  expect(written.map((text) => /\d+ of/.exec(text)![0])).toEqual(['50 of', '52 of']);
  progress[Symbol.dispose]();
  expect(written.at(-1)).toBe('\r\u001b[K');
});

test('what was quick leaves nothing behind', () => {
  const { written, progress } = watched(true);
  progress.update(1, 1);
  progress[Symbol.dispose]();
  expect(written).toEqual([]);
});

test('is for terminals, and not for the quiet', () => {
  for (const { written, progress, at } of [watched(false), watched(true, true)]) {
    at(5000);
    progress.update(1, 2);
    progress[Symbol.dispose]();
    expect(written).toEqual([]);
  }
});

test('is as long as what is done', () => {
  expect(progressLine('verify', 50, 100, TERMINAL)).toBe('verify  ████████████░░░░░░░░░░░░   50 %  50 of 100');
  expect(progressLine('verify', 0, 0, TERMINAL)).toContain('100 %');
});
