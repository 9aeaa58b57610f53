/**
 * What clients read of a package: the whole document, the short one for those who only install, and one version.
 * Answered from what is held rendered; a reader who has it hears so before anything is made.
 * @module
 */
import type { RegistryContext } from '../context.ts';
import { route, type Route } from '../route.ts';
import { DOCUMENT, NAME_TO_READ, VERSION_OR_TAG, PACKAGE_TAG } from './npm-params.ts';
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
    tag: PACKAGE_TAG,
    takesWorkflow: true,
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
      const { full, short, notice } = await seen(c, services, params.package);
      return await represented(c, isShort(c.req.header('accept'), c.req.url) ? short : full, notice);
    },
  });
  const version = route({
    method: 'get',
    path: '/:package/:version',
    operationId: 'getPackageVersion',
    tag: PACKAGE_TAG,
    takesWorkflow: true,
    summary: 'One version of a package, or what a dist-tag names',
    access: 'granted',
    params: { package: NAME_TO_READ, version: VERSION_OR_TAG },
    takesAnyQuery: true,
    answers: { 200: { description: 'The version, as in the whole document', schema: DOCUMENT } },
    errors: ['ERR_NOT_FOUND', 'ERR_UPLINK'],
    handle: async ({ c, params }) => {
      const rendered = await seen(c, services, params.package);
      const bytes = versionOf(rendered, params.version);
      return new Response(bytes, { headers: { 'content-type': FULL_TYPE, 'cache-control': 'no-cache' } });
    },
  });
  return [one, version];
}

/** Whether the short document is asked for; who wants to write is shown all of it. */
export function isShort(accept: string | undefined, url: string): boolean {
  return accept !== undefined && WANTS_SHORT.test(accept) && !url.includes('write=true');
}

/** `notice`: what clients show to whoever installs. */
async function represented(c: RegistryContext, document: Representation, notice?: string): Promise<Response> {
  const encoding = document.encodingFor(c.req.header('accept-encoding') ?? null);
  const noted = notice === undefined ? {} : { 'npm-notice': notice };
  const headers = { ...metadataHeaders(document.etagOf(encoding)), ...noted };
  if (document.isKnown(c.req.header('if-none-match'))) return new Response(null, { status: 304, headers });
  const bytes = await document.bytes(encoding);
  const encoded = encoding === null ? {} : { 'content-encoding': encoding };
  return new Response(bytes, { headers: { ...headers, 'content-type': document.contentType, ...encoded } });
}

/** Who has it asks each time whether it is still so. */
export function metadataHeaders(etag: string): Record<string, string> {
  return { etag, 'cache-control': 'no-cache', vary: 'Accept, Accept-Encoding' };
}

function versionOf({ name, full }: SeenPackage, wanted: string): Uint8Array<ArrayBuffer> {
  const { tags } = full;
  const version = full.version(Object.hasOwn(tags, wanted) ? tags[wanted]! : wanted);
  if (version !== undefined) return version;
  throw noVersion(name, wanted);
}
