/**
 * One database for all configs of a process: what fails for one, or for a while, fails for no other and not for ever.
 * @module
 */
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { codeOf, tempDirectory } from '../journal/fixtures.ts';
import { open } from './fixtures.ts';

/** The workers that this test starts. */
function watchWorkers(): Worker[] {
  const { Worker: Real } = globalThis;
  const started: Worker[] = [];
  globalThis.Worker = class extends Real {
    constructor(...args: ConstructorParameters<typeof Real>) {
      super(...args);
      started.push(this);
    }
  };
  onTestFinished(() => void (globalThis.Worker = Real));
  return started;
}

describe('a database', () => {
  it('that vanishes as it opens is not made anew, and can be opened again when it is back', async () => {
    const persistPath = join(tempDirectory(), 'config.db');
    const first = open({ persistPath, enableClusterSync: false });
    await first.persist('made');
    await first.close();
    const cut = open({ persistPath, enableClusterSync: false });
    renameSync(persistPath, `${persistPath}.away`);
    cut.enableFeature('debug');
    expect(await codeOf(cut.persist('gone'))).toBe('ERR_JOURNAL_WRITE');
    expect(existsSync(persistPath)).toBe(false);
    renameSync(`${persistPath}.away`, persistPath);
    const again = open({ persistPath, enableClusterSync: false });
    again.enableFeature('metrics');
    expect(await codeOf(again.persist('back'))).toBe('none');
    expect((await again.getHistory()).map(({ reason }) => reason)).toEqual(['back', '', 'made', '']);
  });

  it('that is another one by the time the worker opens it is left alone', async () => {
    const directory = tempDirectory();
    const persistPath = join(directory, 'config.db');
    for (const path of [persistPath, join(directory, 'other.db')]) {
      const config = open({ persistPath: path });
      await config.persist(path);
      await config.close();
    }
    const cut = open({ persistPath });
    renameSync(join(directory, 'other.db'), persistPath);
    cut.enableFeature('debug');
    expect(await codeOf(cut.persist('to the wrong one'))).toBe('ERR_JOURNAL_WRITE');
    const other = open({ persistPath });
    expect(other.flags.debug).toBe(false);
    expect((await other.getHistory())[0]!.reason).toBe(join(directory, 'other.db'));
  });

  it('whose worker died is opened again by whoever opens a config', async () => {
    const workers = watchWorkers();
    const persistPath = join(tempDirectory(), 'config.db');
    const cut = open({ persistPath, name: 'cut' });
    await cut.persist('alive');
    const ended = new Promise((resolve) => workers[0]!.addEventListener('close', resolve));
    workers[0]!.terminate();
    await ended;
    expect(await codeOf(cut.persist('dead'))).toBe('ERR_CLOSED');
    const next = open({ persistPath, name: 'next' });
    expect(await codeOf(next.persist('alive again'))).toBe('none');
  });

  it('stores what it can of one config whose features another one has declared otherwise', async () => {
    const persistPath = join(tempDirectory(), 'config.db');
    const first = open({ persistPath, enableClusterSync: true, name: 'shop', features: { a: 12 } });
    first.enableFeature('a');
    const second = open({ persistPath, enableClusterSync: true, name: 'shop', features: { b: 12 } });
    const other = open({ persistPath, enableClusterSync: true, name: 'mail' });
    other.enableFeature('debug');
    const codes = await Promise.all([first, second, other].map((config) => codeOf(config.persist('x'))));
    expect(codes).toEqual(['none', 'ERR_FEATURE_CONFLICT', 'none']);
    expect(await codeOf(second.persist('again'))).toBe('ERR_FEATURE_CONFLICT');
    expect(second.validate()).toMatchObject({
      isValid: false,
      errors: [{ code: 'ERR_FEATURE_CONFLICT', path: 'features' }],
    });
    expect([first.validate().isValid, other.pendingWrites]).toEqual([true, 0]);
    expect(await codeOf(second.close())).toBe('none');
    other.enableFeature('metrics');
    expect([await codeOf(other.persist('on')), await codeOf(first.close())]).toEqual(['none', 'none']);
  });
});
