/**
 * What clients read of a package: the whole document, the short one for those who only install, and one version.
 * Answered from what is held rendered; a reader who has it hears so before anything is made.
 * @module
 */
import type { RegistryContext } from '../context.ts';
import { route, type Route } from '../route.ts';
import { DOCUMENT, NAME_TO_READ, VERSION_OR_TAG } from './npm-params.ts';
import { FULL_TYPE, SHORT_TYPE, type Representation } from './representation.ts';
import { noVersion, seen, type SeenPackage, type SeenServices } from './seen-packages.ts';

/** The short document is asked for by name, and `q=0` asks for anything but it. */
const WANTS_SHORT = /application\/vnd\.npm\.install-v1\+json(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i;
const KNOWN = { description: 'The reader has it already' };

export function metadataRoutes(services: SeenServices): readonly Route[] {
  const one = route({
    method: 'get',
    path: '/:package',
    operationId: 'getPackument',
    tag: 'packages',
    summary: 'A package: its versions, dist-tags and times',
    description: `Whole, or short for installing, as Accept says (\`${SHORT_TYPE}\`).`,
    access: 'granted',
    params: { package: NAME_TO_READ },
    takesAnyQuery: true,
    answers: {
      200: { description: 'The document', schema: DOCUMENT, contentType: [FULL_TYPE, SHORT_TYPE] },
      304: KNOWN,
    },
    errors: ['ERR_NOT_FOUND', 'ERR_UPLINK'],
    handle: async ({ c, params }) => {
      const { full, short } = await seen(c, services, params.package);
      return await represented(c, isShort(c.req.header('accept'), c.req.url) ? short : full);
    },
  });
  const version = route({
    method: 'get',
    path: '/:package/:version',
    operationId: 'getPackageVersion',
    tag: 'packages',
    summary: 'One version of a package, or what a dist-tag names',
    access: 'granted',
    params: { package: NAME_TO_READ, version: VERSION_OR_TAG },
    takesAnyQuery: true,
    answers: { 200: { description: 'The version, as in the whole document', schema: DOCUMENT } },
    errors: ['ERR_NOT_FOUND', 'ERR_UPLINK'],
    handle: async ({ c, params }) => {
      const rendered = await seen(c, services, params.package);
      c.header('cache-control', 'no-cache');
      return c.json(versionOf(rendered, params.version));
    },
  });
  return [one, version];
}

/** Whether the short document is asked for; who wants to write is shown all of it. */
export function isShort(accept: string | undefined, url: string): boolean {
  return accept !== undefined && WANTS_SHORT.test(accept) && !url.includes('write=true');
}

async function represented(c: RegistryContext, document: Representation): Promise<Response> {
  const encoding = document.encodingFor(c.req.header('accept-encoding') ?? null);
  const headers = metadataHeaders(document.etagOf(encoding));
  if (document.isKnown(c.req.header('if-none-match') ?? null)) return new Response(null, { status: 304, headers });
  const bytes = await document.bytes(encoding);
  const encoded = encoding === null ? {} : { 'content-encoding': encoding };
  return new Response(bytes, { headers: { ...headers, 'content-type': document.contentType, ...encoded } });
}

/** Who has it asks each time whether it is still so. */
export function metadataHeaders(etag: string): Record<string, string> {
  return { etag, 'cache-control': 'no-cache', vary: 'Accept, Accept-Encoding' };
}

function versionOf({ name, full }: SeenPackage, wanted: string): object {
  const { versions = {}, 'dist-tags': tags = {} } = JSON.parse(full.text) as {
    versions?: Record<string, object>;
    'dist-tags'?: Record<string, string>;
  };
  const version = Object.hasOwn(tags, wanted) ? tags[wanted]! : wanted;
  if (Object.hasOwn(versions, version)) return versions[version]!;
  throw noVersion(name, wanted);
}
