/** Sealed files and texts: what comes back is what went in, or nothing does. @module */
import { existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openKeys } from '../../src/auth/keys.ts';
import { openSeal, type Seal } from '../../src/auth/seal.ts';
import { dataDirectory, refusal, registry } from './key-fixtures.ts';

const HEADER = 32;
const CHUNK = 1024 * 1024;
const SEALED_CHUNK = CHUNK + 16;
const RUNS = { seed: 42, numRuns: 60 };

interface Sealed {
  readonly seal: Seal;
  readonly directory: string;
  readonly path: string;
  readonly plain: Uint8Array;
  readonly bytes: Uint8Array;
}

async function sealed(size: number): Promise<Sealed> {
  const { keys, directory } = await registry();
  const plain = new Uint8Array(size).map((_, index) => (index * 31 + (index >> 8)) & 255);
  const [from, path] = [join(directory, 'plain'), join(directory, 'sealed')];
  writeFileSync(from, plain);
  await keys.seal.sealFile(from, path);
  return { seal: keys.seal, directory, path, plain, bytes: new Uint8Array(readFileSync(path)) };
}

/** That these bytes do not open, and that nothing is left of the attempt. */
async function refusedBytes({ seal, directory }: Sealed, bytes: Uint8Array): Promise<void> {
  const [from, to] = [join(directory, 'changed'), join(directory, 'opened')];
  writeFileSync(from, bytes);
  await refusal(seal.openSealedFile(from, to), 'ERR_BACKUP');
  expect(existsSync(to)).toBe(false);
  expect(readdirSync(directory).filter((name) => name.includes('draft'))).toEqual([]);
}

