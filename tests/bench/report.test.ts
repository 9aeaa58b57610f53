/** What the tables and the document say, from results made by hand. @module */
import { describe, expect, test } from 'vitest';
import type { ClaimResult } from '../../bench/harness.ts';
import { document, duration, tables, type Results } from '../../bench/report.ts';
import { atMost, type Bound } from '../../bench/suite.ts';
import { parseZig } from '../../bench/zig-alone.ts';

const machine = {
  cpu: 'Some CPU',
  cores: 2,
  platform: 'linux-x64',
  bun: '1.0.0',
  zig: '0.1.0',
  commit: 'abc+',
  load: 0.5,
  date: '2026-01-02T03:04:05.000Z',
};

function claim(name: string, isMet: boolean | null, bound: Bound = atMost(2)): ClaimResult {
  const sides = {
    subjectName: 'ours',
    floorName: 'theirs',
    subject: 3,
    floor: 2,
    ratio: 1.5,
    spread: [1.4, 1.6] as const,
  };
  return { name, bound, isMet, rounds: 3, hash: 1, ...sides };
}

function results(...claims: ClaimResult[]): Results {
  const cases = [
    { operation: 'add', column: 'zig' as const, p50: 1.2345, p99: 2, hash: 1 },
    { operation: 'add', column: 'javascript' as const, p50: 12345, p99: 2, hash: 1 },
  ];
  const frugal = [
    { name: 'read', passes: 1000, collections: 0, control: 20 },
    { name: 'wasteful', passes: 1000, collections: 3, control: 20 },
  ];
  const figures = [
    { name: 'start', unit: 'ms' as const, bound: 300, value: 212.34, isMet: true },
    { name: 'memory', unit: 'MB' as const, bound: 80, value: 91, isMet: false },
  ];
  return { machine, suites: [{ suite: 'sums', claims, frugal, figures, cases }] };
}

describe('the document', () => {
  test('names what is missed, before any table', () => {
    const text = document(results(claim('good', true), claim('bad', false), claim('told', null, atMost(null))));
    expect(text).toContain('2 of 4 bounds are met; missed: bad; memory.');
    expect(text).toContain('Some CPU, 2 cores, linux-x64; Bun 1.0.0, Zig 0.1.0; commit abc+; load 0.5');
    expect(text.indexOf('missed: bad')).toBeLessThan(text.indexOf('| claim'));
  });

  test('says so when nothing is missed', () => {
    const [suite] = results(claim('good', true)).suites;
    const text = document({ machine, suites: [{ ...suite!, figures: [] }] });
    expect(text).toContain('All 1 bounds are met.');
  });
});

test('each outcome has its word', () => {
  const lines = tables(
    results(claim('good', true), claim('bad', false), claim('told', null, atMost(null)), claim('tiny', null)),
  );
  const row = (name: string): string => lines.split('\n').find((line) => line.startsWith(`| ${name} `)) ?? '';
  expect(row('good')).toMatch(/met +\|$/);
  expect(row('bad')).toContain('**missed**');
  expect(row('told')).toContain('reported');
  expect(row('tiny')).toContain('not judged');
  expect(row('start')).toMatch(/212 ms +\| at most 300 ms \| met/);
  expect(row('memory')).toMatch(/91 MB +\| at most 80 MB +\| \*\*missed\*\*/);
  expect(row('`read`')).toContain('0 bytes');
  expect(row('`wasteful`')).toContain('missed');
  expect(row('add')).toMatch(/1\.23 ns +\| 12\.3 us/);
});

test('durations take the unit that suits', () => {
  expect([0.3339, 999, 1234, 999_000, 1_234_000].map(duration)).toEqual([
    '0.334 ns',
    '999 ns',
    '1.23 us',
    '999 us',
    '1.23 ms',
  ]);
});

test('what Zig prints becomes cases of their suites', () => {
  const found = parseZig('crc64\tcrc64 13 B\t4.5\t5.5\t77\nwire\tframe decode\t1\t2\t3\n\n');
  expect(found.get('crc64')).toEqual([{ operation: 'crc64 13 B', column: 'zig', p50: 4.5, p99: 5.5, hash: 77 }]);
  expect([...found.keys()]).toEqual(['crc64', 'wire']);
});
