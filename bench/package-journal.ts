/** A data directory with many packages, as if each had been published: their entries, without their tarballs. */
import { openEngine } from '../src/journal/engine.ts';
import { databaseIn, openDataDirectory } from '../src/live/data-directory.ts';
import { PROJECTIONS } from '../src/live/projections.ts';
import { encodePackageEntry } from '../src/packages/entries.ts';
import { packageStream } from '../src/packages/package.ts';

const AT_ONCE = 500;

export function fillWithPackages(data: string, count: number, manifestOf: (i: number) => object): void {
  const journal = openEngine({ path: databaseIn(openDataDirectory(data)), projections: PROJECTIONS });
  for (let from = 0; from < count; from += AT_ONCE) {
    const names = Array.from(
      { length: Math.min(AT_ONCE, count - from) },
      (_, i) => [`package-${from + i}`, from + i] as const,
    );
    journal.append(
      names.map(([name, i]) => ({
        stream: packageStream(name),
        type: 'package.publish',
        actor: 'ann',
        reason: '',
        expected: 0,
        body: encodePackageEntry(name, entryOf(name, manifestOf(i))),
      })),
    );
  }
  journal.close();
}

function entryOf(name: string, manifest: object): Parameters<typeof encodePackageEntry>[1] {
  const blob = new Bun.CryptoHasher('sha512').update(name).digest('hex');
  return {
    type: 'package.publish',
    version: '1.0.0',
    manifest: { ...manifest, name, version: '1.0.0' },
    dist: {
      integrity: `sha512-${Buffer.from(blob, 'hex').toString('base64')}`,
      shasum: '0'.repeat(40),
      size_bytes: 1000,
      fileCount: 3,
      unpackedSize_bytes: 3000,
      hasShrinkwrap: false,
      signatures: [],
    },
    blob,
    attestations: [],
    tags: ['latest'],
    readme: '',
  };
}
