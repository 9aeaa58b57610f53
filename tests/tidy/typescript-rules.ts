/** Rules about the shape of TypeScript files: names, headers, sizes, and what hides failures. @module */
import { findingAt, importsOf, isNode, lineAt, type Node, nodesOf } from './syntax.ts';
import { type Finding, inEach, inLines, type Rule, sample, type SourceFile, TYPESCRIPT } from './rule.ts';

const COLUMNS = 120;
const FUNCTION_LINES = 60;
/** Tool configurations must export a default. */
const NOT_A_CONFIG = /^(?!.*\.config\.ts$).*(?<!\.gen)\.tsx?$/;
const NOT_A_TEST = /^(?!tests\/).*(?<!\.gen)\.tsx?$/;
const RE_EXPORT = /^(ExportAllDeclaration|ExportNamedDeclaration)$/;

export const TYPESCRIPT_RULES: readonly Rule[] = [
  {
    name: 'a TypeScript file says why it exists',
    repair: 'open it with /** what it is, why it exists, what it must not do. @module */',
    find: inEach(TYPESCRIPT, (file) =>
      /^(#!.*\n)?\/\*\*/.test(file.text) ? [] : [{ path: file.path, line: 1, what: 'opens without a comment' }],
    ),
    bad: [[sample('src/live/a.ts', 'export const a = 1;')]],
    good: [
      sample('src/live/a.ts', '/** Why. @module */'),
      sample('src/live/b.ts', '#!/usr/bin/env bun', '/** Why. */'),
    ],
  },
  {
    name: `a TypeScript line has at most ${COLUMNS} columns`,
    repair: 'break the line; `bun run format` breaks code, not comments and texts.',
    find: inLines(TYPESCRIPT, (line) => (line.length > COLUMNS ? `has ${line.length} columns` : null)),
    bad: [[sample('src/live/a.ts', `// ${'x'.repeat(COLUMNS)}`)]],
    good: [sample('src/live/a.ts', 'x'.repeat(COLUMNS))],
  },
  {
    name: `a function has at most ${FUNCTION_LINES} lines`,
    repair: 'split it where its paragraphs part.',
    find: inEach(NOT_A_TEST, longFunctions),
    bad: [[sample('src/live/a.ts', 'export function a() {', ...Array<string>(FUNCTION_LINES).fill('  b();'), '}')]],
    good: [sample('src/live/a.ts', 'export function a() {', '  b();', '}')],
  },
  {
    name: 'a catch does something',
    repair: 'handle the error, turn it into a ConfigError with a cause, or let it pass.',
    find: inEach(TYPESCRIPT, (file) =>
      nodesOf(file).flatMap((node) => (isEmptyCatch(node) ? [findingAt(file, node, 'swallows the error')] : [])),
    ),
    bad: [
      [sample('src/live/a.ts', 'try { a(); } catch {}')],
      [sample('src/live/a.ts', 'try { a(); } catch (error) { /* never mind */ }')],
      [sample('src/live/a.ts', 'a().catch(() => {});')],
    ],
    good: [sample('src/live/a.ts', 'try { a(); } catch { b(); }', 'a().catch(() => null);')],
  },
  {
    name: 'exports are named',
    repair: 'give the export the name of its file.',
    find: inEach(NOT_A_CONFIG, (file) =>
      nodesOf(file)
        .filter((node) => node.type === 'ExportDefaultDeclaration')
        .map((node) => findingAt(file, node, 'exports a default')),
    ),
    bad: [[sample('src/live/a.ts', 'export default 1;')]],
    good: [sample('src/live/a.ts', 'export const a = 1;'), sample('vitest.config.ts', 'export default {};')],
  },
  {
    name: 'only src/index.ts is a barrel',
    repair: 'let users import from the file that holds the thing.',
    find: inEach(TYPESCRIPT, barrels),
    bad: [[sample('src/live/index.ts', "export { a } from './a.ts';", "export * from './b.ts';")]],
    good: [sample('src/index.ts', "export { a } from './a.ts';"), sample('src/live/a.ts', 'export const a = 1;')],
  },
  {
    name: 'relative imports name the whole file',
    repair: 'write the extension: ./value.ts',
    find: inEach(TYPESCRIPT, (file) =>
      importsOf(file)
        .filter(({ from }) => from.startsWith('.') && !/\.\w+$/.test(from))
        .map(({ from, node }) => findingAt(file, node, `imports ${from}`)),
    ),
    bad: [[sample('src/live/a.ts', "import { b } from './b';")]],
    good: [sample('src/live/a.ts', "import { b } from './b.ts';", "import c from 'c';")],
  },
  {
    name: 'TypeScript files are named in kebab-case',
    repair: 'rename it; a test is <source>.test.ts, a shared suite <subject>.contract.ts, a bench <subject>.bench.ts.',
    find: inEach(TYPESCRIPT, ({ path }) => {
      const name = path.slice(path.lastIndexOf('/') + 1);
      const fits = /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|contract|bench|config|d))?\.tsx?$/.test(name);
      return fits || /^tests\/[a-z0-9_]+_test\.ts$/.test(path) ? [] : [{ path, line: 1, what: 'is named otherwise' }];
    }),
    bad: [[sample('src/live/aB.ts')], [sample('src/live/a_b.ts')]],
    good: [sample('src/live/a-b.test.ts'), sample('tests/config_immutability_test.ts')],
  },
];

function longFunctions(file: SourceFile): Finding[] {
  return nodesOf(file).flatMap((node) => {
    if (!/^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type)) return [];
    const lines = lineAt(file, node.end) - lineAt(file, node.start) + 1;
    return lines > FUNCTION_LINES ? [findingAt(file, node, `has ${lines} lines`)] : [];
  });
}

function isEmptyCatch(node: Node): boolean {
  if (node.type === 'CatchClause') return isEmptyBlock(node['body']);
  const { callee, arguments: handed } = node;
  if (node.type !== 'CallExpression' || !isNode(callee) || !Array.isArray(handed)) return false;
  const { property } = callee;
  return isNode(property) && property['name'] === 'catch' && isNode(handed[0]) && isEmptyBlock(handed[0]['body']);
}

function isEmptyBlock(block: unknown): boolean {
  return isNode(block) && block.type === 'BlockStatement' && Array.isArray(block['body']) && block['body'].length === 0;
}

function barrels(file: SourceFile): Finding[] {
  if (file.path === 'src/index.ts') return [];
  const statements = nodesOf(file)[0]?.['body'];
  if (!Array.isArray(statements) || statements.length === 0) return [];
  const passesOn = (node: unknown): boolean => isNode(node) && RE_EXPORT.test(node.type) && isNode(node['source']);
  return statements.every(passesOn) ? [{ path: file.path, line: 1, what: 'only passes exports on' }] : [];
}
