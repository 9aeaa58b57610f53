/**
 * What every store of blobs does, wherever it keeps them. Each implementation's test calls this with a way to open one
 * that is empty, and to spoil a blob behind its back.
 * @module
 */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BlobHash, Blobs } from '../../src/packages/blobs/blobs.ts';
import { collect } from '../../src/packages/blobs/collect.ts';
import { scrub } from '../../src/packages/blobs/scrub.ts';
import { codeOf } from '../journal/fixtures.ts';
import { all, bytesOf, draftOf, kept, LIMIT, pieces, sha512, someBytes } from '../packages/blobs/fixtures.ts';

export interface OpenedBlobs {
  readonly blobs: Blobs;
  /** Writes other bytes where the blob's are. */
  readonly spoil: (hash: BlobHash, bytes: Uint8Array) => void;
  readonly close: () => Promise<void>;
}

const SIZES = [0, 1, 1000, 256 * 1024, 256 * 1024 + 1, 6 * 1024 * 1024];

export function blobsContract(name: string, open: () => Promise<OpenedBlobs>): void {
  describe(`blobs contract: ${name}`, () => {
    let opened: OpenedBlobs;
    let blobs: Blobs;

    beforeEach(async () => {
      opened = await open();
      blobs = opened.blobs;
    });
    afterEach(() => opened.close());

    const hashes = async (): Promise<BlobHash[]> => (await all(blobs.list())).map(({ hash }) => hash);

    it.each(SIZES)('keeps %d bytes and gives them back', async (size) => {
      const bytes = someBytes(size);
      const draft = await draftOf(blobs, bytes);
      expect(draft).toMatchObject({ hash: sha512(bytes), size_bytes: size });
      expect(draft.shasum).toBe(new Bun.CryptoHasher('sha1').update(bytes).digest('hex'));
      expect(await blobs.stat(draft.hash)).toBeNull();
      expect(await hashes()).toEqual([]);
      for (const start of [0, 0, Math.min(size, 7)]) {
        expect(sha512(await new Response(draft.read(start)).bytes())).toBe(sha512(bytes.subarray(start)));
      }
      expect(await draft.keep()).toEqual({ hash: draft.hash, size_bytes: size });
      expect(sha512(await new Response(draft.read()).bytes())).toBe(draft.hash);
      await draft.drop();
      await draft.drop();
      expect(await blobs.stat(draft.hash)).toEqual({ hash: draft.hash, size_bytes: size });
      expect(sha512(await bytesOf(blobs, draft.hash))).toBe(draft.hash);
    });

    it('hashes the same whatever pieces the bytes come in', async () => {
      const bytes = someBytes(300_000);
      for (const size of [1009, 4096, 299_999]) {
        expect((await blobs.draft(pieces(bytes, size), LIMIT)).hash).toBe(sha512(bytes));
      }
    });

    it('gives any part of the bytes', async () => {
      const bytes = someBytes(5000);
      const { hash } = await kept(blobs, bytes);
      const range = fc.tuple(fc.nat(4999), fc.nat(5000)).filter(([start, end]) => start < end);
      await fc.assert(
        fc.asyncProperty(range, async ([start, end]) => {
          expect(await bytesOf(blobs, hash, { start, end })).toEqual(bytes.slice(start, end));
        }),
        { seed: 42, numRuns: 20 },
      );
    });

    it.each([100, 400_000])('refuses more than the limit, and keeps nothing (%d bytes)', async (limit) => {
      const source = pieces(someBytes(limit + 1), 50_000);
      await expect(blobs.draft(source, limit)).rejects.toMatchObject({
        code: 'ERR_BODY_TOO_LARGE',
        details: { limit_bytes: limit },
      });
      expect((await blobs.draft(pieces(someBytes(limit), 50_000), limit)).size_bytes).toBe(limit);
      expect(await hashes()).toEqual([]);
    });

    it('hands on what the source throws', async () => {
      const fault = new Error('the line is cut');
      async function* broken(): AsyncGenerator<Uint8Array> {
        yield someBytes(400_000);
        throw fault;
      }
      await expect(blobs.draft(broken(), LIMIT)).rejects.toBe(fault);
      expect(await hashes()).toEqual([]);
    });

    it('keeps the same bytes once, also when many keep them at once', async () => {
      const bytes = someBytes(300_000);
      const drafts = await Promise.all(Array.from({ length: 8 }, () => draftOf(blobs, bytes)));
      await Promise.all(drafts.map((draft) => draft.keep()));
      await drafts[0]!.keep();
      await Promise.all(drafts.map((draft) => draft.drop()));
      expect(await hashes()).toEqual([sha512(bytes)]);
      expect(sha512(await bytesOf(blobs, sha512(bytes)))).toBe(sha512(bytes));
    });

    it('knows nothing of what is not there', async () => {
      const hash = sha512(someBytes(1));
      expect(await blobs.stat(hash)).toBeNull();
      await expect(blobs.body(hash)).rejects.toMatchObject({ code: 'ERR_BLOB', details: { hash } });
      expect(await blobs.delete(hash)).toBe(false);
    });

    it.each(['', 'abc', '../../etc/passwd', 'A'.repeat(128), `${'a'.repeat(127)}/`, `${'a'.repeat(128)}\n`])(
      'refuses %j, which is no hash',
      async (hash) => {
        expect(await codeOf(blobs.stat(hash))).toBe('ERR_BLOB');
        expect(await codeOf(blobs.body(hash))).toBe('ERR_BLOB');
        expect(await codeOf(blobs.delete(hash))).toBe('ERR_BLOB');
      },
    );

    it('lists all there are in the order of their hashes, or those behind one', async () => {
      const bodies = Array.from({ length: 20 }, (_, i) => someBytes(i, `list ${i}`));
      for (const body of bodies) await kept(blobs, body);
      const listed = await all(blobs.list());
      const sorted = bodies.map(sha512).toSorted();
      expect(listed.map(({ hash }) => hash)).toEqual(sorted);
      for (const after of [0, 9, 19]) {
        const behind = (await all(blobs.list(sorted[after]))).map(({ hash }) => hash);
        expect(behind).toEqual(sorted.slice(after + 1));
      }
      for (const { hash, size_bytes } of listed) expect(sha512(bodies[size_bytes]!)).toBe(hash);
    });

    it('deletes, unless the blob was kept again since', async () => {
      const { hash } = await kept(blobs, someBytes(100));
      const { modifiedAt } = (await all(blobs.list()))[0]!;
      expect(await blobs.delete(hash, modifiedAt - 1)).toBe(false);
      expect(sha512(await bytesOf(blobs, hash))).toBe(hash);
      expect(await blobs.delete(hash, modifiedAt)).toBe(true);
      expect(await blobs.stat(hash)).toBeNull();
    });

    it('loses nothing when the same bytes are kept and collected at once', async () => {
      const bytes = someBytes(1000);
      for (let round = 0; round < 20; round += 1) {
        const { hash } = await kept(blobs, bytes);
        const { modifiedAt } = (await all(blobs.list()))[0]!;
        const draft = await draftOf(blobs, bytes);
        const [isDeleted] = await Promise.all([blobs.delete(hash, modifiedAt), draft.keep()]);
        expect(sha512(await bytesOf(blobs, hash)), `deleted: ${isDeleted}`).toBe(hash);
      }
    });

    it('finds by scrubbing what is damaged, cut short or missing', async () => {
      const [good, flipped, short] = [someBytes(300), someBytes(400), someBytes(500)];
      for (const bytes of [good, flipped, short]) await kept(blobs, bytes);
      const missing = sha512(someBytes(1));
      opened.spoil(
        sha512(flipped),
        Uint8Array.from(flipped, (byte, i) => (i === 200 ? byte ^ 1 : byte)),
      );
      opened.spoil(sha512(short), short.subarray(0, 499));
      const progress: number[] = [];
      const named = [...[good, flipped, short].map(sha512), missing, sha512(good)];
      expect(await scrub(blobs, named, ({ checked }) => progress.push(checked))).toEqual({
        checked: 4,
        size_bytes: 1199,
        missing: [missing],
        damaged: [sha512(flipped), sha512(short)],
      });
      expect(progress).toEqual([1, 2, 3, 4]);
    });

    it('makes a blob that was cut short whole again when its bytes are kept again', async () => {
      const bytes = someBytes(500);
      await kept(blobs, bytes);
      opened.spoil(sha512(bytes), bytes.subarray(0, 499));
      await kept(blobs, bytes);
      expect(sha512(await bytesOf(blobs, sha512(bytes)))).toBe(sha512(bytes));
    });

    it('stops scrubbing when it is told to', async () => {
      await kept(blobs, someBytes(3));
      const stop = new AbortController();
      stop.abort(new Error('enough'));
      await expect(scrub(blobs, [sha512(someBytes(3))], undefined, stop.signal)).rejects.toThrow('enough');
    });

    it('collects what nothing names, and leaves what is young or under way', async () => {
      const [named, orphan] = [someBytes(10), someBytes(20)];
      for (const bytes of [named, orphan]) await kept(blobs, bytes);
      const draft = await draftOf(blobs, someBytes(400_000));
      const isNamed = async (hash: BlobHash): Promise<boolean> => hash === sha512(named);
      const day_ms = 86_400_000;
      const later = (): number => Date.now() + 2 * day_ms;
      expect(await collect(blobs, isNamed, { olderThan_ms: day_ms })).toMatchObject({ seen: 2, deleted: 0 });
      const trial = await collect(blobs, isNamed, { olderThan_ms: day_ms, now: later, isTrial: true });
      expect(trial).toEqual({ seen: 2, deleted: 1, size_bytes: 20, cursor: null });
      expect(await hashes()).toHaveLength(2);
      const real = await collect(blobs, isNamed, { olderThan_ms: day_ms, now: later });
      expect(real).toEqual({ seen: 2, deleted: 1, size_bytes: 20, cursor: null });
      expect(await hashes()).toEqual([sha512(named)]);
      await draft.keep();
      expect(sha512(await bytesOf(blobs, draft.hash))).toBe(draft.hash);
    });
  });
}
