/**
 * Changes of a package at a revision that the client has seen (`-rev`): versions that are gone from its document, who
 * maintains it, all of it. What was read before somebody else's change is a conflict, and says so.
 * @module
 */
import { z } from 'zod';
import { may } from '../../auth/rights.ts';
import { packageStream, type PackageState } from '../../packages/package.ts';
import { versionOfTarball } from '../../packages/name.ts';
import { DOCUMENT_LIMIT_BYTES, readDocument } from '../../packages/intake/read-document.ts';
import type { RegistryContext } from '../context.ts';
import { route, type Route } from '../route.ts';
import { piecesOf } from './body-stream.ts';
import { noVersion } from './seen-packages.ts';
import { DONE, DOCUMENT_FIELDS, NAME_TO_WRITE, TARBALL_FILE, PACKAGE_TAG } from './npm-params.ts';
import { changeMaintainers, usersOf } from './maintainers.ts';
import { done, revisionOf, seenElsewhere, signedBy } from './npm-writes.ts';
import { noPackage, requirePackageRight } from './package-access.ts';
import { changesIn, versionsGone } from './document-changes.ts';
import type { NpmServices, PackageServices } from './package-services.ts';

const REVISION = z.string().meta({ description: 'The `_rev` of the document that was read.' });
const WRITTEN = { description: 'It is so', schema: DONE };
const ERRORS = ['ERR_NOT_FOUND', 'ERR_PACKAGE_NAME', 'ERR_REVISION_CONFLICT'] as const;

export function revisionRoutes({ packages: services }: NpmServices): readonly Route[] {
  const all = route({
    method: 'delete',
    path: '/:package/-rev/:revision',
    operationId: 'unpublishPackage',
    tag: PACKAGE_TAG,
    asksCode: true,
    summary: 'Unpublish a package: all of its versions',
    description: 'No version of it ever comes back.',
    access: 'granted',
    params: { package: NAME_TO_WRITE, revision: REVISION },
    takesAnyQuery: true,
    answers: { 200: WRITTEN },
    errors: [...ERRORS],
    handle: async ({ c, params: { package: name, revision: text } }) => {
      requirePackageRight(c, 'unpublish', name);
      const expected = revisionOf(name, text);
      const write = await signedBy(c, 'unpublish', name);
      const { revision } = await services.packages.unpublish(name, 'all', { ...write, expected });
      return done(c, 200, name, revision, 'package removed');
    },
  });
  return [documentRoute(services), all, tarballRoute(services)];
}

/** `npm unpublish name@version`, and the documents of old clients. */
function documentRoute(services: PackageServices): Route {
  return route({
    method: 'put',
    path: '/:package/-rev/:revision',
    operationId: 'updatePackument',
    tag: PACKAGE_TAG,
    asksCode: true,
    summary: 'Unpublish the versions that are gone from a document',
    description: 'And deprecate what it says is deprecated. Of a document without versions, who maintains the package.',
    access: 'granted',
    params: { package: NAME_TO_WRITE, revision: REVISION },
    takesAnyQuery: true,
    takesStream: true,
    readsBody: DOCUMENT_FIELDS,
    answers: { 201: WRITTEN },
    errors: [...ERRORS, 'ERR_PACKAGE_INVALID', 'ERR_BLOB'],
    handle: async ({ c, params: { package: name, revision: text } }) => {
      requireSome(c, name);
      const expected = revisionOf(name, text);
      const document = await documentOf(c, services);
      const state = await services.packages.state(name);
      if (state === null) throw noPackage(name);
      if (document['maintainers'] !== undefined && document['versions'] === undefined) {
        return await maintained(c, services, state, expected, document['maintainers']);
      }
      const unpublished = versionsGone(document, state);
      const deprecated = changesIn(document, state);
      if (unpublished.length > 0) requirePackageRight(c, 'unpublish', name);
      const write = await signedBy(c, unpublished.length > 0 ? 'unpublish' : 'publish', name);
      const { revision } = await services.packages.change(name, { unpublished, deprecated }, { ...write, expected });
      return done(c, 201, name, revision, 'package changed');
    },
  });
}

/** `npm owner add` and `rm`: grants say who maintains a package, so its own revision stays. */
async function maintained(
  c: RegistryContext,
  { grants }: PackageServices,
  { name, revision }: PackageState,
  expected: number,
  maintainers: unknown,
): Promise<Response> {
  if (revision !== expected) throw seenElsewhere(name, expected, revision);
  await signedBy(c, 'administer', name);
  await changeMaintainers({ grants }, name, usersOf(maintainers), c.get('principal'));
  return done(c, 201, name, revision, 'maintainers changed');
}

/** The last step of `npm unpublish name@version`: mostly the version is gone already. */
function tarballRoute(services: PackageServices): Route {
  return route({
    method: 'delete',
    path: '/:package/-/:file/-rev/:revision',
    operationId: 'unpublishTarball',
    tag: PACKAGE_TAG,
    asksCode: true,
    summary: 'Unpublish the version that a tarball is of',
    access: 'granted',
    params: { package: NAME_TO_WRITE, file: TARBALL_FILE, revision: REVISION },
    takesAnyQuery: true,
    answers: { 200: WRITTEN },
    errors: [...ERRORS],
    handle: async ({ c, params: { package: name, file, revision: text } }) => {
      requirePackageRight(c, 'unpublish', name);
      const expected = revisionOf(name, text);
      const version = versionOfTarball(name, file.replace(/^@[^/]*\//, ''));
      const state = await services.packages.state(name);
      if (state === null) throw noPackage(name);
      if (version === null) throw noVersion(name, file);
      const write = await signedBy(c, 'unpublish', name);
      const isThere = state.versions.some((one) => one.version === version);
      const unpublished = isThere ? [version] : [];
      const { revision } = await services.packages.change(name, { unpublished }, { ...write, expected });
      return done(c, 200, name, revision, 'tarball removed');
    },
  });
}

/** Nobody's body is read who could change nothing by it. */
function requireSome(c: RegistryContext, name: string): void {
  const principal = c.get('principal');
  const stream = packageStream(name);
  const isSome = (['unpublish', 'administer'] as const).some((action) => may(principal, action, stream));
  if (!isSome) requirePackageRight(c, 'publish', name);
}

async function documentOf(c: RegistryContext, { blobs }: PackageServices): Promise<Readonly<Record<string, unknown>>> {
  const pieces = piecesOf(c.req.raw, { ...c.env, limit_bytes: DOCUMENT_LIMIT_BYTES });
  const incoming = await readDocument(pieces, { blobs, limit_bytes: DOCUMENT_LIMIT_BYTES });
  await incoming.drop();
  return incoming.document;
}
