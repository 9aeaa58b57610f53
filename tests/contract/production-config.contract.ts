/**
 * What an open config does wherever its slot lies: in memory, on a board, with a journal or without.
 * @module
 */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { DEFAULT_CONFIG } from '../../src/config/value.ts';
import { isConfigError } from '../../src/errors/errors.ts';
import type { ProductionConfigOptions } from '../../src/live/options.ts';
import type { ChangeEvent } from '../../src/live/watch.ts';
import { codeOf } from '../journal/fixtures.ts';
import { open, placeOptions, type PlaceKind } from '../live/fixtures.ts';

const FEATURES = { new_checkout: 12, dark_mode: 31 } as const;

export function testProductionConfig(kind: PlaceKind): void {
  const hasJournal = kind.startsWith('journal');
  const start = (options: Omit<ProductionConfigOptions, 'features'> = {}) =>
    open({
      ...placeOptions(kind),
      name: 'checkout',
      environment: 'test',
      features: FEATURES,
      actor: 'ann',
      ...options,
    });

  describe(`a config in ${kind}`, () => {
    it('begins with the defaults at revision 1', () => {
      const config = start();
      expect(config.config).toEqual(DEFAULT_CONFIG);
      expect({ ...config.config }).toEqual({
        version: config.version,
        registryHash: config.registryHash,
        featureFlags: config.featureFlags,
        terminalMode: config.terminalMode,
        rows: config.rows,
        cols: config.cols,
      });
      expect(config.revision).toBe(1);
      expect(config.name).toBe('checkout/test');
    });

    it('turns features on and off, and takes no revision for what is so already', () => {
      const config = start();
      config.enableFeature('dark_mode');
      config.enableFeature('dark_mode');
      expect(config.revision).toBe(2);
      expect(config.flags.dark_mode).toBe(true);
      expect(config.isFeatureEnabled('dark_mode')).toBe(true);
      expect(config.featureFlags).toBe(0x8000_0000);
      config.disableFeature('dark_mode');
      config.disableFeature('dark_mode');
      config.setFeatures({});
      config.setFeatures({ metrics: false });
      expect(config.revision).toBe(3);
      expect(config.toggleFeature('metrics')).toBe(true);
      expect(config.toggleFeature('metrics')).toBe(false);
      config.setFeatures({ debug: true, metrics: true, new_checkout: true });
      config.setFeatures({ debug: false, logging: true });
      expect(config.getDebugView().features.enabled).toEqual(['metrics', 'logging', 'new_checkout']);
      expect(config.revision).toBe(7);
      expect(config.fresh().flags.logging).toBe(true);
    });

    it('rolls out to a share of keys, without turning the feature on', () => {
      const config = start();
      config.setRollout('new_checkout', 10);
      const keys = Array.from({ length: 2000 }, (_, i) => `user-${i}`);
      const at10 = keys.filter((key) => config.isEnabledFor('new_checkout', key));
      expect(at10.length).toBeGreaterThan(120);
      expect(at10.length).toBeLessThan(280);
      expect(config.flags.new_checkout).toBe(false);
      config.setRollout('new_checkout', 55.5);
      config.setRollout('new_checkout', 55.5);
      expect(config.getRollout('new_checkout')).toBe(55.5);
      expect(at10.every((key) => config.isEnabledFor('new_checkout', key))).toBe(true);
      config.setRollout('new_checkout', 100);
      expect(keys.every((key) => config.isEnabledFor('new_checkout', key))).toBe(true);
      config.setRollout('new_checkout', 0);
      expect(keys.some((key) => config.isEnabledFor('new_checkout', key))).toBe(false);
      config.enableFeature('new_checkout');
      expect(config.isEnabledFor('new_checkout', 'anybody')).toBe(true);
      expect(config.revision).toBe(6);
    });

    it('sets the terminal, templates and the defaults', () => {
      const config = start();
      config.setTerminalSettings(2, 50, 120);
      config.setTerminalSettings(2, 50, 120);
      expect([config.terminalMode, config.rows, config.cols, config.revision]).toEqual([2, 50, 120, 2]);
      config.enableFeature('dark_mode');
      config.applyTemplate('development');
      expect(config.featureFlags >>> 0).toBe(0x8000_0bff);
      config.applyTemplate('minimal');
      config.applyTemplate('minimal');
      expect([config.terminalMode, config.flags.dark_mode, config.revision]).toEqual([0, true, 5]);
      config.setRollout('new_checkout', 3);
      config.reset();
      config.reset();
      expect(config.config).toEqual(DEFAULT_CONFIG);
      expect([config.getRollout('new_checkout'), config.revision]).toEqual([0, 7]);
    });

    it('refuses what cannot be, and nothing has changed', async () => {
      const config = start();
      const any = config as any;
      const refusals: [string, () => unknown][] = [
        ['ERR_UNKNOWN_FEATURE', () => any.enableFeature('dark_mod')],
        ['ERR_UNKNOWN_FEATURE', () => any.disableFeature('')],
        ['ERR_UNKNOWN_FEATURE', () => any.toggleFeature('constructor')],
        ['ERR_UNKNOWN_FEATURE', () => any.isFeatureEnabled('__proto__')],
        ['ERR_UNKNOWN_FEATURE', () => any.isEnabledFor('unknown', 'ann')],
        ['ERR_UNKNOWN_FEATURE', () => any.getRollout('unknown')],
        ['ERR_UNKNOWN_FEATURE', () => any.setRollout('unknown', 5)],
        ['ERR_UNKNOWN_FEATURE', () => any.setFeatures({ debug: true, unknown: true })],
        ['ERR_WRONG_TYPE', () => any.setFeatures({ debug: undefined })],
        ['ERR_WRONG_TYPE', () => any.isEnabledFor('debug', 7)],
        ['ERR_WRONG_TYPE', () => any.subscribe('nobody')],
        ['ERR_OUT_OF_RANGE', () => config.setRollout('debug', 101)],
        ['ERR_OUT_OF_RANGE', () => config.setRollout('debug', Number.NaN)],
        ['ERR_OUT_OF_RANGE', () => config.setRollout('debug', 1.234)],
        ['ERR_WRONG_TYPE', () => any.setRollout('debug', null)],
        ['ERR_OUT_OF_RANGE', () => config.setTerminalSettings(4, 24, 80)],
        ['ERR_OUT_OF_RANGE', () => config.setTerminalSettings(1, 0, 80)],
        ['ERR_OUT_OF_RANGE', () => config.setTerminalSettings(1, 24, 256)],
        ['ERR_WRONG_TYPE', () => any.setTerminalSettings(1, '24', 80)],
        ['ERR_UNKNOWN_TEMPLATE', () => config.applyTemplate('prodution')],
        ['ERR_ENTRY_NOT_FOUND', () => config.rollback(999)],
        ['ERR_WRONG_TYPE', () => config.rollback({})],
        ['ERR_WRONG_TYPE', () => config.rollback({ revision: 1, at: 2 })],
        ['ERR_UNKNOWN_FIELD', () => any.stateAt({ revison: 1 })],
        ['ERR_OUT_OF_RANGE', () => config.rollback(Number.NaN)],
        ['ERR_WRONG_TYPE', () => any.rollback({ revision: '1' })],
        ['ERR_OUT_OF_RANGE', () => config.getHistory({ limit: 0 })],
        ['ERR_OUT_OF_RANGE', () => config.getHistory({ limit: 1001 })],
        ['ERR_UNKNOWN_FIELD', () => config.getHistory({ field: 'colour' as never })],
        ['ERR_UNKNOWN_FIELD', () => config.getHistory({ limits: 3 } as never)],
        ['ERR_WRONG_TYPE', () => config.getHistory({ since: 'yesterday' } as never)],
        ['ERR_MIGRATION', () => config.migrate(7)],
        ['ERR_WRONG_TYPE', () => any.persist()],
        ['ERR_NAME', () => config.persist('a \u0000 reason')],
      ];
      for (const [code, action] of refusals) expect(await codeOf(action), String(action)).toBe(code);
      expect(config.revision).toBe(1);
      expect(config.pendingWrites).toBe(0);
    });

    it('names the known features and the nearest', () => {
      try {
        (start() as any).enableFeature('new_chekout');
        expect.unreachable();
      } catch (error) {
        if (!isConfigError(error) || error.code !== 'ERR_UNKNOWN_FEATURE') throw error;
        expect(error.message).toMatch(/^Unknown feature: new_chekout\. Available: .*debug.*new_checkout/);
        expect(error.details.nearest).toBe('new_checkout');
      }
    });

    it('is shaped as the specification says', async () => {
      const before = Date.now() - 1000;
      const config = start({ region: 'eu', clusterId: 'c1', debugMode: true });
      config.enableFeature('metrics');
      config.setRollout('metrics', 10);
      expect(config.getEnhancedConfig()).toEqual({
        ...config.config,
        lastModified: expect.any(Number),
        checksum: expect.stringMatching(/^[0-9a-f]{16}$/),
        environment: 'test',
        region: 'eu',
        clusterId: 'c1',
      });
      expect(config.getEnhancedConfig().lastModified).toBeGreaterThan(before);
      expect(JSON.parse(JSON.stringify(config))).toEqual(config.getEnhancedConfig());
      const [rollout, flag] = await config.getHistory();
      for (const entry of [rollout!, flag!]) {
        expect(entry.timestamp).toBeGreaterThan(before);
        expect(entry.config.featureFlags).toBe(0x40);
        expect(entry.changeType).toBe('update');
        expect(entry.performance.readTime).toBeGreaterThan(0);
        expect(entry.performance.writeTime).toBeGreaterThan(0);
      }
      expect([rollout!.changedFields, flag!.changedFields]).toEqual([['rollouts'], ['featureFlags']]);
      const view = config.getDebugView();
      expect(view).toMatchObject({
        name: 'checkout/test',
        revision: '3',
        features: { enabled: ['metrics'] },
        rollouts: { metrics: 10 },
        terminal: { dimensions: '24x80', mode: 1 },
      });
      expect(view.raw.hex).toMatch(/^0x[0-9a-f]{26}$/);
      expect(inspect(config)).toMatch(
        /^Config checkout\/test, revision 3, version 1\n {2}features {2}metrics; metrics for 10 %/,
      );
    });

    it('measures and counts only when asked to', async () => {
      const config = start();
      config.enableFeature('metrics');
      config.isFeatureEnabled('metrics');
      expect((await config.getHistory())[0]!.performance).toEqual({ readTime: null, writeTime: null });
      expect(config.getAnalytics().features['metrics']).toMatchObject({ enabled: 1, evaluations: 0 });
      const counting = start({ debugMode: true });
      for (let i = 0; i < 3; i++) counting.isFeatureEnabled('metrics');
      expect(counting.flags.metrics || counting.isEnabledFor('metrics', 'ann')).toBe(false);
      expect(counting.getAnalytics().features['metrics']).toMatchObject({ evaluations: 5 });
    });

    it('counts changes by field and feature', () => {
      const config = start();
      config.enableFeature('metrics');
      config.disableFeature('metrics');
      config.setTerminalSettings(1, 30, 80);
      config.setRollout('dark_mode', 5);
      const { changes, fields, features } = config.getAnalytics();
      expect(changes).toBe(4);
      expect(fields).toMatchObject({ featureFlags: { changes: 2 }, rows: { changes: 1 }, rollouts: { changes: 1 } });
      expect(features['metrics']).toMatchObject({ enabled: 1, disabled: 1 });
      expect(features['dark_mode']).toMatchObject({ rollouts: 1 });
    });

    it('judges itself and partial configs, and changes nothing by it', () => {
      const config = start({ environment: 'production' });
      expect(config.validate()).toMatchObject({ isValid: true, errors: [] });
      expect(config.validate({ rows: 0 }).errors).toMatchObject([
        { code: 'CONFIG_ROWS', path: 'rows', message: 'Invalid rows: 0 (must be 1-255)' },
      ]);
      expect(config.validate({ features: { debug: true } }).isValid).toBe(false);
      expect(config.validate({ featureFlags: 'many', colour: 1 }).errors.map(({ code }) => code)).toEqual([
        'ERR_UNKNOWN_FIELD',
        'ERR_WRONG_TYPE',
      ]);
      expect(config.validate('nothing').isValid).toBe(false);
      expect(config.validate({ version: 1, featureFlags: 0x1_0000_0000 }).isValid).toBe(false);
      expect(config.revision).toBe(1);
    });

    it('takes rules and templates of the team', () => {
      const config = open({
        ...placeOptions(kind),
        templates: [{ name: 'quiet', set: ['logging'], clear: ['debug'], terminalMode: 'disabled' }],
        rules: [
          {
            code: 'TEAM_WIDE',
            severity: 'error',
            path: 'cols',
            hint: 'Use at least 100 columns.',
            check: ({ cols }) => (cols < 100 ? `Only ${cols} columns` : null),
          },
        ],
      });
      expect(config.validate().errors).toMatchObject([{ code: 'TEAM_WIDE', message: 'Only 80 columns' }]);
      config.applyTemplate('quiet');
      expect(config.getDebugView()).toMatchObject({ features: { enabled: ['logging'] }, terminal: { mode: 0 } });
    });

    it('lists its past newest first, by field, time and page', async () => {
      const config = start();
      for (let i = 0; i < 5; i++) config.toggleFeature('metrics');
      config.setTerminalSettings(1, 30, 80);
      config.setRollout('metrics', 20);
      const all = await config.getHistory();
      const changes = all.filter(({ kind: made }) => made !== 'create');
      expect(changes.map(({ revision }) => revision)).toEqual([8, 7, 6, 5, 4, 3, 2]);
      expect((await config.getHistory({ field: 'rows' })).filter(({ before }) => before !== null)).toHaveLength(1);
      const page = await config.getHistoryPage({ limit: 3 });
      expect(page.entries.map(({ revision }) => revision)).toEqual([8, 7, 6]);
      const next = await config.getHistoryPage({ limit: 3, cursor: page.cursor! });
      expect(next.entries.map(({ revision }) => revision)).toEqual([5, 4, 3]);
      expect(await config.getHistory({ since: Date.now() + 3_600_000 })).toEqual([]);
      expect(await config.getHistory({ until: 1 })).toEqual([]);
      expect(await config.getHistory({ actor: 'bob' })).toEqual([]);
      expect((await config.getHistory({ actor: 'ann' })).length).toBe(hasJournal ? 8 : 0);
    });

    it('goes back to any known state, rollouts included', async () => {
      const config = start();
      await config.rollback(1);
      expect(config.revision).toBe(1);
      config.enableFeature('metrics');
      config.setRollout('dark_mode', 25);
      config.setTerminalSettings(2, 40, 100);
      config.setRollout('dark_mode', 50);
      config.reset();
      const wanted = [
        [0, 0, 24],
        [0x40, 0, 24],
        [0x40, 25, 24],
        [0x40, 25, 40],
        [0x40, 50, 40],
        [0, 0, 24],
      ];
      for (const [i, state] of wanted.entries()) {
        await config.rollback(i + 1);
        expect([config.featureFlags, config.getRollout('dark_mode'), config.rows], `revision ${i + 1}`).toEqual(state);
        expect(await config.stateAt({ revision: i + 1 })).toMatchObject({
          revision: i + 1,
          config: { rows: state[2] },
        });
      }
      await config.rollback({ at: Date.now() + 60_000 });
      expect(await codeOf(config.stateAt({ at: 1 }))).toBe('ERR_ENTRY_NOT_FOUND');
      const bySeq = codeOf(config.rollback({ seq: 3 }));
      expect(await bySeq).toBe(hasJournal ? 'none' : 'ERR_ENTRY_NOT_FOUND');
    });

    it('persists, loads and backs up where there is a database, and says so where there is none', async () => {
      const config = start();
      config.enableFeature('metrics');
      if (!hasJournal) {
        expect(await codeOf(config.persist('why'))).toBe('ERR_NOT_PERSISTENT');
        expect(await codeOf(config.backup())).toBe('ERR_NOT_PERSISTENT');
        expect(await config.load()).toBeNull();
        return;
      }
      await config.persist('first');
      await config.persist('and again, though nothing changed');
      expect(config.pendingWrites).toBe(0);
      expect((await config.getHistory()).map(({ kind: made, reason, seq }) => [made, reason, seq !== null])).toEqual([
        ['persist', 'and again, though nothing changed', true],
        ['persist', 'first', true],
        ['update', '', true],
        ['create', '', true],
      ]);
      expect(await config.load()).toMatchObject({ featureFlags: 0x40, environment: 'test' });
      expect(await config.backup()).toMatchObject({ head: { seq: expect.any(Number) } });
    });

    it('migrates between versions, after a backup, and logs it', async () => {
      const config = start();
      expect(await config.migrate(1)).toEqual({ log: [], backup: null });
      const { log, backup } = await config.migrate(0);
      expect(log).toMatchObject([{ from: 1, to: 0 }]);
      expect(backup === null).toBe(!hasJournal);
      expect(config.version).toBe(0);
      await config.migrate(1);
      config.enableFeature('dark_mode');
      expect(await codeOf(config.migrate(0))).toBe('ERR_MIGRATION');
      expect(config.version).toBe(1);
    });

    it('tells subscribers of own changes at once, in order, whatever one of them does', async () => {
      const config = start();
      config.enableFeature('logging');
      const heard: ChangeEvent[] = [];
      const failures: unknown[] = [];
      const note = (error: unknown): number => failures.push(error);
      process.on('uncaughtException', note);
      const stopFirst = config.subscribe(({ revision }) => {
        if (revision === 3) config.enableFeature('debug');
        if (revision === 3) throw new Error('mine');
      });
      const stop = config.subscribe((event) => heard.push(event));
      config.enableFeature('metrics');
      expect(heard.map(({ revision, changedFields, origin }) => [revision, changedFields, origin])).toEqual([
        [3, ['featureFlags'], 'local'],
        [4, ['featureFlags'], 'local'],
      ]);
      expect(heard[0]!.config.featureFlags).toBe(0xc0);
      stop();
      stopFirst();
      config.disableFeature('metrics');
      expect(heard).toHaveLength(2);
      await new Promise(setImmediate);
      process.off('uncaughtException', note);
      expect(failures).toEqual([expect.objectContaining({ message: 'mine' })]);
    });

    it('takes no change once closed, and reads on', async () => {
      const config = start();
      config.setFeatures({ metrics: true });
      config.setRollout('dark_mode', 50);
      const before = [
        config.config,
        config.revision,
        config.getEnhancedConfig(),
        config.getDebugView(),
        config.validate(),
      ];
      const closed = config.close();
      expect(config.close()).toBe(closed);
      const other = open({ name: 'other' });
      other.applyTemplate('development');
      const after = [
        config.config,
        config.revision,
        config.getEnhancedConfig(),
        config.getDebugView(),
        config.validate(),
      ];
      expect(after).toEqual(before);
      expect([config.flags.metrics, config.isFeatureEnabled('debug'), config.getRollout('dark_mode')]).toEqual([
        true,
        false,
        50,
      ]);
      const refused: (() => unknown)[] = [
        () => config.enableFeature('debug'),
        () => config.setRollout('debug', 5),
        () => config.setTerminalSettings(1, 1, 1),
        () => config.applyTemplate('minimal'),
        () => config.reset(),
        () => config.subscribe(() => {}),
        () => config.persist('no'),
        () => config.backup(),
        () => config.migrate(0),
        () => config.load(),
        () => config.rollback(1),
      ];
      for (const action of refused) expect(await codeOf(action), String(action)).toBe('ERR_CLOSED');
      await closed;
    });

    it('closes at the end of its block', async () => {
      const options = placeOptions(kind);
      let kept;
      {
        await using config = open(options);
        config.enableFeature('metrics');
        kept = config;
      }
      expect(await codeOf(() => kept.disableFeature('metrics'))).toBe('ERR_CLOSED');
      const again = open(options);
      expect(again.flags.metrics).toBe(kind !== 'memory');
    });
  });
}
