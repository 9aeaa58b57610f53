/** A tarball that holds just a `package.json`, for whoever publishes one without files. @module */
import { gzipSync } from 'node:zlib';
import { BLOCK_BYTES, tarFileHeader } from './tar-header.ts';

/** The same bytes make the same tarball. What they say is not looked at. */
export function bareTarball(packageJson: Uint8Array): Uint8Array<ArrayBuffer> {
  const padding = new Uint8Array((BLOCK_BYTES - (packageJson.length % BLOCK_BYTES)) % BLOCK_BYTES);
  const header = tarFileHeader('package/package.json', packageJson.length);
  const end = new Uint8Array(2 * BLOCK_BYTES);
  return new Uint8Array(gzipSync(Buffer.concat([header, packageJson, padding, end]), { level: 9 }));
}
