/** Every benchmark is run here with tiny input, so that none rots. What they measure is no matter of a test. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runSuite, type SuiteResult } from '../../bench/harness.ts';
import { SUITES } from '../../bench/suites.ts';

async function runTiny(name: string): Promise<SuiteResult> {
  const parent = mkdtempSync(join(tmpdir(), 'c13-bench-'));
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }));
  const result = await runSuite(
    SUITES.find((suite) => suite.name === name)!,
    { tiny: true, parent },
  );
  expect(readdirSync(parent), 'a suite takes its directory away').toEqual([]);
  return result;
}

test('every file of cases is a suite of its name', () => {
  const files = readdirSync(new URL('../../bench/', import.meta.url)).filter((file) => file.endsWith('.bench.ts'));
  expect(SUITES.map(({ name }) => `${name}.bench.ts`).toSorted()).toEqual(files.toSorted());
});

describe.each(SUITES.map(({ name }) => name))('%s', (name) => {
  test('runs, and each of its cases does something', async () => {
    const { cases, claims, frugal } = await runTiny(name);
    expect(cases.length + claims.length).toBeGreaterThan(2);
    for (const { operation, hash, p50 } of [
      ...cases,
      ...claims.map((claim) => ({ operation: claim.name, ...claim, p50: claim.subject })),
    ]) {
      expect(Number.isFinite(hash), `${operation} gives a hash of its work`).toBe(true);
      expect(p50, operation).toBeGreaterThan(0);
    }
    for (const claim of claims) expect(claim.isMet, `${claim.name} is not judged by so little`).toBeNull();
    for (const { passes } of frugal) expect(passes).toBeGreaterThan(0);
  });
});

test('the cores do the same work', async () => {
  for (const name of ['crc64', 'columns']) {
    const { cases } = await runTiny(name);
    for (const { operation, hash } of cases.filter(({ column }) => column === 'native')) {
      const others = cases.filter((each) => each.operation === operation && each.column !== 'javascript');
      expect(
        others.map((each) => each.hash),
        operation,
      ).toEqual(others.map(() => hash));
    }
  }
});
