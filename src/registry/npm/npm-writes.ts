/**
 * What all that clients change of packages has in common: who signs, looked at again right before it is done, which
 * revision they have seen, and the answer that clients of every age take for a yes.
 * @module
 */
import type { Action } from '../../auth/rights.ts';
import { ConfigError } from '../../errors/errors.ts';
import type { ResourceWrite } from '../../journal/resources.ts';
import { packageStream } from '../../packages/package.ts';
import { parseRevisionText, revisionText } from '../../packages/revision.ts';
import type { RegistryContext } from '../context.ts';
import { requirePackageRight } from './package-access.ts';

/**
 * Who signs: he may still do it, for a body takes its time, and who sends it may have lost his rights meanwhile.
 * Errors: ERR_UNAUTHENTICATED, ERR_FORBIDDEN.
 */
export async function signedBy(c: RegistryContext, action: Action, name: string): Promise<ResourceWrite> {
  await c.get('admitAgain')?.();
  requirePackageRight(c, action, name);
  return { actor: c.get('principal').actor };
}

/** The revision that `_rev` speaks of. Throws ERR_REVISION_CONFLICT for what is none of this package's. */
export function revisionOf(name: string, text: string): number {
  const revision = parseRevisionText(name, text);
  if (revision !== null) return revision;
  throw conflict(name, `${JSON.stringify(text.slice(0, 80))} is no revision of ${name}`, 0, 0);
}

/** For who has seen another revision than there is. */
export function seenElsewhere(name: string, expected: number, actual: number): ConfigError {
  return conflict(name, `Expected revision ${expected} of ${name}, but it is at ${actual}`, expected, actual);
}

function conflict(name: string, message: string, expected: number, actual: number): ConfigError {
  return new ConfigError('ERR_REVISION_CONFLICT', {
    message,
    hint: 'Somebody else changed it: read it again (with ?write=true), and send the _rev that it has then.',
    details: { stream: packageStream(name), expected, actual },
  });
}

/** What clients of every age take for a yes: CouchDB's, and those of registries since. */
export function done(
  c: RegistryContext,
  status: 200 | 201,
  name: string,
  revision: number,
  ok: unknown = true,
): Response {
  return c.json({ ok, success: true, id: name, rev: revisionText(name, revision) }, status);
}
