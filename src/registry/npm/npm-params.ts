/** Parts of the addresses of packages, and what every answer to a write says. @module */
import { z } from 'zod';
import { parsePackageName } from '../../packages/name.ts';

/** Under which the description lists all that is about packages. */
export const PACKAGE_TAG = 'packages';

const PACKAGE_META = {
  description: 'The name of a package, URL-encoded: `@acme%2Fui`. `@acme/ui` is taken as well.',
  example: '@acme/ui',
} as const;

/** `:package` of what is read: what can be no name is not there. */
export const NAME_TO_READ = z.string().meta(PACKAGE_META);

/** `:package` of what is written. Throws ERR_PACKAGE_NAME. */
export const NAME_TO_WRITE = z
  .string()
  .transform(parsePackageName)
  .meta({
    ...PACKAGE_META,
    override: { pattern: '^(@[a-z0-9_~-][a-z0-9._~-]*/)?[a-z0-9_~-][a-z0-9._~-]*$' },
  });

export const VERSION_OR_TAG = z
  .string()
  .meta({ description: 'A version, or a dist-tag that names one.', example: 'latest' });
export const TARBALL_FILE = z.string().meta({ description: 'The file name of a tarball.', example: 'ui-0.9.0.tgz' });

/** What clients of every age take for a yes. */
export const DONE = z.looseObject({ ok: z.unknown(), success: z.literal(true) }).meta({ id: 'PackageWritten' });

/** A document as npm has it: looked at where it is read. */
export const DOCUMENT = z.looseObject({}).meta({ id: 'PackageDocument' });

/** What of a document that clients send back is looked at. */
export const DOCUMENT_FIELDS = {
  name: z.string().optional(),
  version: z.string().optional().meta({ description: 'Of a bare `package.json`.' }),
  versions: z.record(z.string(), z.unknown()).optional().meta({ description: 'Manifests by version.' }),
  'dist-tags': z.record(z.string(), z.string()).optional().meta({ description: 'Version by dist-tag.' }),
  users: z.record(z.string(), z.unknown()).optional().meta({ description: 'Who has starred it.' }),
  _attachments: z
    .record(z.string(), z.unknown())
    .optional()
    .meta({ description: 'Tarballs, in base64, by file name.' }),
};
