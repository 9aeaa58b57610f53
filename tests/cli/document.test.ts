/** Documents as data, and where the fault is in one that is none. @module */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatOf, parseDocument } from '../../src/cli/document.ts';

test('one value in three forms is the same value', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue(), { minLength: 2, maxLength: 5 }), (values) => {
      // JSON has no -0, and YAML's parser leaves it one.
      const list = JSON.parse(JSON.stringify(values));
      expect(parseDocument(JSON.stringify(list, null, 1), 'a', 'json')).toEqual(list);
      expect(parseDocument(list.map((value: unknown) => JSON.stringify(value)).join('\n'), 'a', 'ndjson')).toEqual(
        list,
      );
    }),
    { seed: 13, numRuns: 100 },
  );
  const yaml = 'name: a\nset:\n  rows: 50\n  features: { debug: true }\n---\nname: b\nreset: true\n';
  expect(parseDocument(yaml, 'a', 'yaml')).toEqual([
    { name: 'a', set: { rows: 50, features: { debug: true } } },
    { name: 'b', reset: true },
  ]);
});

test('a fault is named with its file and line', () => {
  const fault = (text: string, format: 'json' | 'ndjson' | 'yaml') => () => parseDocument(text, 'team.txt', format);
  expect(fault('{"a":\n oops}', 'json')).toThrow('team.txt is not JSON: the fault is in line 2');
  expect(fault('{"a":1}\n\n{"b":', 'ndjson')).toThrow('team.txt is not JSON: the fault is in line 3');
  expect(fault('{"a":1}\n{"a":1,"a":2}', 'ndjson')).toThrow(
    'team.txt has the key "a" twice in one object, again in line 2',
  );
  expect(fault('a: [', 'yaml')).toThrow(/^team\.txt is not YAML: /);
});

test('a file is what its ending says', () => {
  const endings = { 'a.json': 'json', 'a.YAML': 'yaml', 'a.yml': 'yaml', 'a.ndjson': 'ndjson', 'a.jsonl': 'ndjson' };
  for (const [file, format] of Object.entries({ ...endings, a: 'json', '-': 'json', 'a.yaml.txt': 'json' })) {
    expect([file, formatOf(file)]).toEqual([file, format]);
  }
});
