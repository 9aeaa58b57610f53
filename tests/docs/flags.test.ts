/**
 * docs/FLAGS.md is true: its requests run as printed, its limits are those of the code, and flagd's engine does what
 * it says.
 * @module
 */
import type { EvaluationContext } from '@openfeature/core';
import { FeatureFlag } from '@openfeature/flagd-core';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isInRollout } from '../../src/config/rollout.ts';
import {
  CONTEXT_CHARACTERS_MAX,
  CONTEXT_DEPTH_MAX,
  CONTEXT_LIST_MAX,
  CONTEXT_PROPERTIES_MAX,
  CONTEXT_TEXT_MAX,
  CONTEXT_VALUES_MAX,
} from '../../src/flags/context.ts';
import { QUIET } from '../../src/flags/engine.ts';
import { FLAGS_MAX } from '../../src/flags/flags.ts';
import { ROOT, startProgram, tempDirectory } from '../registry/fixtures.ts';

const TEXT = readFileSync(join(ROOT, 'docs/FLAGS.md'), 'utf8');
const WALKED = true;

/** The variant that rules lead to, or the error. */
function answer(targeting: object, context: EvaluationContext, isWalked = WALKED): string | undefined {
  const definition = { state: 'ENABLED', variants: { a: 1, b: 2 }, defaultVariant: 'b', targeting } as const;
  const flag = new FeatureFlag('f', definition as never, QUIET, { disableDynamicCodeGeneration: isWalked });
  const result = flag.evaluate(context, QUIET);
  return result.reason === 'ERROR' ? result.errorCode : result.variant;
}

test('the requests run as printed', async () => {
  const { url } = await startProgram();
  const home = tempDirectory();
  writeFileSync(join(home, '.curlrc'), 'silent\nshow-error\nfail-with-body\nwrite-out = "\\n"\n');
  const blocks = [...TEXT.matchAll(/^```bash\n([^]*?)^```$/gm)].map(([, code]) => code!);
  const script = blocks.join('').replaceAll('http://localhost:4873', url);
  const child = Bun.spawnSync(['bash', '-e', '-c', script], { env: { ...Bun.env, CURL_HOME: home } });
  expect([child.exitCode, child.stderr.toString()]).toEqual([0, '']);
  const [, answered] = child.stdout.toString().split('\n');
  expect(answered).toMatch(/^\{"key":"banner"/);
  expect(TEXT).toContain(`\`${answered}\``);
});

test('limits are those of the code', () => {
  const number = (value: number): string => value.toLocaleString('en');
  expect(TEXT).toContain(`at most ${number(FLAGS_MAX)}.`);
  expect(TEXT).toContain(`| a context | 1 MiB, ${number(CONTEXT_VALUES_MAX)} values, ${CONTEXT_DEPTH_MAX} levels |`);
  const parts = [
    `${CONTEXT_LIST_MAX} items in a list`,
    `${CONTEXT_PROPERTIES_MAX} properties in an object`,
    `${number(CONTEXT_TEXT_MAX)} characters in a text`,
    `${number(CONTEXT_CHARACTERS_MAX)} characters in all`,
  ];
  expect(TEXT).toContain(`| in a context | ${parts.join(', ')} |`);
});

test('rules that are walked differ from compiled ones as it says', () => {
  const all = { if: [{ all: [{ var: 'list' }, true] }, 'a', 'b'] };
  expect([answer(all, {}), answer(all, {}, !WALKED)]).toEqual(['b', 'a']);
  const some = { if: [{ some: [{ var: 'list' }, { '==': [{ var: '' }, 1] }] }, 'a', 'b'] };
  expect([answer(some, { list: 1 }), answer(some, { list: 1 }, !WALKED)]).toEqual(['b', 'GENERAL']);
  const never = { if: [{ '>': [{ '/': [1, 0] }, 1] }, 'a'] };
  expect([answer(never, {}), answer(never, {}, !WALKED)]).toEqual(['GENERAL', 'PARSE_ERROR']);
});

test("flagd's surprises are those that it names", () => {
  const branch = (condition: object): object => ({ if: [condition, 'a', 'b'] });
  expect(answer(branch({ '==': [{ var: 'plan' }, null] }), {})).toBe('a');
  expect(answer(branch({ var: 'list' }), { list: [] })).toBe('b');
  expect(answer(branch({ var: 'map' }), { map: {} })).toBe('b');
  expect(answer(branch({ '==': [{ var: 'a.b' }, 1] }), { 'a.b': 1 })).toBe('b');
  expect(answer(branch({ sem_ver: [{ var: 'version' }, '^', '1.2.0'] }), { version: '1.1.0' })).toBe('a');
  expect(answer(branch({ '<': [{ var: 'plan' }, 3] }), { plan: 'pro' })).toBe('GENERAL');
});

test('10 % by rollout and 10 % by fractional are other people', () => {
  const keys = Array.from({ length: 2000 }, (_, i) => `user-${i}`);
  const tenth = {
    fractional: [
      ['a', 10],
      ['b', 90],
    ],
  };
  const byRules = keys.filter((targetingKey) => answer(tenth, { targetingKey }) === 'a');
  const byRollout = keys.filter((key) => isInRollout('f', key, 1000));
  const both = byRules.filter((key) => byRollout.includes(key));
  expect(byRules.length).toBeGreaterThan(150);
  expect(byRollout.length).toBeGreaterThan(150);
  expect(both.length).toBeLessThan(40);
});
