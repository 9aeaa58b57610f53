/**
 * Tarballs as clients fetch them: the bytes of a version, which never change. Parts of one are answered too. Knows
 * where bytes lie by their hash alone.
 * @module
 */
import type { ConfigError } from '../../errors/errors.ts';
import { tarballName, versionOfTarball } from '../../packages/name.ts';
import type { UplinkTarball } from '../../packages/uplinks/answers.ts';
import { isKnownToReader } from '../conditions.ts';
import type { RegistryContext } from '../context.ts';
import { route, type Route } from '../route.ts';
import { rangeOf } from './byte-range.ts';
import { NAME_TO_READ, TARBALL_FILE, PACKAGE_TAG } from './npm-params.ts';
import type { Tarball } from './package-cache.ts';
import type { UplinkServices } from './open-uplinks.ts';
import type { NpmServices, PackageServices } from './package-services.ts';
import { noVersion, seenHere } from './seen-packages.ts';

const BYTES = 'application/octet-stream';

export type TarballServices = NpmServices & Pick<UplinkServices, 'uplinks'>;

export function tarballRoutes({ packages: services, uplinks }: TarballServices): readonly Route[] {
  const one = route({
    method: 'get',
    path: '/:package/-/:file',
    operationId: 'getTarball',
    tag: PACKAGE_TAG,
    takesWorkflow: true,
    summary: 'The tarball of a version',
    description: 'Its bytes never change. Parts of it are answered to `Range`.',
    access: 'granted',
    params: { package: NAME_TO_READ, file: TARBALL_FILE },
    takesAnyQuery: true,
    answers: {
      200: { description: 'A gzipped tar', contentType: BYTES },
      206: { description: 'The part that Range asks for', contentType: BYTES },
      304: { description: 'The reader has it already' },
      416: { description: 'No part of it', contentType: BYTES },
    },
    errors: ['ERR_NOT_FOUND', 'ERR_BLOB', 'ERR_UPLINK', 'ERR_PACKAGE_BLOCKED'],
    handle: async ({ c, params }) => {
      const none = (of: string): ConfigError => noVersion(of, fileVersion(of, params.file) ?? params.file);
      const { name, here } = await seenHere(c, services, params.package, none);
      const version = fileVersion(name, params.file);
      if (version === null) throw none(name);
      const tarball = here?.tarballs.get(version);
      if (tarball !== undefined) return await answerTarball(c, services, tarball, tarballName(name, version));
      c.env.patient?.();
      const found = here === null ? await uplinks.tarball(name, version) : null;
      if (found === null) throw none(name);
      return answerUplinkTarball(c, found, tarballName(name, version));
    },
  });
  return [one];
}

/** Some clients name the scope again. */
function fileVersion(name: string, file: string): string | null {
  return versionOfTarball(name, file.replace(/^@[^/]*\//, ''));
}

async function answerTarball(
  c: RegistryContext,
  { blobs, tarballs }: PackageServices,
  tarball: Tarball,
  file: string,
): Promise<Response> {
  const { blob, size_bytes } = tarball;
  const kept = tarballHeaders(tarball);
  const etag = kept['etag']!;
  if (isKnownToReader(c.req.header('if-none-match'), etag)) return new Response(null, { status: 304, headers: kept });
  const headers = { ...kept, ...fileHeaders(file) };
  if (c.req.method === 'HEAD')
    return new Response(null, { headers: { ...headers, 'content-length': `${size_bytes}` } });
  const range = rangeOf(c.req.header('range'), c.req.header('if-range'), etag, size_bytes);
  if (range === null) return new Response(await tarballs.body(blob, size_bytes), { headers });
  if (range === 'none') {
    return new Response(null, { status: 416, headers: { ...headers, 'content-range': `bytes */${size_bytes}` } });
  }
  const { start, end } = range;
  return new Response(await blobs.body(blob, range), {
    status: 206,
    headers: { ...headers, 'content-range': `bytes ${start}-${end - 1}/${size_bytes}` },
  });
}

/** Of another registry: the bytes as they come, whole. They are under its integrity, if it says one. */
function answerUplinkTarball(
  c: RegistryContext,
  { body, size_bytes, integrity }: UplinkTarball,
  file: string,
): Response {
  const kept = integrity === null ? {} : tarballHeaders({ integrity }, c.get('principal').kind === 'anonymous');
  const isKnown = integrity !== null && isKnownToReader(c.req.header('if-none-match'), `"${integrity}"`);
  const isHead = c.req.method === 'HEAD';
  if ((isKnown || isHead) && body instanceof ReadableStream) void body.cancel().catch(() => undefined);
  if (isKnown) return new Response(null, { status: 304, headers: kept });
  // Of what comes as it is fetched, no part can be asked for.
  const headers = { ...kept, ...fileHeaders(file), 'accept-ranges': 'none' };
  const length = size_bytes === null ? {} : { 'content-length': `${size_bytes}` };
  return isHead ? new Response(null, { headers: { ...headers, ...length } }) : new Response(body, { headers });
}

/**
 * `isForAll`: anybody on the way may keep it for others. Never what is ours: who may read it today may not tomorrow,
 * and what is kept elsewhere asks nobody.
 */
export function tarballHeaders({ integrity }: Pick<Tarball, 'integrity'>, isForAll = false): Record<string, string> {
  return {
    etag: `"${integrity}"`,
    'cache-control': `${isForAll ? 'public' : 'private'}, max-age=31536000, immutable`,
    'accept-ranges': 'bytes',
  };
}

/** As people who fetch it with a browser want to call it. */
export function fileHeaders(file: string): Record<string, string> {
  return { 'content-type': BYTES, 'content-disposition': `attachment; filename="${file}"` };
}
