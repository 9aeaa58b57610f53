/** Export and import: equal states are equal texts, and a bad document changes nothing. @module */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabaseTarget } from '../../src/cli/database-target.ts';
import { planImport } from '../../src/cli/import-plan.ts';
import { runImport } from '../../src/cli/import-run.ts';
import { allConfigs, type Target } from '../../src/cli/target.ts';
import { parseExport } from '../../src/cli/transfer.ts';
import { exportConfigs } from '../../src/live/export.ts';
import { Workplace } from './cli.ts';

const WRITE = { actor: 'ann', reason: 'import' };
const NEVER = new AbortController().signal;
const SERVICES = ['default', 'checkout', 'constructor'];

const word = fc.integer({ min: 0, max: 0xffff_ffff }).map((value) => `0x${value.toString(16).padStart(8, '0')}`);
const dimension = fc.integer({ min: 1, max: 255 });
const exportedConfig = fc.record({
  version: fc.constant(1),
  registryHash: word,
  featureFlags: word,
  terminalMode: fc.constantFrom('disabled', 'cooked', 'raw', 'pipe'),
  rows: dimension,
  cols: dimension,
  rollouts: fc.dictionary(
    fc.constantFrom('debug', 'metrics', 'own'),
    fc.integer({ min: 1, max: 10_000 }).map((points) => points / 100),
  ),
});
/** Every service names one bit of its own; what the configs hold is random. */
const documents = fc
  .dictionary(fc.constantFrom(...SERVICES, ...SERVICES.map((service) => `${service}/production`)), exportedConfig)
  .map((configs) => ({
    format: '13byte-config',
    version: 1,
    features: Object.fromEntries(SERVICES.map((service) => [service, { own: 20 }])),
    configs,
  }));

async function take(target: Target, text: string): Promise<void> {
  const plan = await planImport(target, parseExport(text), true);
  await runImport(target, plan, { write: { ...WRITE, force: true }, signal: NEVER, onProgress() {} });
}

async function give(target: Target): Promise<string> {
  return JSON.stringify(await exportConfigs(target, await allConfigs(target)), null, 2);
}

describe('two databases', () => {
  let places: Workplace[];
  let one: Target;
  let other: Target;
  beforeAll(async () => {
    places = [await Workplace.open(), await Workplace.open()];
    [one, other] = (await Promise.all(places.map((place) => openDatabaseTarget(place.database)))) as [Target, Target];
  });
  afterAll(async () => {
    await Promise.all([one.close(), other.close()]);
    for (const place of places) place[Symbol.dispose]();
  });

  test('are equal once one has taken what the other gave', async () => {
    await fc.assert(
      fc.asyncProperty(documents, async (document) => {
        await take(one, JSON.stringify(document));
        const given = await give(one);
        await take(other, given);
        expect(await give(other)).toBe(given);
        const again = await planImport(other, parseExport(given), false);
        expect(again).toMatchObject({ configs: [], declarations: [] });
      }),
      { seed: 13, numRuns: 20 },
    );
  });
});

