/**
 * Results as tables, for the terminal and for bench/RESULTS.md. Computes nothing but how a number is written.
 * @module
 */
import type { CaseResult, ClaimResult, FigureResult, SuiteResult } from './harness.ts';
import { machineLine, type Machine } from './machine.ts';
import type { Bound, Column } from './suite.ts';

export interface Results {
  readonly machine: Machine;
  readonly suites: readonly SuiteResult[];
}

const COLUMNS: readonly Column[] = ['zig', 'native', 'wasm', 'reference', 'library', 'javascript'];

/** Markdown that reads well in a terminal too. */
export function tables({ suites }: Results): string {
  const claims = suites.flatMap((suite) => suite.claims);
  const frugal = suites.flatMap((suite) => suite.frugal);
  const parts = [
    '## Claims',
    table(['claim', 'measured', 'beside', 'ratio', 'quartiles', 'bound', ''], claims.map(claimRow)),
  ];
  if (frugal.length > 0) {
    const rows = frugal.map(({ name, passes, collections, control }) => [
      `\`${name}\``,
      passes.toLocaleString('en'),
      String(collections),
      String(control),
      control > 0 && collections === 0 ? 'met: 0 bytes' : 'missed',
    ]);
    parts.push('## Allocation', table(['read', 'reads', 'collections', 'of a loop that allocates', ''], rows));
  }
  const figures = suites.flatMap((suite) => suite.figures);
  if (figures.length > 0) {
    parts.push('## Figures', table(['figure', 'measured', 'bound', ''], figures.map(figureRow)));
  }
  for (const { suite, cases } of suites.filter((each) => each.cases.length > 0))
    parts.push(`## ${suite}`, caseTable(cases));
  return `${parts.join('\n\n')}\n`;
}

/** The whole of bench/RESULTS.md. */
export function document(results: Results): string {
  const claims = results.suites.flatMap((suite) => [...suite.claims, ...suite.figures]);
  const missed = claims.filter(({ isMet }) => isMet === false).map(({ name }) => name);
  const held = claims.filter(({ isMet }) => isMet !== null).length;
  return [
    '# Results of the benchmarks',
    `Written by \`bun run bench --write\` on ${results.machine.date}. How to read it: ` +
      '[docs/PERFORMANCE.md](../docs/PERFORMANCE.md).',
    machineLine(results.machine),
    missed.length === 0
      ? `All ${held} bounds are met.`
      : `${held - missed.length} of ${held} bounds are met; missed: ${missed.join('; ')}.`,
    tables(results),
  ].join('\n\n');
}

function claimRow({
  name,
  subjectName,
  floorName,
  subject,
  floor,
  ratio,
  spread,
  bound,
  isMet,
}: ClaimResult): string[] {
  return [
    name,
    `${subjectName}: ${duration(subject)}`,
    `${floorName}: ${duration(floor)}`,
    `${times(ratio)}${bound.kind === 'speedup' ? ' faster' : ''}`,
    `${times(spread[0])} to ${times(spread[1])}`,
    boundText(bound),
    isMet === null ? (bound.value === null ? 'reported' : 'not judged') : isMet ? 'met' : '**missed**',
  ];
}

function figureRow({ name, unit, value, bound, isMet }: FigureResult): string[] {
  const judged = isMet === null ? (bound === null ? 'reported' : 'not judged') : isMet ? 'met' : '**missed**';
  return [name, `${digits(value)} ${unit}`, bound === null ? '' : `at most ${bound} ${unit}`, judged];
}

function boundText({ kind, value }: Bound): string {
  if (value === null) return '';
  if (kind === 'ns') return `at most ${value} ns`;
  return kind === 'ratio' ? `at most ${times(value)}` : `at least ${times(value)}`;
}

/** A row for each operation, a column for each implementation that has it. */
function caseTable(cases: readonly CaseResult[]): string {
  const columns = COLUMNS.filter((column) => cases.some((found) => found.column === column));
  const operations = [...new Set(cases.map(({ operation }) => operation))];
  const rows = operations.map((operation) => [
    operation,
    ...columns.map((column) => {
      const found = cases.find((each) => each.operation === operation && each.column === column);
      return found === undefined ? '' : duration(found.p50);
    }),
  ]);
  return table(['operation (median)', ...columns], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(3, ...all.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((text, column) => text.padEnd(widths[column]!)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** Three digits, in the unit that suits. */
export function duration(nanoseconds: number): string {
  if (nanoseconds < 1000) return `${digits(nanoseconds)} ns`;
  if (nanoseconds < 1e6) return `${digits(nanoseconds / 1000)} us`;
  return `${digits(nanoseconds / 1e6)} ms`;
}

function times(ratio: number): string {
  return `${digits(ratio)}x`;
}

function digits(value: number): string {
  return Number(value.toPrecision(3)).toString();
}
