/** What a command may rely on, whether it works on a registry or on a database file. @module */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Target } from '../../src/cli/target.ts';
import { allConfigs } from '../../src/cli/target.ts';
import { planChanges } from '../../src/cli/apply-plan.ts';
import { parseBulk } from '../../src/live/bulk.ts';
import { configHex, DEFAULT_CONFIG, encodeConfig } from '../../src/config/value.ts';
import { core } from '../../src/live/core.ts';
import { isConfigError } from '../../src/errors/errors.ts';

export interface OpenedTarget {
  readonly target: Target;
  close(): Promise<void>;
}

const WRITE = { actor: 'ann', reason: 'why' };

/** `open` gives a target over a fresh data directory. */
export function describeTarget(kind: string, open: () => Promise<OpenedTarget>): void {
  describe(`a ${kind} as target`, () => {
    let opened: OpenedTarget;
    let target: Target;
    beforeAll(async () => {
      opened = await open();
      target = opened.target;
    });
    afterAll(() => opened.close());

    test('says what it is, and how many configs it has', async () => {
      expect(target.kind).toBe(kind);
      const { journal, configs } = await target.status();
      expect(journal.head.seq).toBeGreaterThan(0);
      expect(configs).toBe((await allConfigs(target)).length);
    });

    test('sets fields, features and rollouts, and says them again', async () => {
      await target.declare('main', { new_checkout: 12 }, WRITE);
      const input = { rows: 50, features: { debug: true }, rollouts: { new_checkout: 12.5 } };
      const { config, changed } = await target.set('main', input, WRITE);
      expect(changed).toBe(true);
      expect(config).toMatchObject({ name: 'main', rows: 50, rollouts: { new_checkout: 12.5 } });
      // The journal's time never runs back, so an entry may bear a later one than its change was answered with.
      expect(await target.get('main')).toEqual({ ...config, lastModified: expect.any(Number) });
      const debug = (await target.features('main')).find(({ feature }) => feature === 'debug');
      expect(debug).toEqual({ feature: 'debug', bit: 2, enabled: true, rollout: 0 });
      expect((await target.set('main', input, WRITE)).changed).toBe(false);
    });

    test('takes why and whether as no fields of a config', async () => {
      for (const field of [{ force: true }, { reason: 'x' }, { rows: 9, force: true }]) {
        expect(await codeOf(target.set('default', field, WRITE))).toBe('ERR_UNKNOWN_FIELD');
      }
    });

    test('takes a config as its bytes, and as a record', async () => {
      const wanted = { ...DEFAULT_CONFIG, rows: 77 };
      const record = core().backend.recordSeal(encodeConfig(wanted)).toHex();
      const hex = configHex(wanted);
      expect((await target.set('bytes', { hex }, WRITE)).config).toMatchObject(wanted);
      expect((await target.set('sealed', { record }, WRITE)).config).toMatchObject(wanted);
      expect((await target.validate('bytes', { record })).isValid).toBe(true);
      expect(await codeOf(target.set('bytes', { hex: hex.slice(0, -2) }, WRITE))).toBe('ERR_CONFIG_LENGTH');
      const damaged = `${record.slice(0, -1)}${record.endsWith('0') ? '1' : '0'}`;
      expect(await codeOf(target.set('bytes', { record: damaged }, WRITE))).toBe('ERR_RECORD_CHECKSUM');
      expect(await codeOf(target.set('bytes', { hex, rows: 1 }, WRITE))).toBe('ERR_WRONG_TYPE');
    });

    test('keeps why a change was made', async () => {
      await target.set('told', { rows: 30 }, WRITE);
      const { config } = await target.set('told', { rows: 31 }, { ...WRITE, reason: 'größer' });
      const { entries } = await target.history('told', { limit: 1 });
      expect(entries[0]).toMatchObject({ revision: config.revision, reason: 'größer', changedFields: ['rows'] });
    });

    test('pages through the history', async () => {
      for (const rows of [1, 2, 3, 4]) await target.set('paged', { rows }, WRITE);
      const first = await target.history('paged', { limit: 2 });
      const second = await target.history('paged', { limit: 2, cursor: first.cursor! });
      expect([...first.entries, ...second.entries].map(({ config }) => config.rows)).toEqual([4, 3, 2, 1]);
      expect(second.cursor).toBeNull();
    });

    test('writes only at the revision that was expected', async () => {
      const { config } = await target.set('bound', { rows: 30 }, WRITE);
      const late = target.set('bound', { rows: 31 }, { ...WRITE, expected: config.revision + 1 });
      expect(await codeOf(late)).toBe('ERR_REVISION_CONFLICT');
      await target.set('bound', { rows: 32 }, { ...WRITE, expected: config.revision });
      expect((await target.get('bound')).rows).toBe(32);
    });

    test('makes a config only if there is none', async () => {
      expect((await target.set('once', { rows: 30 }, { ...WRITE, expected: 0 })).config.rows).toBe(30);
      const again = target.set('once', { rows: 31 }, { ...WRITE, expected: 0 });
      expect(await codeOf(again)).toBe('ERR_REVISION_CONFLICT');
      expect((await target.get('once')).rows).toBe(30);
    });

    test('makes no config by a write that it refuses', async () => {
      expect(await codeOf(target.set('never', { rows: 0 }, WRITE))).toBe('ERR_OUT_OF_RANGE');
      expect(await codeOf(target.set('never', { rows: 30 }, { ...WRITE, expected: 5 }))).toBe('ERR_REVISION_CONFLICT');
      expect(await codeOf(target.get('never'))).toBe('ERR_NOT_FOUND');
      expect((await target.set('never', { rows: 30 }, WRITE)).config).toMatchObject({ version: 1, rows: 30, cols: 80 });
    });

    test('applies templates, resets, and puts revisions back', async () => {
      expect((await target.templates('named')).map(({ name }) => name)).toContain('production');
      const applied = await target.applyTemplate('named', 'production', WRITE);
      expect(applied.config.features.enabled).toContain('encryption');
      const reset = await target.reset('named', WRITE);
      expect(reset.config.featureFlags).toBe(0);
      const back = await target.rollback('named', { revision: applied.config.revision }, WRITE);
      expect(back.config.featureFlags).toBe(applied.config.featureFlags);
      expect(await codeOf(target.applyTemplate('named', 'prodction', WRITE))).toBe('ERR_UNKNOWN_TEMPLATE');
      expect(await codeOf(target.rollback('named', { revision: 99 }, WRITE))).toBe('ERR_ENTRY_NOT_FOUND');
    });

    test('backs up, and takes one config back', async () => {
      await target.set('kept', { rows: 60 }, WRITE);
      await target.backup();
      const [newest] = await target.backups();
      await target.set('kept', { rows: 61 }, WRITE);
      expect((await target.restore('kept', newest!.name, WRITE)).config.rows).toBe(60);
    });

    test('migrates, and says what it did', async () => {
      await target.set('old', { rows: 25 }, WRITE);
      const { config, log, backup } = await target.migrate('old', 0, WRITE);
      expect(config.version).toBe(0);
      expect(log).toHaveLength(1);
      expect(backup?.head.seq).toBeGreaterThan(0);
    });

    test('judges without changing', async () => {
      const before = await target.set('judged', { rows: 25 }, WRITE);
      expect((await target.validate('judged', { rows: 0 })).isValid).toBe(false);
      expect((await target.validate('judged')).isValid).toBe(true);
      expect((await target.get('judged')).revision).toBe(before.config.revision);
    });

    test('counts, and exports as variables', async () => {
      await target.set('counted', { rows: 98 }, WRITE);
      const { config } = await target.set('counted', { rows: 99 }, WRITE);
      expect((await target.analytics('counted')).fields.rows.changes).toBe(1);
      expect(await target.environment(config.name, 'dotenv')).toContain('BUN_TERMINAL_ROWS=99\n');
    });

    test('refuses with the same codes', async () => {
      expect(await codeOf(target.get('nobody'))).toBe('ERR_NOT_FOUND');
      expect(await codeOf(target.get('../x'))).toBe('ERR_NAME');
      expect(await codeOf(target.set('main', { features: { debgu: true } }, WRITE))).toBe('ERR_UNKNOWN_FEATURE');
      expect(await codeOf(target.set('main', { cols: 'many' }, WRITE))).toBe('ERR_WRONG_TYPE');
      expect(await codeOf(target.set('main', { rowz: 1 }, WRITE))).toBe('ERR_UNKNOWN_FIELD');
      expect(await codeOf(target.declare('main', { debug: 13 }, WRITE))).toBe('ERR_FEATURE_CONFLICT');
      expect(await codeOf(target.history('main', { limit: 0 }))).toBe('ERR_OUT_OF_RANGE');
    });

    test('finds configs by what they have on and off, and by service', async () => {
      await target.set('found/one', { features: { verbose: true, debug: true } }, WRITE);
      await target.set('found/two', { features: { verbose: true } }, WRITE);
      const names = async (query: Parameters<typeof allConfigs>[1]): Promise<string[]> =>
        (await allConfigs(target, query)).map(({ name }) => name);
      expect(await names({ on: ['verbose'], service: 'found' })).toEqual(['found/one', 'found/two']);
      expect(await names({ on: ['verbose'], off: ['debug'] })).toEqual(['found/two']);
      expect(await names({ service: 'nobody' })).toEqual([]);
      expect(await codeOf(target.list({ on: ['debgu'] }))).toBe('ERR_UNKNOWN_FEATURE');
    });

    test('deletes a config, whose history stays, and which the next write makes again', async () => {
      const { config } = await target.set('gone/soon', { rows: 33 }, WRITE);
      const late = target.delete('gone/soon', { ...WRITE, expected: config.revision + 1 });
      expect(await codeOf(late)).toBe('ERR_REVISION_CONFLICT');
      const deleted = await target.delete('gone/soon', { ...WRITE, expected: config.revision });
      expect(deleted).toEqual({ name: 'gone/soon', revision: config.revision + 1 });
      expect(await codeOf(target.get('gone/soon'))).toBe('ERR_NOT_FOUND');
      const { entries } = await target.history('gone/soon');
      expect(entries.map(({ kind, reason }) => [kind, reason])).toEqual([
        ['delete', 'why'],
        ['create', 'why'],
      ]);
      expect(await codeOf(target.delete('gone/soon', WRITE))).toBe('ERR_NOT_FOUND');
      expect(await codeOf(target.delete('default', WRITE))).toBe('ERR_FORBIDDEN');
      const again = await target.set('gone/soon', { cols: 90 }, { ...WRITE, expected: 0 });
      expect(again.config).toMatchObject({ rows: 24, cols: 90 });
    });

    test('says what a service calls its bits, whether its configs are there or not', async () => {
      await target.declare('spoken', { fast_path: 14 }, WRITE);
      expect(await target.declaration('spoken/nowhere')).toEqual({ fast_path: 14 });
      expect(await target.declaration('silent')).toEqual({});
    });

    test('makes many changes, or none of them', async () => {
      await target.set('bulk/a', { rows: 30 }, WRITE);
      const head = (await target.status()).journal.head.seq;
      const half = [
        { name: 'bulk/a', set: { rows: 31 } },
        { name: 'bulk/b', template: 'prodction' },
      ];
      expect(await codeOf(target.bulk(half, WRITE))).toBe('ERR_UNKNOWN_TEMPLATE');
      const lost = [
        { name: 'bulk/b', set: { rows: 31 } },
        { name: 'bulk/a', set: { rows: 31 }, expected: 9 },
      ];
      expect(await codeOf(target.bulk(lost, WRITE))).toBe('ERR_REVISION_CONFLICT');
      expect((await target.status()).journal.head.seq).toBe(head);
      const whole = [
        { name: 'bulk/a', set: { rows: 31, rollouts: { metrics: 5 } } },
        { name: 'bulk/b', template: 'minimal', expected: 0 },
      ];
      const results = await target.bulk(whole, WRITE);
      expect(results.map(({ name, revision, changed }) => [name, revision, changed])).toEqual([
        ['bulk/a', 2, true],
        ['bulk/b', 1, true],
      ]);
      expect(results[0]!.config).toMatchObject({ rows: 31, rollouts: { metrics: 5 } });
    });

    test('does what a plan of changes shows', async () => {
      await target.declare('plan', { own_path: 13 }, WRITE);
      for (const rows of [40, 41, 42]) await target.set('plan/back', { rows, rollouts: { own_path: rows } }, WRITE);
      const [newest, second] = (await target.history('plan/back', { limit: 2 })).entries;
      await target.set('plan/reset', { rows: 40, features: { own_path: true } }, WRITE);
      await target.set('plan/gone', { rows: 40 }, WRITE);
      const changes = parseBulk([
        { name: 'plan/new', set: { features: { own_path: true }, rollouts: { metrics: 1.5 } } },
        { name: 'plan/back', rollback: { revision: 1 } },
        { name: 'plan/reset', reset: true },
        { name: 'plan/gone', delete: true },
        { name: 'plan/made', template: 'minimal' },
      ]);
      const plan = await planChanges(target, changes, false);
      expect(plan.map(({ changes: words }) => words.join(' '))).toEqual([
        '+own_path metrics 0->1.5 %',
        'rows 42->40 own_path 42->40 %',
        '-own_path rows 40->24',
        'rows 40->24',
        '+cache_enabled +logging terminalMode cooked->disabled',
      ]);
      const back = async (rollback: object): Promise<readonly string[]> =>
        (await planChanges(target, parseBulk([{ name: 'plan/back', rollback }]), false))[0]!.changes;
      expect(await back({ entry: second!.seq })).toEqual(['rows 42->41', 'own_path 42->41 %']);
      expect(await back({ at: newest!.timestamp })).toEqual([]);
      expect(await codeOf(back({ at: 0 }))).toBe('ERR_ENTRY_NOT_FOUND');
      expect(await codeOf(back({ revision: 77 }))).toBe('ERR_ENTRY_NOT_FOUND');
      const results = await target.bulk(
        plan.map(({ change }) => change),
        WRITE,
      );
      expect(results.map(({ config }) => config?.rows ?? null)).toEqual([24, 40, 24, null, 24]);
      expect(results[1]!.config!.rollouts).toEqual({ own_path: 40 });
    });

    test('plans nothing that would be refused', async () => {
      const plan = (change: object, force = false) =>
        planChanges(target, parseBulk([{ name: 'bad/production', ...change }]), force);
      expect(await codeOf(plan({ set: { features: { debug: true } } }))).toBe('ERR_CONFIG_INVALID');
      expect(await plan({ set: { features: { debug: true } } }, true)).toHaveLength(1);
      expect(await codeOf(plan({ set: { rows: 0 } }))).toBe('ERR_OUT_OF_RANGE');
      expect(await codeOf(plan({ delete: true }))).toBe('ERR_NOT_FOUND');
      expect(await codeOf(plan({ set: { rows: 9 }, expected: 3 }))).toBe('ERR_REVISION_CONFLICT');
      expect(await codeOf(plan({ template: 'prodction' }))).toBe('ERR_UNKNOWN_TEMPLATE');
    });

    test("keeps a team's own templates", async () => {
      const input = { description: 'What we begin with', set: ['metrics'], rows: 40 };
      const made = await target.saveDeclared('template', 'team-default', input, { ...WRITE, expected: 0 });
      expect(made).toMatchObject({ name: 'team-default', revision: 1, clear: [], isBuiltin: false, ...input });
      expect(await target.findDeclared('template', 'team-default')).toEqual(made);
      const names = (await target.declared('template')).map(({ name }) => name);
      expect(names).toEqual(['development', 'minimal', 'production', 'staging', 'team-default']);
      expect((await target.applyTemplate('dressed', 'team-default', WRITE)).config.rows).toBe(40);
      const late = target.saveDeclared('template', 'team-default', input, { ...WRITE, expected: 7 });
      expect(await codeOf(late)).toBe('ERR_REVISION_CONFLICT');
      expect(await codeOf(target.saveDeclared('template', 'production', input, WRITE))).toBe('ERR_TEMPLATE_INVALID');
      expect(await codeOf(target.deleteDeclared('template', 'production', WRITE))).toBe('ERR_FORBIDDEN');
      await target.deleteDeclared('template', 'team-default', { ...WRITE, expected: 1 });
      expect(await codeOf(target.findDeclared('template', 'team-default'))).toBe('ERR_NOT_FOUND');
      expect(await codeOf(target.deleteDeclared('template', 'team-default', WRITE))).toBe('ERR_NOT_FOUND');
      expect(await target.findDeclared('template', 'minimal')).toMatchObject({ isBuiltin: true, revision: 0 });
    });

    test("keeps a team's own rules, and plans by them", async () => {
      await target.set('registry', { features: { beta_feature: true } }, WRITE);
      const input = { severity: 'error', message: 'No beta without metrics', hint: 'Turn metrics on.' };
      const rule = { ...input, when: { on: ['beta_feature'], service: 'ruled' }, require: { on: ['metrics'] } };
      const made = await target.saveDeclared('rule', 'TEAM_METRICS', rule, WRITE);
      expect(made).toMatchObject({ code: 'TEAM_METRICS', revision: 1, isBuiltin: false, ...rule });
      const found = await target.declared('rule');
      expect(found.find(({ code }) => code === 'TEAM_METRICS')).toEqual(made);
      expect(found.filter(({ isBuiltin }) => isBuiltin).length).toBeGreaterThan(20);
      const change = parseBulk([{ name: 'ruled', set: { features: { beta_feature: true } } }]);
      expect(await codeOf(planChanges(target, change, false))).toBe('ERR_CONFIG_INVALID');
      expect(await codeOf(target.bulk(change, WRITE))).toBe('ERR_CONFIG_INVALID');
      expect(await codeOf(target.saveDeclared('rule', 'PRODUCTION_DEBUG', rule, WRITE))).toBe('ERR_USAGE');
      await target.deleteDeclared('rule', 'TEAM_METRICS', WRITE);
      expect(await planChanges(target, change, false)).toHaveLength(1);
      await target.set('registry', { features: { beta_feature: false } }, WRITE);
    });

    test('seals exports and backups while the registry is told to', async () => {
      const plain = new TextDecoder().decode(await target.exportAll());
      expect(JSON.parse(plain)).toMatchObject({ format: '13byte-config', configs: { registry: { rows: 24 } } });
      await target.set('registry', { features: { encryption: true } }, WRITE);
      expect(new TextDecoder('latin1').decode(await target.exportAll())).toMatch(/^C13SEAL\x01/);
      await target.set('kept-sealed', { rows: 71 }, WRITE);
      const { path } = await target.backup();
      expect(path).toMatch(/\.db\.sealed$/);
      await target.set('kept-sealed', { rows: 72 }, WRITE);
      expect((await target.restore('kept-sealed', path.split('/').at(-1)!, WRITE)).config.rows).toBe(71);
      await target.set('registry', { features: { encryption: false } }, WRITE);
    });

    test('lists every config once, over any number of pages', async () => {
      for (let i = 0; i < 101; i++) await target.set(`many-${String(i).padStart(3, '0')}`, { rows: i + 1 }, WRITE);
      const names = (await allConfigs(target)).map(({ name }) => name);
      expect(names.filter((name) => name.startsWith('many-'))).toHaveLength(101);
      expect(names).toEqual([...new Set(names)].sort());
    });
  });
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    return `no error: ${JSON.stringify(await promise)}`;
  } catch (error) {
    return isConfigError(error) ? error.code : String(error);
  }
}
