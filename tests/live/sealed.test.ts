/** Backups that are sealed with a real key: no plain copy stays, and nobody opens them without it. @module */
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSeal } from '../../src/auth/seal.ts';
import { verifyFile } from '../../src/journal/backup.ts';
import { removeAbandonedDrafts, restoreDatabase } from '../../src/live/backups.ts';
import { ConfigOperations } from '../../src/live/operations.ts';
import type { Sealer } from '../../src/live/sealed.ts';
import { codeOf, tempDirectory } from '../journal/fixtures.ts';
import { script } from './fixtures.ts';
import { ANN, openOperations } from './operations-fixtures.ts';

const SECRET = 'a reason that nobody else shall read';

async function sealed() {
  const keys = tempDirectory();
  const seal = await openSeal(keys);
  const opened = await openOperations({ sealer: seal });
  await opened.operations.set('shop', { rows: 60 }, { ...ANN, reason: SECRET });
  return { ...opened, seal, keys, directory: join(dirname(opened.persistPath), 'backups') };
}

describe('a sealed backup', () => {
  it('is the only file that is left, is listed as what it is, and gives a config back', async () => {
    const { operations, directory } = await sealed();
    const backup = await operations.backup();
    const name = basename(backup.path);
    expect(name).toMatch(/\.db\.sealed$/);
    expect(readdirSync(directory)).toEqual([name]);
    expect(readFileSync(backup.path).includes(SECRET)).toBe(false);
    expect([statSync(backup.path).mode & 0o777, backup.size_bytes]).toEqual([0o600, statSync(backup.path).size]);
    expect(backup.head).toEqual(await operations.store.journal.head());
    expect(await operations.backups()).toMatchObject([{ name, sealed: true, size_bytes: backup.size_bytes }]);
    await operations.set('shop', { rows: 70 }, ANN);
    expect((await operations.restore('shop', name, ANN)).config.rows).toBe(60);
    expect(readdirSync(directory)).toEqual([name]);
  });

  it('lies beside plain ones, as it is wanted at the time, and migrate makes such a one', async () => {
    const { operations, directory } = await sealed();
    let isSealing = true;
    const { operations: choosing, persistPath } = await openOperations({
      sealer: await openSeal(tempDirectory()),
      seals: () => isSealing,
    });
    await choosing.set('shop', { registryHash: 0x930ed19a }, ANN);
    await choosing.backup();
    isSealing = false;
    await choosing.backup();
    expect((await choosing.backups()).map((file) => file.sealed)).toEqual([false, true]);
    expect(
      readFileSync(join(dirname(persistPath), 'backups', (await choosing.backups())[0]!.name)).includes('shop'),
    ).toBe(true);
    const { backup } = await operations.migrate('shop', 0, ANN);
    expect(readdirSync(directory)).toEqual([basename(backup!.path)]);
    expect(backup!.path).toMatch(/\.sealed$/);
  });

  it('stays closed without the key, with another one, and when it was changed; nothing plain is left', async () => {
    const { operations, directory } = await sealed();
    const { path } = await operations.backup();
    const name = basename(path);
    const restoreWith = async (sealer?: Sealer) =>
      await codeOf(new ConfigOperations(operations.store, { sealer }).restore('shop', name, ANN));
    expect(await restoreWith()).toBe('ERR_BACKUP');
    await expect(new ConfigOperations(operations.store).restore('shop', name, ANN)).rejects.toThrow(/sealed/);
    expect(await restoreWith(await openSeal(tempDirectory()))).toBe('ERR_KEYS');
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(path, bytes);
    expect(await codeOf(operations.restore('shop', name, ANN))).toBe('ERR_BACKUP');
    expect((await operations.get('shop')).revision).toBe(1);
    expect(readdirSync(directory)).toEqual([name]);
    expect(await codeOf(() => restoreDatabase(path, join(tempDirectory(), 'x.db'), false))).toBe('ERR_BACKUP');
  });

  it('is a whole database once it is opened', async () => {
    const { operations, seal } = await sealed();
    const { path, head } = await operations.backup();
    const plain = join(tempDirectory(), 'plain.db');
    await seal.openSealedFile(path, plain);
    expect(verifyFile(plain)).toMatchObject({ ok: true, head });
  });

  it('that cannot be sealed leaves nothing, and says why', async () => {
    const { operations, directory, seal } = await sealed();
    const cut = new ConfigOperations(operations.store, {
      sealer: {
        sealFile: async (from) => await seal.sealFile(from, '/proc/none/x'),
        openSealedFile: async () => {},
      },
    });
    expect(await codeOf(cut.backup())).toBe('ERR_BACKUP');
    expect(readdirSync(directory)).toEqual([]);
  });

  it.each([0, 1])('leaves plain bytes only until the next start, when its maker is killed (%i)', async (after) => {
    const { operations, persistPath, keys, directory } = await sealed();
    const child = Bun.spawnSync([process.execPath, script('dies-at-seal.ts'), persistPath, keys, String(after)]);
    expect(child.signalCode).toBe('SIGKILL');
    expect(readdirSync(directory).length).toBeGreaterThan(after);
    copyFileSync(persistPath, join(directory, 'kept.db'));
    removeAbandonedDrafts(persistPath);
    const left = readdirSync(directory);
    expect(left.filter((name) => !name.endsWith('.sealed'))).toEqual(['kept.db']);
    expect(left).toHaveLength(1 + after);
    expect((await operations.backups()).map((file) => file.sealed)).toEqual(after === 0 ? [false] : [false, true]);
    expect(existsSync(persistPath)).toBe(true);
  });
});
