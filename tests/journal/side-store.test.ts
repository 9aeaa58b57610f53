/** What the files beside the journal keep, forget and refuse. @module */
import { Database } from 'bun:sqlite';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync } from 'node:fs';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isConfigError } from '../../src/errors/errors.ts';
import { openEngine } from '../../src/journal/engine.ts';
import { openSideStore, type SideStore } from '../../src/journal/side-store.ts';
import { tempDirectory } from './fixtures.ts';

function open(path: string, durable = true, clock = (): number => 1000): SideStore {
  const store = openSideStore({ path, durable, clock });
  onTestFinished(() => store.close());
  return store;
}

function faultOf(action: () => unknown): string {
  try {
    action();
    return 'none';
  } catch (error) {
    if (isConfigError(error) && error.code === 'ERR_STORE') return error.details.fault;
    throw error;
  }
}

/** Every byte of every file of the directory. */
function bytesIn(directory: string): string {
  return readdirSync(directory)
    .map((name) => readFileSync(join(directory, name)).toString('latin1'))
    .join('\n');
}

describe.each([true, false])('a side store (durable: %s)', (durable) => {
  it('keeps spaces apart, texts and bytes, over a reopening', () => {
    const path = join(tempDirectory(), 'keyring.db');
    const store = open(path, durable);
    store.set('password', 'ann', 'äö\u{1f600}');
    store.set('revoked', 'ann', new Uint8Array([0, 255, 128]));
    store.set('password', 'bob', '');
    store.close();
    const again = open(path, durable);
    expect(again.get('password', 'ann')).toBe('äö\u{1f600}');
    expect(again.getBytes('revoked', 'ann')).toEqual(new Uint8Array([0, 255, 128]));
    expect(again.get('password', 'bob')).toBe('');
    expect(again.get('password', 'eve')).toBeNull();
    expect(again.entries('password').map(({ key, expiresAt }) => [key, expiresAt])).toEqual([
      ['ann', null],
      ['bob', null],
    ]);
  });

  it('does what a map with times would do', () => {
    const step = fc.record({
      verb: fc.constantFrom('set', 'add', 'delete', 'deleteThis', 'sweep', 'wait'),
      space: fc.constantFrom('a', 'b'),
      key: fc.constantFrom('x', 'y', 'z'),
      value: fc.constantFrom('1', '2'),
      lives: fc.option(fc.integer({ min: 1, max: 3 })),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const directory = tempDirectory();
        let now = 0;
        const store = open(join(directory, 'it.db'), durable, () => now);
        const model = new Map<string, { value: string; expiresAt: number | null }>();
        for (const { verb, space, key, value, lives } of steps) {
          const name = `${space}/${key}`;
          for (const [each, { expiresAt }] of model) if (expiresAt !== null && expiresAt <= now) model.delete(each);
          const expiresAt = lives === null ? null : now + lives;
          const isThere = model.has(name);
          if (verb === 'wait') now++;
          if (verb === 'sweep') store.sweep();
          if (verb === 'set') store.set(space, key, value, expiresAt);
          if (verb === 'add') expect(store.add(space, key, value, expiresAt)).toBe(!isThere);
          if (verb === 'delete') expect(store.delete(space, key)).toBe(isThere);
          const isThis = model.get(name)?.value === value;
          if (verb === 'deleteThis') expect(store.delete(space, key, value)).toBe(isThis);
          if (verb === 'set' || (verb === 'add' && !isThere)) model.set(name, { value, expiresAt });
          if (verb === 'delete' || (verb === 'deleteThis' && isThis)) model.delete(name);
        }
        for (const [each, { expiresAt }] of model) if (expiresAt !== null && expiresAt <= now) model.delete(each);
        const decoder = new TextDecoder();
        const kept = ['a', 'b'].flatMap((space) =>
          store
            .entries(space)
            .map(({ key, value, expiresAt }) => [`${space}/${key}`, decoder.decode(value), expiresAt]),
        );
        const wanted = [...model].map(([name, { value, expiresAt }]) => [name, value, expiresAt]);
        expect(kept).toEqual(wanted.toSorted((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1)));
        store.close();
        rmSync(directory, { recursive: true });
      }),
      { numRuns: 40, seed: 13 },
    );
  });

  it('does all of several writes or none', () => {
    const store = open(join(tempDirectory(), 'it.db'), durable);
    store.set('s', 'a', '1');
    expect(() =>
      store.together(() => {
        store.set('s', 'a', '2');
        store.set('s', 'b', '2');
        throw new Error('halfway');
      }),
    ).toThrow('halfway');
    expect(store.entries('s').map(({ key }) => key)).toEqual(['a']);
    store.together(() => {
      store.delete('s', 'a');
      store.set('s', 'b', '3');
    });
    expect([store.get('s', 'a'), store.get('s', 'b')]).toEqual([null, '3']);
  });

  it('sweeps what has expired, and nothing else', () => {
    let now = 0;
    const store = open(join(tempDirectory(), 'it.db'), durable, () => now);
    store.set('s', 'short', '', 10);
    store.set('s', 'long', '', 20);
    store.set('s', 'ever', '');
    now = 10;
    expect(store.get('s', 'short')).toBeNull();
    expect([store.sweep(), store.sweep()]).toEqual([1, 0]);
    expect(store.entries('s').map(({ key }) => key)).toEqual(['ever', 'long']);
  });

  it('is shared: of two that add or delete the same, one is told that it did', () => {
    const path = join(tempDirectory(), 'it.db');
    const [one, two] = [open(path, durable), open(path, durable)];
    expect([one.add('s', 'k', '1'), two.add('s', 'k', '2')]).toEqual([true, false]);
    expect(two.get('s', 'k')).toBe('1');
    expect([two.delete('s', 'k'), one.delete('s', 'k')]).toEqual([true, false]);
  });
});

