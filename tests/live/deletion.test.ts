/** A config that was deleted is not there, but its past is, and whoever still has it goes on. @module */
import { describe, expect, it } from 'vitest';
import { BUILTIN_FEATURES } from '../../src/config/features.ts';
import { DEFAULT_CONFIG } from '../../src/config/value.ts';
import { codeOf } from '../journal/fixtures.ts';
import { open, run } from './fixtures.ts';
import { ANN, namesOf, openOperations, pastOf } from './operations-fixtures.ts';

const DEBUG = { features: { debug: true } };

describe('a deleted config', () => {
  it('is in no answer but its history, and the next write makes it again at the next revision', async () => {
    const { operations } = await openOperations();
    await operations.declare('shop', { new_checkout: 12 }, ANN);
    await operations.set('mail', DEBUG, ANN);
    await operations.set('shop', { ...DEBUG, rollouts: { new_checkout: 10 } }, ANN);
    expect(await operations.count({ on: ['debug'] })).toBe(2);
    expect(await operations.delete('shop', { ...ANN, reason: 'closed' })).toEqual({ name: 'shop', revision: 2 });
    expect([await namesOf(operations), await operations.count()]).toEqual([['mail'], 1]);
    expect((await operations.list({ on: ['debug'] })).map(({ name }) => name)).toEqual(['mail']);
    expect(await operations.list({ off: ['metrics'], service: 'shop' })).toEqual([]);
    expect([await operations.count({ on: ['debug'] }), await operations.count({ off: ['metrics'] })]).toEqual([1, 1]);
    expect(await operations.store.find('shop')).toBeNull();
    for (const action of [
      () => operations.get('shop'),
      () => operations.validate('shop'),
      () => operations.analytics('shop'),
      () => operations.features('shop'),
      () => operations.reset('shop', ANN),
      () => operations.migrate('shop', 0, ANN),
      () => operations.delete('shop', ANN),
    ]) {
      expect(await codeOf(action)).toBe('ERR_NOT_FOUND');
    }
    expect(await codeOf(operations.rollback('shop', { revision: 2 }, ANN))).toBe('ERR_ENTRY_NOT_FOUND');
    const [deletion] = (await operations.history('shop')).entries;
    expect(deletion).toMatchObject({ kind: 'delete', reason: 'closed', actor: 'ann', config: DEFAULT_CONFIG });
    expect(deletion!.changedFields).toEqual(['featureFlags', 'rollouts']);
    const { config } = await operations.set('shop', { rows: 50 }, { ...ANN, expected: 0 });
    expect(config).toMatchObject({ revision: 3, rows: 50, featureFlags: 0, rollouts: {} });
    expect(await pastOf(operations, 'shop')).toEqual([
      [3, 'create'],
      [2, 'delete'],
      [1, 'create'],
    ]);
    expect(await namesOf(operations)).toEqual(['mail', 'shop']);
    expect(await operations.count({ off: ['metrics'] })).toBe(2);
  });

  it('is made again also as the defaults that it read, and by putting a past state back', async () => {
    const { operations } = await openOperations();
    await operations.set('shop', DEBUG, ANN);
    await operations.delete('shop', ANN);
    expect((await operations.set('shop', {}, ANN)).changed).toBe(true);
    expect((await operations.get('shop')).revision).toBe(3);
    await operations.delete('shop', ANN);
    expect((await operations.rollback('shop', { revision: 1 }, ANN)).config).toMatchObject({
      revision: 5,
      features: { enabled: ['debug'] },
    });
  });

  it('meets conditions as one that is not there', async () => {
    const { operations } = await openOperations();
    await operations.set('shop', DEBUG, ANN);
    expect(await codeOf(operations.delete('shop', { ...ANN, expected: 7 }))).toBe('ERR_REVISION_CONFLICT');
    await operations.delete('shop', { ...ANN, expected: 1 });
    for (const expected of [1, 2]) {
      expect(await codeOf(operations.set('shop', DEBUG, { ...ANN, expected }))).toBe('ERR_REVISION_CONFLICT');
    }
    const writes = await Promise.all(
      [0, 0, 0].map((expected) => codeOf(operations.set('shop', DEBUG, { ...ANN, expected }))),
    );
    expect(writes.sort()).toEqual(['ERR_REVISION_CONFLICT', 'ERR_REVISION_CONFLICT', 'none']);
    expect((await operations.get('shop')).revision).toBe(3);
  });

  it('was deleted once, whoever asks at the same time, and no write beside it goes half unseen', async () => {
    const { operations } = await openOperations();
    for (let round = 0; round < 20; round++) {
      await operations.set('shop', DEBUG, ANN);
      const codes = await Promise.all([
        codeOf(operations.delete('shop', ANN)),
        codeOf(operations.reset('shop', ANN)),
        codeOf(operations.delete('shop', ANN)),
      ]);
      expect(codes.filter((code) => code === 'none').length).toBeGreaterThan(0);
      const history = await pastOf(operations, 'shop');
      const isThere = (await operations.store.find('shop')) !== null;
      expect(isThere).toBe(history[0]![1] !== 'delete');
    }
  });

  it('cannot be one that is always needed', async () => {
    const { operations } = await openOperations();
    for (const name of ['default', 'registry']) {
      await operations.set(name, DEBUG, ANN);
      expect(await codeOf(operations.delete(name, ANN))).toBe('ERR_FORBIDDEN');
      expect((await operations.get(name)).revision).toBe(1);
    }
  });
});

