/**
 * What the package registry is made of, opened over one data directory: packages in the journal, blobs beside it, the
 * keys that sign, and what is held rendered. Answers no request.
 * @module
 */
import { join } from 'node:path';
import { openPackageKeys, type PackageKeys } from '../../auth/signing.ts';
import type { Journal } from '../../journal/journal.ts';
import type { Blobs } from '../../packages/blobs/blobs.ts';
import { openFileBlobs } from '../../packages/blobs/file-blobs.ts';
import { openS3Blobs, type S3Place } from '../../packages/blobs/s3-blobs.ts';
import { Packages } from '../../packages/packages.ts';
import type { OwnConfig } from '../own-config.ts';
import type { OriginFor } from '../origins.ts';
import { maintainersOf, type MaintainersOptions } from './maintainers.ts';
import { PackageCache } from './package-cache.ts';
import { TarballCache } from './tarball-cache.ts';

const BLOBS_DIRECTORY = 'blobs';
/** Of what goes to S3. */
const DRAFTS_DIRECTORY = 'drafts';

export interface PackageServices {
  readonly packages: Packages;
  readonly blobs: Blobs;
  /** Packages as they are answered. */
  readonly cache: PackageCache;
  /** Tarballs as they are answered. */
  readonly tarballs: TarballCache;
  /** What signs what is published. */
  readonly keys: PackageKeys;
  /** Of the largest tarball that is taken. */
  readonly limit_bytes: number;
  readonly own: OwnConfig;
  /** By which packages have maintainers. */
  readonly grants: MaintainersOptions['grants'];
}

/** What the routes of packages have of it all. */
export interface NpmServices {
  readonly packages: PackageServices;
}

export interface PackageServicesOptions {
  readonly directory: string;
  readonly journal: Journal;
  /** How far the journal is, in one load. */
  readonly head: () => number;
  readonly own: OwnConfig;
  readonly identity: MaintainersOptions;
  /** Where clients reach the registry, by the host that a request names; asked when something is rendered. */
  readonly origin: OriginFor;
  /** Whether everything that is on disk has been followed. */
  readonly isCurrent: () => boolean;
  readonly limit_bytes: number;
  /** Where blobs are instead of the directory. */
  readonly s3?: S3Place | null;
}

/** Errors: ERR_BLOB, ERR_KEYS. To be closed by `blobs.close()`. */
export function openPackageServices(options: PackageServicesOptions): PackageServices {
  const { directory, journal, head, own, identity, origin, isCurrent, limit_bytes } = options;
  const keys = openPackageKeys(directory);
  const packages = new Packages({ journal, head, sign: (text) => keys.sign(text) });
  const cache = new PackageCache({
    stateOf: (name) => packages.state(name),
    maintainersOf: (name) => maintainersOf(identity.identities, name),
    origin,
    isEnabled: () => own.flags.cache_enabled,
    isCurrent,
  });
  const blobs = openBlobs(directory, options.s3 ?? null);
  const tarballs = new TarballCache(blobs);
  return { packages, blobs, cache, tarballs, keys, limit_bytes, own, grants: identity.grants };
}

function openBlobs(directory: string, s3: S3Place | null): Blobs {
  if (s3 === null) return openFileBlobs(join(directory, BLOBS_DIRECTORY));
  return openS3Blobs(s3, { drafts: join(directory, DRAFTS_DIRECTORY) });
}
