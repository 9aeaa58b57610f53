/** Rules about tests: all of them run, and none waits for a time to pass. @module */
import { findingAt, importsOf, isNode, memberText, nameOf, type Node, nodesOf } from './syntax.ts';
import { inEach, type Rule, sample } from './rule.ts';

const TESTS = /^tests\/.*\.ts$/;
const LEFT_OUT = /^(test|it|describe|suite|bench)(\.\w+)*\.(only|skip|todo|fails)$/;
const SLEEP = /^(Bun\.sleep|Bun\.sleepSync|Atomics\.wait)$/;

export const TEST_RULES: readonly Rule[] = [
  {
    name: 'no test is left out',
    repair: 'repair the test or delete it; run one alone with `bun run test <part of a path> -t <name>`.',
    find: inEach(TESTS, (file) =>
      nodesOf(file).flatMap((node) => {
        const what = memberText(node);
        return LEFT_OUT.test(what) ? [findingAt(file, node, `uses ${what}`)] : [];
      }),
    ),
    bad: [
      [sample('tests/a.test.ts', "test.only('a', () => {});")],
      [sample('tests/a.test.ts', "describe.skip('a', () => {});")],
      [sample('tests/a.test.ts', "it.concurrent.todo('a');")],
    ],
    good: [sample('tests/a.test.ts', "test('a', () => { list.skip(3); });")],
  },
  {
    name: 'no test sleeps',
    repair: 'wait for the event itself (a line of output, an exit, a message), or inject the clock.',
    find: inEach(TESTS, (file) => [
      ...nodesOf(file).flatMap((node) => (sleeps(node) ? [findingAt(file, node, 'waits for a time to pass')] : [])),
      ...importsOf(file)
        .filter(({ from }) => /^(node:)?timers\/promises$/.test(from))
        .map(({ from, node }) => findingAt(file, node, `imports ${from}`)),
    ]),
    bad: [
      [sample('tests/a.test.ts', 'await Bun.sleep(5);')],
      [sample('tests/a.test.ts', 'await new Promise((resolve) => setTimeout(resolve, 5));')],
      [sample('tests/a.test.ts', "import { setTimeout } from 'node:timers/promises';")],
    ],
    good: [sample('tests/a.test.ts', 'const guard = setTimeout(() => child.kill(), 5000);')],
  },
];

/** A timer that is handed a bare function of another is a sleep; one that acts by itself is a guard. */
function sleeps(node: Node): boolean {
  if (node.type !== 'CallExpression') return false;
  if (SLEEP.test(memberText(node['callee']))) return true;
  const first: unknown = Array.isArray(node['arguments']) ? node['arguments'][0] : undefined;
  return nameOf(node['callee']) === 'setTimeout' && isNode(first) && first.type === 'Identifier';
}
