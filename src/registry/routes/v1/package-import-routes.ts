/** Versions that were published elsewhere before, taken as they were: with their time, and only whole. @module */
import { z } from 'zod';
import { asObject, wrongType } from '../../../config/input.ts';
import { publicationOf } from '../../../packages/intake/publication.ts';
import { readDocument, type Incoming } from '../../../packages/intake/read-document.ts';
import { packageStream, type Publication } from '../../../packages/package.ts';
import { bodyLimitOf, piecesOf } from '../../npm/body-stream.ts';
import type { NpmServices, PackageServices } from '../../npm/package-services.ts';
import { requireJson } from '../../body.ts';
import type { RegistryContext } from '../../context.ts';
import { route, type Need, type Route } from '../../route.ts';
import { REASON_QUERY } from './inputs.ts';
import { PACKAGE_TAG } from '../../npm/npm-params.ts';
import { PACKAGE_NAME } from './package-shapes.ts';
import { IMPORTED_VERSION } from './package-storage-shapes.ts';

/** A name, and nothing that would be read as a token or a workflow of this registry. */
const PERSON = /^[^\s/:\p{C}]{1,100}$/u;

const BODY = {
  name: z.string(),
  versions: z
    .looseObject({})
    .meta({ description: 'One version: its `package.json` and `dist`; `_npmUser` says who published it.' }),
  'dist-tags': z.record(z.string(), z.string()).optional(),
  time: z.record(z.string(), z.string()).meta({ description: 'When it was published, ISO, by version.' }),
  readme: z.string().optional(),
  _attachments: z.looseObject({}).meta({ description: 'Its tarball, as in a publish.' }),
};

export function packageImportRoutes({ packages: services }: NpmServices): readonly Route[] {
  const { packages } = services;
  return [
    route({
      method: 'post',
      path: '/api/v1/packages/:name/import',
      tag: PACKAGE_TAG,
      summary: 'Take a version that was published elsewhere before, with its time',
      description: [
        'The document of a publish, with `time`. Everything is checked as in a publish; dist-tags that it names are',
        'set, and none besides, unless the package has no version yet: its first one is `latest`.',
      ].join(' '),
      // A time of long ago passes whoever waits for versions to grow old: a package of one's own is not enough for it.
      access: ({ params: { name } }): readonly Need[] => [
        { action: 'publish', stream: packageStream(name) },
        { action: 'administer', stream: 'package:*' },
      ],
      params: { name: PACKAGE_NAME },
      query: REASON_QUERY,
      takesStream: true,
      asksCode: true,
      readsBody: BODY,
      answers: { 201: { description: 'It is there', schema: IMPORTED_VERSION } },
      errors: [
        'ERR_PACKAGE_NAME',
        'ERR_PACKAGE_VERSION',
        'ERR_PACKAGE_INVALID',
        'ERR_PACKAGE_EXISTS',
        'ERR_TARBALL',
        'ERR_INTEGRITY',
        'ERR_BLOB',
        'ERR_CONTENT_TYPE',
      ],
      handle: async ({ c, params: { name }, query: { reason } }) => {
        const incoming = await incomingOf(c, services);
        try {
          const publication = await importedOf(name, incoming);
          await c.get('admitAgain')?.();
          const write = { actor: c.get('principal').actor, reason, mayAdminister: true };
          const { revision } = await packages.publish(publication, write);
          const { version, dist } = publication;
          return c.json({ name, version, revision, integrity: dist.integrity }, 201);
        } finally {
          await incoming.drop();
        }
      },
    }),
  ];
}

async function incomingOf(c: RegistryContext, { blobs, limit_bytes }: PackageServices): Promise<Incoming> {
  requireJson(c.req.raw);
  const pieces = piecesOf(c.req.raw, { ...c.env, limit_bytes: bodyLimitOf(limit_bytes) });
  return await readDocument(pieces, { blobs, limit_bytes });
}

async function importedOf(name: string, incoming: Incoming): Promise<Publication> {
  const { document } = incoming;
  const times = asObject('time', document['time']);
  const [[version, shown] = ['']] = Object.entries(asObject('versions', document['versions']));
  const said = times[version];
  const publishedAt = typeof said === 'string' ? Date.parse(said) : Number.NaN;
  const isPast = publishedAt >= 0 && publishedAt <= Date.now();
  if (!isPast) throw wrongType(`time.${version.slice(0, 80)}`, 'an ISO time that has passed', said);
  const publication = await publicationOf(name, incoming);
  const tags = Object.keys(asObject('dist-tags', document['dist-tags'] ?? {}));
  return { ...publication, tags, publishedAt, ...publisherIn(shown) };
}

/** Who published it there, where it is said plainly: `_npmUser`, as clients and registries write it. */
function publisherIn(shown: unknown): Pick<Publication, 'publishedBy'> {
  const { name } = Object(Object(shown)._npmUser) as { readonly name?: unknown };
  return typeof name === 'string' && PERSON.test(name) ? { publishedBy: name } : {};
}
