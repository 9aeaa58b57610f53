/** Changes from files: all of them or none, shown before and after in the same words. @module */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Workplace } from '../cli.ts';

let place: Workplace;
beforeAll(async () => {
  place = await Workplace.open();
});
afterAll(() => place[Symbol.dispose]());

function file(name: string, text: string): string {
  writeFileSync(join(place.directory, name), text);
  return name;
}

const head = async (): Promise<unknown> => (await place.json(['status'])).journal.head;

test('files of every format are one transaction', async () => {
  const files = [
    file('one.json', '{"changes": [{"name": "a/one", "set": {"rows": 50}}]}'),
    file('two.ndjson', '{"name": "a/two", "template": "minimal"}\n{"name": "a/three", "set": {"cols": 90}}\n'),
    file('four.yaml', 'name: a/four\nset: { features: { metrics: true }, rollouts: { debug: 2.5 } }\n---\n'),
  ];
  const shown = 'a/one: new rows 24->50\n';
  const dry = await place.on(['apply', ...files, '--dry-run']);
  expect(dry).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(`^${shown}`) });
  expect(dry.stdout).toMatch(/\nwould apply 4, unchanged 0\n$/);
  expect((await place.json(['list', '--service', 'a'])).configs).toEqual([]);
  const ran = await place.on(['apply', ...files, '--reason', 'together']);
  expect(ran).toMatchObject({ exitCode: 0, stdout: dry.stdout.replace('would apply', 'applied') });
  const { configs } = await place.json(['list', '--service', 'a']);
  expect(configs.map(({ name, revision }: any) => [name, revision])).toEqual([
    ['a/four', 1],
    ['a/one', 1],
    ['a/three', 1],
    ['a/two', 1],
  ]);
  const { entries } = await place.json(['history', '--name', 'a/four']);
  expect(entries[0]).toMatchObject({ reason: 'together', rollouts: { debug: 2.5 } });
});

test('what is so already is not written', async () => {
  const stdin = '[{"name": "same", "set": {"rows": 50}}]';
  await place.on(['apply', '-'], { stdin });
  const before = await head();
  const again = await place.json(['apply', '-'], { stdin });
  expect(again).toEqual({
    dryRun: false,
    changes: [{ name: 'same', verb: 'set', from: 1, to: 1, changes: [] }],
  });
  expect(await head()).toEqual(before);
});

describe('a file is refused whole', () => {
  const good = '{"name": "never/one", "set": {"rows": 50}}';
  const refusals: [string, string, RegExp][] = [
    ['a value out of range', `[${good}, {"name": "x", "set": {"rows": 0}}]`, /^error: x: Invalid rows: 0/],
    ['an unknown feature', `[${good}, {"name": "x", "set": {"features": {"debgu": true}}}]`, /x: Unknown feature/],
    ['an unknown verb', `[${good}, {"name": "x", "sett": {}}]`, /Unknown field: sett.*Did you mean 'set'/],
    ['two verbs', `[${good}, {"name": "x", "set": {}, "reset": true}]`, /must be an object with one of set/],
    ['a config twice', `[${good}, ${good}]`, /'never\/one' is changed twice/],
    ['a config that is not there', `[${good}, {"name": "x", "delete": true}]`, /There is no config 'x'/],
    ['a stale revision', `[${good}, {"name": "default", "reset": true, "expected": 9}]`, /Expected revision 9/],
    ['no changes', '[]', /Invalid changes\.length: 0/],
    ['something else', '7', /Invalid document: number/],
    ['more beside changes', `{"changes": [${good}], "reason": "x"}`, /Unknown field: reason/],
    ['no JSON', `[${good},\n`, /stdin is not JSON: the fault is in line 2/],
  ];
  for (const [what, stdin, line] of refusals) {
    test(`for ${what}`, async () => {
      const before = await head();
      for (const more of [[], ['--dry-run']]) {
        const ran = await place.on(['apply', '-', ...more], { stdin });
        expect(ran).toMatchObject({ exitCode: 1, stdout: '', stderr: expect.stringMatching(line) });
      }
      expect(await head()).toEqual(before);
    });
  }

  test('for what validation finds, unless it is forced', async () => {
    const stdin = 'name: loud/production\nset: { features: { debug: true } }\n';
    const words = ['apply', '-', '--format', 'yaml'];
    expect(await place.on(words, { stdin })).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/production/),
    });
    const forced = await place.on([...words, '--force'], { stdin });
    expect(forced).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('loud/production: new +debug') });
  });
});
