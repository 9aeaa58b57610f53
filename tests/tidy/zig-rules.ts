/** Rules about the shape of Zig files; `zig fmt` lays them out, so indentation can be trusted. @module */
import { type Finding, inEach, inLines, type Rule, sample, type SourceFile, ZIG } from './rule.ts';

const COLUMNS = 120;
const FUNCTION_LINES = 70;
const SWALLOWED = /\bcatch\s*(\|\w+\|\s*)?(\{\s*\}|0\b|null\b)/;

export const ZIG_RULES: readonly Rule[] = [
  {
    name: 'a Zig file says why it exists',
    repair: 'open it with //! what it is, why it exists, what it must not do.',
    find: inEach(ZIG, ({ path, text }) =>
      text.startsWith('//!') ? [] : [{ path, line: 1, what: 'opens without a //! comment' }],
    ),
    bad: [[sample('zig/src/a.zig', 'const a = 1;')]],
    good: [sample('zig/src/a.zig', '//! Why.')],
  },
  {
    name: `a Zig line has at most ${COLUMNS} columns`,
    repair: 'break it; a trailing comma makes `zig fmt` put one item on each line.',
    find: inLines(ZIG, (line) => (line.length > COLUMNS ? `has ${line.length} columns` : null)),
    bad: [[sample('zig/src/a.zig', `// ${'x'.repeat(COLUMNS)}`)]],
    good: [sample('zig/src/a.zig', 'x'.repeat(COLUMNS))],
  },
  {
    name: `a Zig function has at most ${FUNCTION_LINES} lines`,
    repair: 'split it where its paragraphs part.',
    find: inEach(ZIG, longFunctions),
    bad: [[sample('zig/src/a.zig', 'pub fn a() void {', ...Array<string>(FUNCTION_LINES).fill('    b();'), '}')]],
    good: [
      sample('zig/src/a.zig', 'fn a() void {', '    b();', '}', ...Array<string>(99).fill('// b'), '}'),
      sample('zig/src/b.zig', 'fn a() u8 { return 1; }', ...Array<string>(99).fill('// b'), '}'),
    ],
  },
  {
    name: 'Zig swallows no error',
    repair: 'map the error by name in a switch, or pass it on with try.',
    find: inLines(ZIG, (line) => (SWALLOWED.test(line.replace(/\/\/.*/, '')) ? 'swallows an error' : null)),
    bad: [
      [sample('zig/src/a.zig', 'b() catch {};')],
      [sample('zig/src/a.zig', 'const c = b() catch 0;')],
      [sample('zig/src/a.zig', 'const c = b() catch null;')],
    ],
    good: [sample('zig/src/a.zig', '// never catch {}', 'const c = b() catch |err| return map(err);')],
  },
  {
    name: 'Zig files are named in snake_case',
    repair: 'rename it.',
    find: inEach(ZIG, ({ path }) =>
      /(^|\/)[a-z0-9]+(_[a-z0-9]+)*\.zig$/.test(path) ? [] : [{ path, line: 1, what: 'is named otherwise' }],
    ),
    bad: [[sample('zig/src/Cell.zig')], [sample('zig/src/api-core.zig')]],
    good: [sample('zig/src/api_core.zig'), sample('build.zig')],
  },
];

/**
 * A function ends at the first brace that closes at its own indentation. One on a single line is short, and one
 * that returns a type is a file in a file.
 */
function longFunctions({ path, text }: SourceFile): Finding[] {
  const lines = text.split('\n');
  return lines.flatMap((line, start) => {
    const indentation = /^(\s*)(pub |export |inline |noinline |extern )*fn \w/.exec(line)?.[1];
    if (indentation === undefined || /[};]$|\) type \{$/.test(line)) return [];
    const length = lines.slice(start).findIndex((later) => later === `${indentation}}`) + 1;
    return length > FUNCTION_LINES ? [{ path, line: start + 1, what: `has ${length} lines` }] : [];
  });
}
