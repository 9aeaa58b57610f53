/**
 * What a document that a client has read, changed and sent back asks for. It was made of what the client saw, which may
 * be old: so only what such a document is sent for counts (messages, versions that are gone), and nothing else of it.
 * @module
 */
import { asObject, wrongType } from '../../config/input.ts';
import type { PackageState } from '../../packages/package.ts';

type Document = Readonly<Record<string, unknown>>;

/** Messages of versions that are there and have another; null: it is deprecated no more. Throws ERR_WRONG_TYPE. */
export function changesIn({ versions }: Document, state: PackageState): Readonly<Record<string, string | null>> {
  if (versions === undefined) return {};
  const said = asObject('versions', versions);
  const changed: Record<string, string | null> = {};
  for (const { version, deprecated } of state.versions) {
    if (!Object.hasOwn(said, version)) continue;
    const message = messageOf(asObject(`versions/${version}`, said[version])['deprecated'], version);
    if (message !== deprecated) changed[version] = message;
  }
  return changed;
}

/** Versions that are there, and not in the document. Of one without versions, none. Throws ERR_WRONG_TYPE. */
export function versionsGone({ versions }: Document, state: PackageState): readonly string[] {
  if (versions === undefined) return [];
  const said = asObject('versions', versions);
  return state.versions.map(({ version }) => version).filter((version) => !Object.hasOwn(said, version));
}

/** `npm deprecate name ''`: no message any more. */
function messageOf(deprecated: unknown, version: string): string | null {
  if (deprecated === undefined || deprecated === null || deprecated === '' || deprecated === false) return null;
  if (typeof deprecated === 'string') return deprecated;
  throw wrongType(`versions/${version}/deprecated`, 'text', deprecated);
}
