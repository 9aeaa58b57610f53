/** Packages as `/api/v1` shows them and takes changes of them. @module */
import { z } from 'zod';
import { asObject, wrongType } from '../../../config/input.ts';
import { parsePackageName } from '../../../packages/name.ts';
import {
  MESSAGE_LENGTH_MAX,
  type PackageState,
  type PackageVersion,
  type TrustedPublisher,
} from '../../../packages/package.ts';
import type { PackageSummary } from '../../../packages/packages.ts';
import { judgedBelow } from './inputs.ts';
import { AT, CURSOR, REVISION } from './schemas.ts';

const ISSUER_MAX = 500;

export const ACCESS = z.enum(['public', 'restricted']).meta({
  description: '`restricted`: nobody reads it who is not signed in, whatever everybody may.',
});
const PREMIUM = z.boolean().meta({
  description: 'Whether reading it asks for `premium:<name>` besides, while `premium_types` is on.',
});
const TAGS = z.record(z.string(), z.string()).meta({ description: 'Version by dist-tag.' });

const STORED = {
  name: z.string(),
  revision: REVISION,
  createdAt: AT,
  modifiedAt: AT,
  access: ACCESS,
  isPremium: PREMIUM,
};
const SUMMARY = z
  .object({ ...STORED, latest: z.string().nullable(), versionCount: z.int() })
  .meta({ id: 'PackageSummary' });
export const PACKAGE_LIST = z.object({ packages: z.array(SUMMARY), cursor: CURSOR });

const VERSION = z.object({
  version: z.string(),
  publishedAt: AT,
  publishedBy: z.string(),
  deprecated: z.string().nullable().meta({ description: 'What whoever installs it is told.' }),
  description: z.string(),
  integrity: z.string().meta({ description: '`sha512-...` of the tarball.' }),
  shasum: z.string(),
  size_bytes: z.int(),
  unpackedSize_bytes: z.int(),
  fileCount: z.int(),
  attestations: z.array(z.string()).meta({ description: 'What kinds of attestations came with it.' }),
});
export const PACKAGE = z
  .object({
    ...STORED,
    tags: TAGS,
    versions: z.array(VERSION),
    unpublished: z.array(z.object({ version: z.string(), at: AT, by: z.string() })),
    stars: z.array(z.string()),
  })
  .meta({ id: 'Package', description: 'A package that was published here.' });

/** What is answered to a change: to who may not read the package, that it is so. */
export const CHANGED_PACKAGE = z.union([
  PACKAGE,
  z.object({ ok: z.literal(true), rev: z.string() }).meta({ id: 'PackageChanged' }),
]);

/** Claims that say whose workflow it is. `environment` or `ref` alone are anybody's, at a provider of many. */
const IDENTIFYING: ReadonlySet<string> = new Set([
  'repository',
  'repository_id',
  'repository_owner',
  'repository_owner_id',
  'project_path',
  'project_id',
  'namespace_path',
  'namespace_id',
  'workflow_ref',
  'sub',
]);
const LITERAL_MIN = 3;

/** Begins with something of its own; of `repo:acme/ui:*`, the kind in front is nobody's. */
function identifies([claim, pattern]: [string, string]): boolean {
  if (!IDENTIFYING.has(claim)) return false;
  if (!pattern.includes('*')) return true;
  const [literal = ''] = pattern.split('*', 1);
  return (claim === 'sub' ? literal.replace(/^[^:]*:/, '') : literal).length >= LITERAL_MIN;
}

const CLAIM = z.string().min(1).max(ISSUER_MAX);
const CLAIMS = z
  .record(z.string().regex(/^[a-z][a-z0-9_]{0,63}$/), CLAIM)
  .refine((claims) => Object.entries(claims).some(identifies))
  .refine((claims) => Object.keys(claims).length <= 20);
export const TRUSTED = {
  issuer: z
    .string()
    .max(ISSUER_MAX)
    .refine((url) => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol))
    .meta({
      expected: 'an http or https URL',
      description: 'Whose tokens count, as they name it: `https://token.actions.githubusercontent.com`.',
    }),
  claims: CLAIMS.meta({
    expected: `one to twenty texts by claim, one of which says whose workflow it is: ${[...IDENTIFYING].join(', ')}`,
    description:
      'What the token must say; `*` stands for any run of characters. One claim at least says whose workflow it is, ' +
      `and begins with ${LITERAL_MIN} characters of its own: ${[...IDENTIFYING].join(', ')}.`,
  }),
};
const TRUSTED_VIEW = z.object({ id: z.string(), ...TRUSTED }).meta({ id: 'TrustedPublisher' });
export const TRUSTED_LIST = z.object({ trustedPublishers: z.array(TRUSTED_VIEW) });
export { TRUSTED_VIEW };

export const PACKAGE_NAME = z
  .string()
  .transform((name) => parsePackageName(name))
  .meta({
    description: 'The name of a package, URL-encoded: `@acme%2Fui`.',
    example: '@acme/ui',
  });

export const TAG_CHANGES = {
  set: judgedBelow(TAGS),
  removed: judgedBelow(z.array(z.string())),
};
export const MESSAGES = judgedBelow(
  z.record(z.string(), z.string().max(MESSAGE_LENGTH_MAX).nullable()).meta({
    description: 'By version; null: it is not deprecated any more.',
  }),
);

/** Throws ERR_WRONG_TYPE. */
export function tagChangesIn({ set, removed }: { readonly set?: unknown; readonly removed?: unknown }) {
  const names = removed ?? [];
  if (!Array.isArray(names) || !names.every((tag) => typeof tag === 'string')) {
    throw wrongType('removed', 'a list of dist-tags', removed);
  }
  return { set: textsIn('set', set ?? {}, false) as Record<string, string>, removed: names as string[] };
}

/** Throws ERR_WRONG_TYPE. */
export function messagesIn(input: unknown): Record<string, string | null> {
  return textsIn('messages', input, true);
}

function textsIn(field: string, input: unknown, isNullable: boolean): Record<string, string | null> {
  const texts = asObject(field, input);
  for (const text of Object.values(texts)) {
    const isText = typeof text === 'string' && text.length <= MESSAGE_LENGTH_MAX;
    if (!isText && !(isNullable && text === null)) {
      throw wrongType(field, `texts of at most ${MESSAGE_LENGTH_MAX} characters`, text);
    }
  }
  return texts as Record<string, string | null>;
}

export function viewOf(state: PackageState) {
  const { name, revision, createdAt, modifiedAt, settings, tags, versions, unpublished, stars } = state;
  const { access, isPremium } = settings;
  const stored = { name, revision, createdAt, modifiedAt, access, isPremium };
  return { ...stored, tags, versions: versions.map(versionView), unpublished, stars };
}

function versionView({ version, manifest, dist, publishedAt, publishedBy, deprecated, attestations }: PackageVersion) {
  const { description } = manifest;
  const { integrity, shasum, size_bytes, unpackedSize_bytes, fileCount } = dist;
  return {
    version,
    publishedAt,
    publishedBy,
    deprecated,
    description: typeof description === 'string' ? description : '',
    integrity,
    shasum,
    size_bytes,
    unpackedSize_bytes,
    fileCount,
    attestations: attestations.map(({ predicateType }) => predicateType),
  };
}

export type PackageView = ReturnType<typeof viewOf>;
export type PackageListing = { readonly packages: readonly PackageSummary[]; readonly cursor: string | null };
export type TrustedListing = { readonly trustedPublishers: readonly TrustedPublisher[] };