describe('an import', () => {
  let place: Workplace;
  beforeAll(async () => {
    place = await Workplace.open();
    await place.on(['feature', 'declare', 'own=20']);
  });
  afterAll(() => place[Symbol.dispose]());

  const good = { rows: 99 };
  const bad: [string, unknown, RegExp][] = [
    ['a value out of range', { default: good, registry: { rows: 0 } }, /registry: Invalid rows: 0/],
    [
      'an unknown feature',
      { default: good, registry: { features: { debgu: true } } },
      /registry: Unknown feature: debgu/,
    ],
    ['an unknown field', { default: good, registry: { rowz: 1 } }, /registry: Unknown field: rowz/],
    [
      'a percentage that is none',
      { default: { ...good, rollouts: { own: 101 } } },
      /default: Invalid rollouts.own: 101/,
    ],
    ['a bad name', { default: good, '../x': good }, /Invalid config name "\.\.\/x"/],
    ['a config that is no object', { default: good, registry: 7 }, /Invalid config: number/],
  ];
  for (const [what, configs, line] of bad) {
    test(`of ${what} changes nothing`, async () => {
      const before = await place.json(['status']);
      const stdin = JSON.stringify({ format: '13byte-config', version: 1, configs });
      const ran = await place.on(['import', '-'], { stdin });
      expect(ran).toMatchObject({ exitCode: 1, stdout: '', stderr: expect.stringMatching(line) });
      expect((await place.json(['status'])).journal.head).toEqual(before.journal.head);
    });
  }

  const malformed: [string, string, RegExp][] = [
    ['no JSON', '{"format":\n oops}', /the fault is in line 2/],
    [
      'a key twice',
      '{"format": "13byte-config", "version": 1,\n"configs": {"a": {}, "a": {}}}',
      /the key "a" twice .* line 2/,
    ],
    ['another format', '{"format": "yaml", "version": 1, "configs": {}}', /Invalid format/],
    ['a newer version', '{"format": "13byte-config", "version": 2, "configs": {}}', /the one this c13 reads/],
    [
      'features of an environment',
      '{"format":"13byte-config","version":1,"features":{"a/b":{}},"configs":{}}',
      /without an environment/,
    ],
    [
      'a feature on two bits',
      '{"format":"13byte-config","version":1,"features":{"default":{"own":21}},"configs":{}}',
      /'own' is stored on bit 20/,
    ],
  ];
  for (const [what, stdin, line] of malformed) {
    test(`refuses ${what}`, async () => {
      expect(await place.on(['import', '-'], { stdin })).toMatchObject({
        exitCode: 1,
        stderr: expect.stringMatching(line),
      });
    });
  }

  test('shows what it would do, and then does it', async () => {
    const stdin = JSON.stringify({
      format: '13byte-config',
      version: 1,
      configs: { default: { rows: 77, rollouts: { own: 5 } } },
    });
    const dry = await place.on(['import', '-', '--dry-run'], { stdin });
    expect(dry.stdout).toBe('default: rows 24->77 own 0->5 %\nwould import 1, unchanged 0\n');
    expect((await place.json(['get'])).rows).toBe(24);
    const { configs } = await place.json(['import', '-'], { stdin });
    expect(configs).toEqual([{ name: 'default', from: 1, to: 2, changes: ['rows 24->77', 'own 0->5 %'] }]);
    expect(await place.json(['get'])).toMatchObject({ rows: 77, rollouts: { own: 5 } });
  });
});

describe('an import that stops half-way', () => {
  const document = (rows: number) =>
    parseExport(
      JSON.stringify({ format: '13byte-config', version: 1, configs: { default: { rows }, registry: { rows } } }),
    );

  test('is put back when somebody else was faster', async () => {
    using place = await Workplace.open();
    const target = await openDatabaseTarget(place.database);
    const plan = await planImport(target, document(88), false);
    await target.set('registry', { cols: 100 }, WRITE);
    const error = await runImport(target, plan, { write: WRITE, signal: NEVER, onProgress() {} }).catch(
      (thrown) => thrown,
    );
    expect(error).toMatchObject({ code: 'ERR_REVISION_CONFLICT', message: expect.stringContaining('1 put back') });
    expect((await target.get('default')).rows).toBe(24);
    expect(await target.get('registry')).toMatchObject({ rows: 24, cols: 100 });
    const { entries } = await target.history('default', { limit: 2 });
    expect(entries.map(({ reason }) => reason)).toEqual(['the import was not finished', 'import']);
    await target.close();
  });

  test('is put back when it is interrupted', async () => {
    using place = await Workplace.open();
    const target = await openDatabaseTarget(place.database);
    const plan = await planImport(target, document(88), false);
    const interrupt = new AbortController();
    const run = { write: WRITE, signal: interrupt.signal, onProgress: () => interrupt.abort(new Error('stop')) };
    await expect(runImport(target, plan, run)).rejects.toThrow('stop; 1 put back');
    expect((await target.get('default')).rows).toBe(24);
    expect((await target.get('registry')).rows).toBe(24);
    await target.close();
  });
});
