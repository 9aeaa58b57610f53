/** Looking after the bytes behind packages: read them all again, and delete what nothing needs. @module */
import { z } from 'zod';
import { collect } from '../../../packages/blobs/collect.ts';
import { scrub } from '../../../packages/blobs/scrub.ts';
import type { NamedBlob, Packages } from '../../../packages/packages.ts';
import type { NpmServices, PackageServices } from '../../npm/package-services.ts';
import { route, type Need, type Route } from '../../route.ts';
import { PACKAGE_TAG } from '../../npm/npm-params.ts';
import { COLLECTED, SCRUBBED } from './package-storage-shapes.ts';

const HOUR_MS = 60 * 60 * 1000;
/** As long as a backup may be old whose entries are brought back. */
const RETENTION_MS = 30 * 24 * HOUR_MS;
/** Longer than any upload takes, whose blob is there before the entry that names it. */
const GRACE_MS = 24 * HOUR_MS;
/** One part of a scrub: so many blobs, and none begun after this time. */
const PART = 1000;
const PART_MS = 5000;
/** The same of collecting, which reads none of them. */
const COLLECTED_PART = 10_000;
const CHUNK = 1000;

const CURSOR = z
  .string()
  .regex(/^(?:[0-9a-f]{128})?$/)
  .default('')
  .meta({ description: 'Of the part before; left out: the first part.' });

/** Of all packages: what is behind them is shared. */
const administersAll = (): readonly Need[] => [{ action: 'administer', stream: 'package:*' }];

export function packageStorageRoutes({ packages: services }: NpmServices): readonly Route[] {
  return [scrubRoute(services), collectRoute(services)];
}

function scrubRoute({ packages, blobs }: PackageServices): Route {
  return route({
    method: 'post',
    path: '/api/v1/packages/scrub',
    tag: PACKAGE_TAG,
    summary: 'Read tarballs again and compare them with their hashes, a part at a time',
    access: administersAll,
    writes: false,
    isRead: true,
    body: { cursor: CURSOR },
    answers: { 200: { description: 'What is damaged or missing of this part', schema: SCRUBBED } },
    errors: ['ERR_BLOB'],
    example: {},
    handle: async ({ c, body: { cursor } }) => {
      const named = await packages.blobs({ after: cursor, limit: PART });
      const part = new Part(named);
      const { checked, size_bytes, missing, damaged } = await scrub(blobs, part.hashes(), undefined, c.env.closing);
      const isEnd = part.taken === named.length && named.length < PART;
      const last = named[part.taken - 1]?.hash ?? '';
      return c.json({
        checked,
        checked_bytes: size_bytes,
        damaged: named.flatMap(({ hash, name, version }) => {
          const fault = missing.includes(hash) ? 'missing' : damaged.includes(hash) ? 'damaged' : null;
          return fault === null ? [] : [{ hash, fault, name, version }];
        }),
        ...placeOf(isEnd ? null : last),
      });
    },
  });
}

/** So many of the blobs as there is time for, one at least. */
class Part {
  taken = 0;
  readonly #named: readonly NamedBlob[];
  readonly #until = performance.now() + PART_MS;

  constructor(named: readonly NamedBlob[]) {
    this.#named = named;
  }

  *hashes(): Generator<string> {
    for (const { hash } of this.#named) {
      if (this.taken > 0 && performance.now() > this.#until) return;
      this.taken++;
      yield hash;
    }
  }
}

function collectRoute({ packages, blobs }: PackageServices): Route {
  return route({
    method: 'post',
    path: '/api/v1/packages/collect',
    tag: PACKAGE_TAG,
    asksCode: true,
    summary: 'Show or delete the tarballs that nothing needs, a part at a time',
    description:
      'Those that no version names, nor one that was unpublished in the last 30 days, and that lay there for a day.',
    access: administersAll,
    body: {
      dryRun: z.boolean().default(true).meta({ description: 'Only say what would be deleted.' }),
      cursor: CURSOR,
    },
    answers: { 200: { description: 'What was found', schema: COLLECTED } },
    errors: ['ERR_BLOB'],
    example: {},
    handle: async ({ c, body: { dryRun, cursor: after } }) => {
      const { closing } = c.env;
      const until = performance.now() + PART_MS;
      const isNamed = namedBehind(packages, after, Date.now() - RETENTION_MS);
      const { seen, deleted, size_bytes, cursor } = await collect(blobs, isNamed, {
        olderThan_ms: GRACE_MS,
        isTrial: dryRun,
        isEnough: (part) => part.seen >= COLLECTED_PART || performance.now() > until,
        ...(after === '' ? {} : { after }),
        ...(closing === undefined ? {} : { signal: closing }),
      });
      return c.json({ dryRun, seen, unnamed: deleted, unnamed_bytes: size_bytes, ...placeOf(cursor) });
    },
  });
}

/** Whether a version needs a blob. To be asked in the order of the hashes, and holds what it has read meanwhile. */
function namedBehind(
  packages: Pick<Packages, 'blobs'>,
  after: string,
  goneSince: number,
): (hash: string) => Promise<boolean> {
  let [last, isEnd, named] = [after, false, new Set<string>()];
  return async (hash) => {
    while (!isEnd && hash > last) {
      const page = await packages.blobs({ after: last, limit: CHUNK, goneSince });
      named = new Set(page.map((one) => one.hash));
      isEnd = page.length < CHUNK;
      last = page.at(-1)?.hash ?? last;
    }
    return named.has(hash);
  };
}

/** Hashes are spread evenly, so that one says how far it is. */
function placeOf(cursor: string | null): { readonly progress: number; readonly cursor: string | null } {
  return { progress: cursor === null ? 1 : Number.parseInt(cursor.slice(0, 8), 16) / 2 ** 32, cursor };
}