describe('a process that has a config open which is deleted', () => {
  it('reads the defaults, keeps them through persist, and its next change makes the config again', async () => {
    const { operations, persistPath } = await openOperations();
    await operations.set('shop', { ...DEBUG, rows: 60 }, ANN);
    const config = open({ persistPath, name: 'shop', actor: 'lib' });
    await operations.delete('shop', ANN);
    expect([config.config, config.flags.debug]).toEqual([DEFAULT_CONFIG, false]);
    await config.persist('still here');
    expect([await config.load(), await namesOf(operations)]).toEqual([null, []]);
    const opened = open({ persistPath, name: 'shop', actor: 'late' });
    await opened.persist('opened late');
    expect([opened.revision, opened.config]).toEqual([4, DEFAULT_CONFIG]);
    expect(await codeOf(operations.get('shop'))).toBe('ERR_NOT_FOUND');
    config.enableFeature('metrics');
    await config.persist('again');
    expect(await operations.get('shop')).toMatchObject({ revision: 6, features: { enabled: ['metrics'] } });
    expect(await config.load()).toMatchObject({ featureFlags: BUILTIN_FEATURES.maskOf('metrics') });
    expect(await pastOf(operations, 'shop')).toEqual([
      [6, 'persist'],
      [5, 'update'],
      [4, 'persist'],
      [3, 'persist'],
      [2, 'delete'],
      [1, 'create'],
    ]);
  });

  it('leaves it deleted in a board that is made anew, and in a backup', async () => {
    const { operations, persistPath } = await openOperations();
    await operations.set('shop', DEBUG, ANN);
    const { path: before } = await operations.backup();
    await operations.delete('shop', ANN);
    const config = open({ persistPath, name: 'shop' });
    await config.persist('seen');
    const { path: after } = await operations.backup();
    const restore = (path: string) => operations.restore('shop', path.split('/').at(-1)!, ANN);
    expect(await codeOf(restore(after))).toBe('ERR_NOT_FOUND');
    expect((await restore(before)).config).toMatchObject({ revision: 4, features: { enabled: ['debug'] } });
  });

  it('learns of a deletion that was made past its board, and leaves it so', async () => {
    const { operations, persistPath } = await openOperations();
    await operations.set('shop', DEBUG, ANN);
    const config = open({ persistPath, name: 'shop' });
    await run('journal-change.ts', [persistPath, 'delete']);
    config.enableFeature('metrics');
    expect(await codeOf(config.persist('metrics'))).toBe('ERR_REVISION_CONFLICT');
    expect([config.config, await config.load()]).toEqual([DEFAULT_CONFIG, null]);
    expect(await codeOf(operations.get('shop'))).toBe('ERR_NOT_FOUND');
  });
});

describe('a process that is killed while it deletes', () => {
  it('has deleted nothing: what it made visible is signed as a change that nobody signed', async () => {
    const { operations, persistPath } = await openOperations();
    await operations.set('shop', DEBUG, ANN);
    const config = open({ persistPath, name: 'shop' });
    const { signal, lines } = await run('dies-at-append.ts', [persistPath, 'delete', 'shop']);
    expect([signal, lines, config.flags.debug]).toEqual(['SIGKILL', [], false]);
    expect((await operations.get('shop')).revision).toBe(1);
    for (let look = 0; look < 2; look++) await operations.store.signUnattributed({ actor: 'registry', reason: '' });
    expect(await operations.get('shop')).toMatchObject({ revision: 3, featureFlags: 0 });
    expect(await pastOf(operations, 'shop')).toEqual([
      [3, 'persist'],
      [2, 'unattributed'],
      [1, 'create'],
    ]);
  });

  it('or while it makes one again that was deleted, leaves what the next look finds', async () => {
    const { operations, persistPath } = await openOperations();
    await operations.set('shop', DEBUG, ANN);
    await operations.delete('shop', ANN);
    const change = JSON.stringify([{ name: 'shop', set: { rows: 99 } }]);
    expect((await run('dies-at-append.ts', [persistPath, 'bulk', change])).signal).toBe('SIGKILL');
    expect(await codeOf(operations.get('shop'))).toBe('ERR_NOT_FOUND');
    for (let look = 0; look < 2; look++) await operations.store.signUnattributed({ actor: 'registry', reason: '' });
    expect(await operations.get('shop')).toMatchObject({ revision: 4, rows: 99 });
  });
});
