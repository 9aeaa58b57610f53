/**
 * What an uplink answers, read with limits: a body that is too large, is no JSON, or speaks of something else than was
 * asked is refused whole. What passes here may be kept.
 * @module
 */
import type { Asked } from './asker.ts';
import { uplinkError } from './uplink.ts';

export type Document = Readonly<Record<string, unknown>>;
export type Versions = Readonly<Record<string, Document>>;

/** Who was asked about what. */
export interface Source {
  readonly uplink: string;
  readonly about: string;
}

/** All of a body. Ends the answer's limit of time. Throws ERR_UPLINK. */
export async function bytesOf({ response, silence }: Asked, limit_bytes: number, source: Source): Promise<Uint8Array> {
  const { uplink, about } = source;
  const chunks: Uint8Array[] = [];
  let size_bytes = 0;
  const reader = response.body?.getReader();
  try {
    while (reader !== undefined) {
      const { done, value } = await silence.within(reader.read());
      if (done) break;
      size_bytes += value.length;
      if (size_bytes > limit_bytes) throw uplinkError(uplink, about, `it answered more than ${limit_bytes} bytes`);
      chunks.push(value);
    }
  } catch (error) {
    await reader?.cancel().catch(() => undefined);
    if (isTold(error)) throw error;
    const late = `its answer was not here within ${silence.limit_ms} ms`;
    throw uplinkError(uplink, about, silence.fault(late, 'its answer broke off'), error);
  } finally {
    silence.end();
  }
  return Buffer.concat(chunks, size_bytes);
}

/** A JSON object. Throws ERR_UPLINK. */
export async function jsonOf(asked: Asked, limit_bytes: number, source: Source): Promise<Document> {
  requireJsonType(asked.response, source);
  return parsedJson(await bytesOf(asked, limit_bytes, source), source);
}

/** Throws ERR_UPLINK for a page and the like; some registries name no type. */
export function requireJsonType({ headers }: Response, { uplink, about }: Source): void {
  const type = headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (type === '' || type === 'application/octet-stream' || /^(application|text)\/([\w.+-]+\+)?json$/.test(type))
    return;
  throw uplinkError(uplink, about, `it answered ${type.slice(0, 80)}, not JSON`);
}

export function parsedJson(bytes: Uint8Array, { uplink, about }: Source): Document {
  try {
    const document: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (isObject(document)) return document;
  } catch (error) {
    throw uplinkError(uplink, about, 'its answer is not JSON', error);
  }
  throw uplinkError(uplink, about, 'its answer is not a JSON object');
}

/** A packument of this package: everything in it is named as was asked. Throws ERR_UPLINK. */
export function requirePackument(document: Document, { uplink, about }: Source): void {
  const fault = packumentFault(document, about);
  if (fault !== null) throw uplinkError(uplink, about, fault);
}

export function versionsOf({ versions }: Document): Versions {
  return isObject(versions) ? (versions as Versions) : {};
}

/** What a version says of its tarball. */
export function distOf(manifest: Document | undefined): Document {
  const dist = manifest?.['dist'];
  return isObject(dist) ? dist : {};
}

export function isObject(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function packumentFault(document: Document, name: string): string | null {
  const { name: named, versions = {}, 'dist-tags': tags = {}, time = {} } = document;
  if (named !== name) return `its document is of ${shown(named)}`;
  for (const [field, value] of Object.entries({ versions, 'dist-tags': tags, time })) {
    if (!isObject(value)) return `its document's ${field} is not an object`;
  }
  for (const [version, manifest] of Object.entries(versions as Document)) {
    if (!isObject(manifest)) return `its version ${shown(version)} is not an object`;
    if (manifest['name'] !== name) return `its version ${shown(version)} is of ${shown(manifest['name'])}`;
    if (manifest['version'] !== version) return `its version ${shown(version)} says ${shown(manifest['version'])}`;
  }
  return null;
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : 'nothing';
}

function isTold(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'ERR_UPLINK';
}
