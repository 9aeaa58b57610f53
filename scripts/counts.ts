/**
 * Reads what the two test runners say into counts, and prints the closing lines. A runner that fails without
 * a failed test, or that ran none, counts as one failure: green must mean that tests ran and passed.
 * @module
 */

export interface Part {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What went wrong beside the tests; each is one of `failed`. */
  readonly faults: readonly string[];
}

/** The part of vitest's JSON report that is read here. */
export interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

/** From the last `Build Summary:` line of `zig build test --summary all`. */
export function zigPart(output: string, exitCode: number): Part {
  const summary = output.split('\n').findLast((line) => line.startsWith('Build Summary:')) ?? '';
  const tests = /; (\d+)\/(\d+) tests passed(?: \(([^)]*)\))?/.exec(summary);
  const notes = tests?.[3] ?? '';
  const count = (what: string): number => Number(new RegExp(`(\\d+) ${what}`).exec(notes)?.[1] ?? 0);
  return withFaults(
    {
      name: 'Zig',
      passed: Number(tests?.[1] ?? 0),
      failed: count('failed') + count('crashed') + count('timed out'),
      skipped: count('skipped'),
      faults: [],
    },
    exitCode,
  );
}

/** From vitest's JSON report; null when it wrote none. */
export function vitestPart(report: VitestReport | null, exitCode: number): Part {
  const broken = (report?.testResults ?? []).filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  return withFaults(
    {
      name: 'TypeScript',
      passed: report?.numPassedTests ?? 0,
      failed: (report?.numFailedTests ?? 0) + broken.length,
      skipped: (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0),
      faults: broken.map((file) => `${file.name} failed outside its tests`),
    },
    exitCode,
  );
}

function withFaults(part: Part, exitCode: number): Part {
  const fault =
    part.passed + part.failed === 0
      ? `no test ran (the runner ended with exit code ${exitCode})`
      : exitCode !== 0 && part.failed === 0
        ? `the runner ended with exit code ${exitCode} although no test failed`
        : null;
  return fault === null ? part : { ...part, failed: part.failed + 1, faults: [...part.faults, fault] };
}

/** One line a part, one a fault, and the closing line last. */
export function closingLines(parts: readonly Part[]): string[] {
  const sum = (key: 'passed' | 'failed' | 'skipped'): number => parts.reduce((total, part) => total + part[key], 0);
  const total = { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
  const faults = parts.flatMap((part) => part.faults.map((fault) => `  ${part.name}: ${fault}`));
  return [...parts.map((part) => `  ${part.name}: ${countsText(part)}`), ...faults, countsText(total)];
}

function countsText({ passed, failed, skipped }: Pick<Part, 'passed' | 'failed' | 'skipped'>): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
