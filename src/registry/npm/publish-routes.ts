/**
 * What clients put at a package's own address: a version with its tarball, a bare `package.json`, the document with
 * messages for those who install, a star. Which of them it is, its shape says. The body is read as it comes, and only
 * of those who may do something by it.
 * @module
 */
import { may } from '../../auth/rights.ts';
import { asObject } from '../../config/input.ts';
import { parseStrictJson } from '../../config/strict-json.ts';
import { ConfigError } from '../../errors/errors.ts';
import { bareTarball } from '../../packages/intake/bare-tarball.ts';
import { publicationOf, publicationOfTarball } from '../../packages/intake/publication.ts';
import { readDocument, type Incoming } from '../../packages/intake/read-document.ts';
import { packageStream, type Publication } from '../../packages/package.ts';
import { readBytes } from '../body.ts';
import type { RegistryContext } from '../context.ts';
import { keepOutWorkflows, route, type Route } from '../route.ts';
import { bodyLimitOf, piecesOf } from './body-stream.ts';
import { changesIn } from './document-changes.ts';
import { seenHere } from './seen-packages.ts';
import { DOCUMENT_FIELDS, DONE, NAME_TO_WRITE, PACKAGE_TAG } from './npm-params.ts';
import { done, signedBy } from './npm-writes.ts';
import { noPackage, requireClaim, requirePackageRight } from './package-access.ts';
import type { NpmServices, PackageServices } from './package-services.ts';

/** Of a document that can be nothing but a star. */
const STAR_MAX_BYTES = 1024 * 1024;

type Document = Readonly<Record<string, unknown>>;

export function publishRoutes({ packages: services }: NpmServices): readonly Route[] {
  const put = route({
    method: 'put',
    path: '/:package',
    operationId: 'publishPackage',
    tag: PACKAGE_TAG,
    asksCode: true,
    takesWorkflow: true,
    summary: 'Publish a version, or change what is said of a package',
    description:
      'A document with one version and its tarball, as clients send it, or a bare `package.json`, which publishes a ' +
      'tarball that holds nothing else. A document without a tarball says which versions are deprecated; one with ' +
      '`users` alone, whether you have starred it.',
    access: 'granted',
    params: { package: NAME_TO_WRITE },
    takesAnyQuery: true,
    takesStream: true,
    readsBody: DOCUMENT_FIELDS,
    example: { name: '@acme/ui', version: '1.0.0' },
    answers: { 201: { description: 'It is so', schema: DONE } },
    errors: [
      'ERR_NOT_FOUND',
      'ERR_PACKAGE_NAME',
      'ERR_PACKAGE_VERSION',
      'ERR_PACKAGE_INVALID',
      'ERR_PACKAGE_EXISTS',
      'ERR_TARBALL',
      'ERR_INTEGRITY',
      'ERR_BLOB',
    ],
    handle: async ({ c, principal, params: { package: name } }) => {
      if (!may(principal, 'publish', packageStream(name))) return await starOnly(c, services, name);
      const incoming = await incomingOf(c, services);
      try {
        return await accepted(c, services, name, incoming);
      } finally {
        await incoming.drop();
      }
    },
  });
  return [put];
}

async function incomingOf(c: RegistryContext, { blobs, limit_bytes }: PackageServices): Promise<Incoming> {
  const pieces = piecesOf(c.req.raw, { ...c.env, limit_bytes: bodyLimitOf(limit_bytes) });
  return await readDocument(pieces, { blobs, limit_bytes });
}

async function accepted(
  c: RegistryContext,
  services: PackageServices,
  name: string,
  incoming: Incoming,
): Promise<Response> {
  const { document, attachments } = incoming;
  if (attachments.size > 0) return await publish(c, services, await publicationOf(name, incoming));
  if (document['versions'] !== undefined) return await deprecate(c, services, name, document);
  if (document['users'] !== undefined) return await star(c, services, name, document);
  if (document['version'] !== undefined) return await publish(c, services, await bareOf(services, name, document));
  const fault = 'it has neither a tarball nor versions, users or a version of its own';
  throw new ConfigError('ERR_PACKAGE_INVALID', {
    message: `The document of ${name} says nothing that could be done: ${fault}`,
    hint: 'Send what your package manager makes, or a package.json with name and version.',
    details: { package: name, path: '', fault },
  });
}

async function publish(c: RegistryContext, { packages }: PackageServices, publication: Publication): Promise<Response> {
  const { name } = publication;
  const write = await signedBy(c, 'publish', name);
  const principal = c.get('principal');
  if (!(await packages.isOwned(name))) requireClaim(principal, name);
  const { trusted } = principal;
  const mayAdminister = may(principal, 'administer', packageStream(name));
  const published = { ...publication, ...(trusted && { trusted }) };
  const { revision } = await packages.publish(published, { ...write, mayAdminister });
  return done(c, 201, name, revision);
}

async function bareOf({ blobs, limit_bytes }: PackageServices, name: string, manifest: Document): Promise<Publication> {
  const bytes = bareTarball(new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`));
  const draft = await blobs.draft(once(bytes), limit_bytes);
  try {
    return await publicationOfTarball(draft, name);
  } finally {
    await draft.drop();
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function deprecate(
  c: RegistryContext,
  { packages }: PackageServices,
  name: string,
  document: Document,
): Promise<Response> {
  keepOutWorkflows(c.get('principal'));
  const state = await packages.state(name);
  if (state === null) throw noPackage(name);
  const messages = changesIn(document, state);
  const { revision } = await packages.deprecate(name, messages, await signedBy(c, 'publish', name));
  return done(c, 201, name, revision, 'package changed');
}

/** Whoever may read a package may star it; he is told that he may not publish where he sends anything else. */
async function starOnly(c: RegistryContext, services: PackageServices, name: string): Promise<Response> {
  if (!isShort(c)) requirePackageRight(c, 'publish', name);
  const document = asObject('body', parseStrictJson(await readBytes(c.req.raw, c.env)));
  const isOfStars = document['users'] !== undefined && document['versions'] === undefined;
  if (!isOfStars) requirePackageRight(c, 'publish', name);
  return await star(c, services, name, document);
}

/** A whole publish is not waited for. */
function isShort(c: RegistryContext): boolean {
  return Number(c.req.header('content-length') ?? 0) <= STAR_MAX_BYTES;
}

/** Of all the users in the document, the one who sends it: his star is all that he may change. */
async function star(
  c: RegistryContext,
  services: PackageServices,
  name: string,
  document: Document,
): Promise<Response> {
  keepOutWorkflows(c.get('principal'));
  await c.get('admitAgain')?.();
  if ((await seenHere(c, services, name)).here === null) throw noPackage(name);
  const user = userOf(c, name);
  const isStarred = Object.hasOwn(asObject('users', document['users']), user);
  const { revision } = await services.packages.star(name, user, isStarred, { actor: c.get('principal').actor });
  return done(c, 201, name, revision, isStarred ? 'package starred' : 'package not starred any more');
}

/** Whoever runs the registry, while it knows no user, is one as well. Throws ERR_UNAUTHENTICATED, ERR_FORBIDDEN. */
function userOf(c: RegistryContext, name: string): string {
  const { user, actor, readOnly } = c.get('principal');
  // It says why he may not.
  if (readOnly) requirePackageRight(c, 'publish', name);
  return user ?? actor;
}
