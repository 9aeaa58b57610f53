/**
 * Holds the house rules over the real sources. Each rule is a test of its own; its failure lists every place
 * and says what to do. A second test per rule shows that the rule still finds what it is there to find.
 * @module
 */
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { DOCUMENT_RULES } from './document-rules.ts';
import { IMPORT_RULES } from './import-rules.ts';
import { readRepository } from './repository.ts';
import type { Rule } from './rule.ts';
import { TEST_RULES } from './test-rules.ts';
import { TEXT_RULES } from './text-rules.ts';
import { TYPESCRIPT_RULES } from './typescript-rules.ts';
import { ZIG_RULES } from './zig-rules.ts';

const RULES: readonly Rule[] = [
  ...IMPORT_RULES,
  ...TYPESCRIPT_RULES,
  ...TEST_RULES,
  ...ZIG_RULES,
  ...TEXT_RULES,
  ...DOCUMENT_RULES,
];

const files = readRepository(fileURLToPath(new URL('../../', import.meta.url)));

test('the repository is read', () => {
  const paths = files.map(({ path }) => path);
  expect(paths).toEqual(expect.arrayContaining(['package.json', 'tests/tidy/tidy.test.ts', '.ci/run', 'build.zig']));
  expect(paths.filter((path) => path.includes('node_modules'))).toEqual([]);
});

describe.each(RULES)('$name', (rule) => {
  test('holds everywhere', () => {
    const places = rule.find(files).map(({ path, line, what }) => `${path}:${line} ${what}`);
    if (places.length > 0) expect.fail([`${rule.name}. What to do: ${rule.repair}`, ...places].join('\n'));
  });

  test('finds each bad sample, and nothing in the good one', () => {
    for (const bad of rule.bad) expect(rule.find(bad), JSON.stringify(bad)).not.toEqual([]);
    expect(rule.find(rule.good)).toEqual([]);
  });
});