describe('a durable side store', () => {
  const secret = 'a-secret-that-nobody-must-find';

  it.each([
    ['deleted', (store: SideStore) => void store.delete('s', 'k')],
    ['replaced', (store: SideStore) => store.set('s', 'k', 'x')],
    ['swept', (store: SideStore) => void store.sweep(1e6)],
    ['deleted with others', (store: SideStore) => store.together(() => void store.delete('s', 'k'))],
  ])('leaves nothing in any file of what was %s, while it is open', (_, erase) => {
    const directory = tempDirectory();
    const store = open(join(directory, 'keyring.db'));
    store.set('s', 'k', secret, 5000);
    expect(bytesIn(directory)).toContain(secret);
    erase(store);
    expect(bytesIn(directory)).not.toContain(secret);
  });

  it('leaves nothing once whoever was reading is through', () => {
    const directory = tempDirectory();
    const path = join(directory, 'keyring.db');
    const store = open(path);
    store.set('s', 'k', secret);
    using reader = new Database(path, { readonly: true });
    reader.run('BEGIN');
    reader.query('SELECT count(*) FROM things').get();
    store.delete('s', 'k');
    expect(bytesIn(directory), 'the reader still needs it').toContain(secret);
    reader.run('COMMIT');
    store.set('s', 'other', 'x');
    expect(bytesIn(directory)).not.toContain(secret);
  });

  it('forgets at its next opening what a killed process has left in the log', async () => {
    const directory = tempDirectory();
    const path = join(directory, 'keyring.db');
    const child = Bun.spawn([process.execPath, join(import.meta.dirname, 'killed-eraser.ts'), path, secret], {
      stdout: 'pipe',
      stderr: 'inherit',
    });
    await child.exited;
    expect(child.signalCode).toBe('SIGKILL');
    expect(bytesIn(directory)).toContain(secret);
    expect(open(path).get('s', 'k')).toBeNull();
    expect(bytesIn(directory)).not.toContain(secret);
  });
});

describe('the file of a side store', () => {
  it('is for its owner alone, as are those beside it', () => {
    const directory = tempDirectory();
    const store = open(join(directory, 'keyring.db'));
    store.set('s', 'k', 'v');
    for (const name of readdirSync(directory)) expect(statSync(join(directory, name)).mode & 0o777, name).toBe(0o600);
  });

  const refused: [string, string, (path: string) => void][] = [
    ['a text', 'not ours', (path) => writeFileSync(path, 'name: checkout\n'.repeat(100), { mode: 0o600 })],
    ['a small text', 'not ours', (path) => writeFileSync(path, 'hello', { mode: 0o600 })],
    ['an empty file', 'damaged', (path) => writeFileSync(path, '', { mode: 0o600 })],
    [
      'a journal',
      'not ours',
      (path) => {
        openEngine({ path }).close();
      },
    ],
    [
      'half of one',
      'damaged',
      (path) => {
        const store = openSideStore({ path, durable: true });
        for (let i = 0; i < 100; i++) store.set('s', String(i), 'x'.repeat(1000));
        store.close();
        truncateSync(path, statSync(path).size / 2);
      },
    ],
    [
      'one with broken pages',
      'damaged',
      (path) => {
        const store = openSideStore({ path, durable: true });
        for (let i = 0; i < 100; i++) store.set('s', String(i), 'x'.repeat(1000));
        store.close();
        const bytes = readFileSync(path);
        for (let page = 2; page < bytes.length / 4096; page++) bytes.fill(0x5a, page * 4096, page * 4096 + 64);
        writeFileSync(path, bytes);
      },
    ],
    [
      'one of a newer program',
      'too new',
      (path) => {
        openSideStore({ path, durable: true }).close();
        using database = new Database(path);
        database.run('PRAGMA user_version = 99');
      },
    ],
    [
      'one that others can read',
      'open to other users',
      (path) => {
        openSideStore({ path, durable: true }).close();
        chmodSync(path, 0o640);
      },
    ],
    [
      'a link',
      'not ours',
      (path) => {
        openSideStore({ path: `${path}.real`, durable: true }).close();
        symlinkSync(`${path}.real`, path);
      },
    ],
  ];

  it.each(refused)('is refused when it is %s, and keeps every byte', (_, fault, make) => {
    const path = join(tempDirectory(), 'keyring.db');
    make(path);
    const before = readFileSync(path);
    for (const durable of [true, false]) expect(faultOf(() => openSideStore({ path, durable }))).toBe(fault);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('is needed as long as it is used: nothing is kept in one that was removed, or after closing', () => {
    const path = join(tempDirectory(), 'keyring.db');
    const store = open(path);
    rmSync(path);
    expect(faultOf(() => store.set('s', 'k', 'v'))).toBe('removed or replaced');
    store.close();
    expect(faultOf(() => store.get('s', 'k'))).toBe('closed');
    expect(existsSync(path)).toBe(false);
  });

  it('is not made where there is no directory', () => {
    expect(faultOf(() => openSideStore({ path: join(tempDirectory(), 'no/keyring.db'), durable: true }))).toBe(
      'ENOENT',
    );
  });
});
