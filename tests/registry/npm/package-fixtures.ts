/** Documents as clients send them, made here, and what is done with them through an app. @module */
import { createHash } from 'node:crypto';
import { bareTarball } from '../../../src/packages/intake/bare-tarball.ts';
import type { Call } from '../fixtures.ts';

export interface Published {
  readonly name: string;
  readonly version: string;
  readonly tarball: Uint8Array;
  readonly document: Record<string, any>;
}

/** What `npm publish` would send of a package that has nothing but its package.json. */
export function packed(name: string, version: string, manifest: object = {}, tag = 'latest'): Published {
  const full = { name, version, description: `${name}, for tests`, ...manifest };
  const tarball = bareTarball(new TextEncoder().encode(JSON.stringify(full)));
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  const shasum = createHash('sha1').update(tarball).digest('hex');
  const attachment = { content_type: 'application/octet-stream', data: tarball.toBase64(), length: tarball.length };
  const document = {
    _id: name,
    name,
    'dist-tags': { [tag]: version },
    versions: { [version]: { ...full, _id: `${name}@${version}`, readme: `# ${name}`, dist: { integrity, shasum } } },
    access: null,
    _attachments: { [`${name}-${version}.tgz`]: attachment },
  };
  return { name, version, tarball, document };
}

/** `/@acme%2fui`, as clients write it. */
export function pathOf(name: string): string {
  return `/${name.replace('/', '%2f')}`;
}

export async function publish(call: Call, ...what: Parameters<typeof packed>): Promise<Published> {
  const published = packed(...what);
  const { status, body } = await call('PUT', pathOf(published.name), published.document);
  if (status !== 201) throw new Error(`${published.name}: ${status} ${JSON.stringify(body)}`);
  return published;
}
