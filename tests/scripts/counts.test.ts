/** The closing line of a test run may never be greener than the run was. @module */
import { describe, expect, test } from 'vitest';
import { closingLines, type VitestReport, vitestPart, zigPart } from '../../scripts/counts.ts';

const summary = (text: string): string =>
  `test\n+- run test\n\nBuild Summary: 5/5 steps succeeded${text}\n\nerror: x\n`;

describe('the Zig part', () => {
  test.each([
    ['; 3/3 tests passed', 0, [3, 0, 0]],
    ['; 3/4 tests passed (1 skipped)', 0, [3, 0, 1]],
    ['; 4/9 tests passed (1 skipped, 1 failed, 2 crashed, 1 timed out)', 1, [4, 4, 1]],
  ] as const)('counts %s', (text, exitCode, [passed, failed, skipped]) => {
    expect(zigPart(summary(text), exitCode)).toEqual({ name: 'Zig', passed, failed, skipped, faults: [] });
  });

  test('a leak, an error log or a build error is a failure although no test failed', () => {
    const part = zigPart(summary(' (1 failed); 4/4 tests passed'), 1);
    expect(part).toMatchObject({ passed: 4, failed: 1 });
    expect(part.faults).toEqual(['the runner ended with exit code 1 although no test failed']);
  });

  test.each([
    ['no summary at all', ''],
    ['a summary without tests', summary('')],
  ])('%s is a failure', (_, output) => {
    expect(zigPart(output, 0)).toMatchObject({ passed: 0, failed: 1 });
  });

  test('a summary that a test printed before the last one does not count', () => {
    expect(zigPart(summary('; 9/9 tests passed') + summary('; 1/1 tests passed'), 0)).toMatchObject({ passed: 1 });
  });
});

describe('the TypeScript part', () => {
  const report = (passed: number, failed: number, files: VitestReport['testResults'] = []): VitestReport => ({
    numPassedTests: passed,
    numFailedTests: failed,
    numPendingTests: 1,
    numTodoTests: 1,
    testResults: files,
  });

  test('counts passed, failed and left out', () => {
    expect(vitestPart(report(5, 2), 1)).toEqual({ name: 'TypeScript', passed: 5, failed: 2, skipped: 2, faults: [] });
  });

  test('a file that does not load is one failure, named', () => {
    const files = [{ name: 'a.test.ts', status: 'failed', assertionResults: [] }];
    const part = vitestPart(report(5, 0, files), 1);
    expect(part).toMatchObject({ passed: 5, failed: 1, faults: ['a.test.ts failed outside its tests'] });
  });

  test('a file with a failed test is not counted twice', () => {
    const files = [{ name: 'a.test.ts', status: 'failed', assertionResults: [{ status: 'failed' }] }];
    expect(vitestPart(report(5, 1, files), 1)).toMatchObject({ failed: 1, faults: [] });
  });

  test('a runner that crashed, or ran nothing, is a failure', () => {
    expect(vitestPart(null, 139)).toMatchObject({ passed: 0, failed: 1 });
    expect(vitestPart(report(0, 0), 0)).toMatchObject({ passed: 0, failed: 1 });
    expect(vitestPart(report(5, 0), 1)).toMatchObject({ passed: 5, failed: 1 });
  });
});

test('the closing line is the last one and sums the parts', () => {
  const lines = closingLines([zigPart(summary('; 3/3 tests passed'), 0), vitestPart(null, 1)]);
  expect(lines.at(-1)).toBe('3 passed, 1 failed');
  expect(lines.filter((line) => /^\d+ passed, \d+ failed$/.test(line))).toHaveLength(1);
});