function joined(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

describe('a sealed file', () => {
  test.each([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 5])(
    'of %d bytes opens as it was',
    async (size) => {
      const { seal, directory, path, plain, bytes } = await sealed(size);
      expect(bytes.length).toBe(HEADER + size + 16 * Math.max(1, Math.ceil(size / CHUNK)));
      const to = join(directory, 'opened');
      await seal.openSealedFile(path, to);
      expect(Buffer.compare(readFileSync(to), plain)).toBe(0);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(statSync(to).mode & 0o777).toBe(0o600);
    },
  );

  test('can be made in memory', async () => {
    for (const size of [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK]) {
      const { seal, directory, plain, bytes } = await sealed(size);
      const [from, to] = [join(directory, 'in-memory'), join(directory, 'opened')];
      const made = await seal.sealBytes(plain);
      expect(made).toHaveLength(bytes.length);
      writeFileSync(from, made);
      await seal.openSealedFile(from, to);
      expect(Buffer.compare(readFileSync(to), plain), String(size)).toBe(0);
    }
  });

  test('is another one each time, and shows nothing of what is in it', async () => {
    const ours = await sealed(5000);
    const again = join(ours.directory, 'again');
    await ours.seal.sealFile(join(ours.directory, 'plain'), again);
    const other = new Uint8Array(readFileSync(again));
    expect(other.subarray(0, 16)).toEqual(ours.bytes.subarray(0, 16));
    const same = other.subarray(16).filter((byte, index) => byte === ours.bytes[16 + index]).length;
    expect(same).toBeLessThan(200);
    expect(Buffer.from(ours.bytes).includes(Buffer.from(ours.plain.subarray(100, 116)))).toBe(false);
  });

  test('with any bit changed does not open', async () => {
    const ours = await sealed(3000);
    const anywhere = fc.nat(ours.bytes.length * 8 - 1).filter((bit) => bit < 64 || bit >= 128);
    await fc.assert(
      fc.asyncProperty(anywhere, async (bit) => {
        await refusedBytes(ours, ours.bytes.with(bit >> 3, ours.bytes[bit >> 3]! ^ (1 << (bit & 7))));
      }),
      RUNS,
    );
  });

  test('that was cut off anywhere does not open', async () => {
    const ours = await sealed(2 * CHUNK + 100);
    const boundaries = [0, 1, 8, HEADER - 1, HEADER, HEADER + 16, HEADER + SEALED_CHUNK, HEADER + 2 * SEALED_CHUNK];
    for (const length of [...boundaries, ours.bytes.length - 16, ours.bytes.length - 1]) {
      await refusedBytes(ours, ours.bytes.subarray(0, length));
    }
  });

  test('whose chunks were moved, repeated, left out or taken from another does not open', async () => {
    const ours = await sealed(3 * CHUNK + 7);
    const header = ours.bytes.subarray(0, HEADER);
    const chunk = (number: number, of = ours.bytes): Uint8Array =>
      of.subarray(HEADER + number * SEALED_CHUNK, HEADER + (number + 1) * SEALED_CHUNK);
    const [a, b, c, last] = [chunk(0), chunk(1), chunk(2), chunk(3)] as const;
    await refusedBytes(ours, joined(header, b, a, c, last));
    await refusedBytes(ours, joined(header, a, a, c, last));
    await refusedBytes(ours, joined(header, a, b, c, c, last));
    await refusedBytes(ours, joined(header, a, c, last));
    await refusedBytes(ours, joined(header, b, c, last));
    await refusedBytes(ours, joined(header, a, b, c));
    await refusedBytes(ours, joined(header, a, b, c, last, last));
    await refusedBytes(ours, joined(header, last));
    const again = join(ours.directory, 'again');
    await ours.seal.sealFile(join(ours.directory, 'plain'), again);
    const other = new Uint8Array(readFileSync(again));
    await refusedBytes(ours, joined(header, a, chunk(1, other), c, last));
    await refusedBytes(ours, joined(other.subarray(0, HEADER), a, b, c, last));
  });

  test('to which something was added does not open', async () => {
    for (const size of [0, 10, CHUNK]) {
      const ours = await sealed(size);
      for (const more of [1, 16, 100]) await refusedBytes(ours, joined(ours.bytes, new Uint8Array(more)));
    }
  });

  test('that is none does not open', async () => {
    const ours = await sealed(0);
    for (const text of ['', 'C13', 'SQLite format 3\0'.padEnd(4096, 'x')]) {
      await refusedBytes(ours, new TextEncoder().encode(text));
    }
  });

  test('of another registry says so', async () => {
    const [ours, theirs] = [await sealed(10), await registry()];
    const error = await refusal(theirs.keys.seal.openSealedFile(ours.path, join(ours.directory, 'opened')), 'ERR_KEYS');
    expect(error.message).toContain('was sealed with key');
    expect(existsSync(join(ours.directory, 'opened'))).toBe(false);
  });

  test('opens after a restart, and a rotation', async () => {
    const ours = await sealed(100);
    const keys = await openKeys(ours.directory);
    await keys.rotate();
    await keys.seal.openSealedFile(ours.path, join(ours.directory, 'opened'));
  });

  test('replaces no file, and leaves none when there is nothing to seal', async () => {
    const { seal, directory, path, bytes } = await sealed(100);
    const plain = join(directory, 'plain');
    expect((await refusal(seal.sealFile(plain, path), 'ERR_BACKUP')).message).toContain('already there');
    await refusal(seal.openSealedFile(path, plain), 'ERR_BACKUP');
    expect(new Uint8Array(readFileSync(path))).toEqual(bytes);
    await refusal(seal.sealFile(join(directory, 'missing'), join(directory, 'none')), 'ERR_BACKUP');
    await refusal(seal.sealFile(plain, join(directory, 'missing', 'none')), 'ERR_BACKUP');
    await refusal(seal.sealFile(directory, join(directory, 'none')), 'ERR_BACKUP');
    expect(readdirSync(directory).toSorted()).toEqual(['keys', 'plain', 'sealed']);
  });

  test('takes no more memory when it is large', async () => {
    const directory = dataDirectory();
    const large = join(directory, 'large');
    writeFileSync(large, '');
    truncateSync(large, 384 * CHUNK);
    const script = join(import.meta.dirname, 'seal-large.ts');
    const child = Bun.spawn([process.execPath, script, directory, large], { stdout: 'pipe', stderr: 'inherit' });
    const { grown_bytes, isSame } = JSON.parse(await new Response(child.stdout).text());
    expect(isSame).toBe(true);
    expect(grown_bytes).toBeLessThan(128 * CHUNK);
  });
});

describe('the key', () => {
  test('is refused when it is none', async () => {
    const { directory } = await registry();
    const path = join(directory, 'keys', 'seal.key');
    for (const text of ['', 'short\n', `${'g'.repeat(64)}\n`, `${'a'.repeat(63)}\n`, `${'a'.repeat(66)}\n`]) {
      writeFileSync(path, text);
      await refusal(openKeys(directory), 'ERR_KEYS');
    }
    rmSync(path);
    await openSeal(join(directory, 'keys'));
  });
});

describe('a sealed text', () => {
  test('opens as it was, for the same purpose and key alone', async () => {
    const [ours, theirs] = [await registry(), await registry()];
    const text = fc.string({ unit: 'grapheme', maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(text, fc.constantFrom('a', 'b'), async (plain, purpose) => {
        const sealedText = await ours.keys.seal.sealText(purpose, plain);
        expect(sealedText).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(await ours.keys.seal.openText(purpose, sealedText)).toBe(plain);
        expect(await ours.keys.seal.openText(purpose === 'a' ? 'b' : 'a', sealedText)).toBeNull();
        expect(await theirs.keys.seal.openText(purpose, sealedText)).toBeNull();
      }),
      RUNS,
    );
  });

  test('that was changed, cut off, or never sealed is none', async () => {
    const { seal } = (await registry()).keys;
    const whole = await seal.sealText('a', 'secret');
    for (let at = 0; at < whole.length; at++) {
      const other = whole[at] === 'A' ? 'B' : 'A';
      expect(await seal.openText('a', whole.slice(0, at) + other + whole.slice(at + 1))).toBeNull();
      expect(await seal.openText('a', whole.slice(0, at))).toBeNull();
    }
    for (const text of [`${whole}=`, ` ${whole}`, 'not base64!', `${whole}AAAA`]) {
      expect(await seal.openText('a', text)).toBeNull();
    }
  });
});

describe('a secret', () => {
  test('is the same again for its purpose and key, and for nothing else', async () => {
    const { keys, directory } = await registry();
    const one = await keys.seal.secretFor('a');
    expect(one).toHaveLength(32);
    const again = await openSeal(join(directory, 'keys'));
    expect(await again.secretFor('a')).toEqual(one);
    const others = [await keys.seal.secretFor('b'), await (await registry()).keys.seal.secretFor('a')];
    for (const other of others) expect(other).not.toEqual(one);
  });
});
