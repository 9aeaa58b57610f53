/** What the tests of packages share: a journal with their tables, and something to publish. @module */
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Journal } from '../../src/journal/journal.ts';
import { openLocalJournal } from '../../src/journal/local.ts';
import type { Manifest, Publication } from '../../src/packages/package.ts';
import { Packages } from '../../src/packages/packages.ts';
import { packagesProjection } from '../../src/packages/projection.ts';
import { tempDirectory } from '../journal/fixtures.ts';

export const ANN = { actor: 'ann' };

export function openJournal(path = join(tempDirectory(), 'journal.db')): Journal {
  const journal = openLocalJournal({ path, projections: [packagesProjection], busyTimeoutMs: 20_000 });
  onTestFinished(() => journal.close());
  return journal;
}

/** Counts appends of this handle as the head, and signs with what it was given. */
export function packagesOf(journal: Journal): Packages {
  let head = 0;
  journal.onAppend((entries) => {
    head = entries.at(-1)!.seq;
  });
  return new Packages({ journal, head: () => head, sign: (text) => ({ keyid: 'SHA256:test', sig: text }) });
}

export function inMemory(): { journal: Journal; packages: Packages } {
  const journal = openJournal(':memory:');
  return { journal, packages: packagesOf(journal) };
}

/** Everything in it follows from name, version and number. */
export function publicationOf(
  name: string,
  version: string,
  more: Partial<Publication> & { also?: object } = {},
): Publication {
  const { also, ...rest } = more;
  const blob = new Bun.CryptoHasher('sha512').update(`${name}@${version}`).digest('hex');
  return {
    name,
    version,
    manifest: { name, version, ...also } as Manifest,
    dist: {
      integrity: `sha512-${Buffer.from(blob, 'hex').toString('base64')}`,
      shasum: blob.slice(0, 40),
      size_bytes: 100,
      fileCount: 2,
      unpackedSize_bytes: 200,
      hasShrinkwrap: false,
    },
    blob,
    attestations: [],
    tags: ['latest'],
    readme: '',
    access: undefined,
    ...rest,
  };
}
