/** Where commands about packages work, and how they name them: only a registry has packages. @module */
import { satisfies, validRange } from 'semver';
import { usageError } from './failure.ts';
import type { HttpPackages, PackageSaid } from './http-packages.ts';
import { openClient } from './open-target.ts';
import type { Session } from './session.ts';

/** Errors: those of `openClient`. */
export async function packagesOf({ options, interrupt }: Session): Promise<HttpPackages> {
  const { HttpPackages } = await import('./http-packages.ts');
  return new HttpPackages(await openClient(options, interrupt.signal));
}

/** Why, and under which condition. */
export function saidOf({ options: { reason, ifRevision } }: Session): PackageSaid {
  return { reason, expected: ifRevision };
}

/** @example splitSpec('@acme/ui@^1.0.0') // { name: '@acme/ui', range: '^1.0.0' } */
export function splitSpec(text: string): { readonly name: string; readonly range: string | null } {
  const at = text.indexOf('@', 1);
  if (at < 0) return { name: text, range: null };
  return { name: text.slice(0, at), range: text.slice(at + 1) };
}

/** The versions that a range means, prereleases too; null: all of them. Throws ERR_USAGE where it means none. */
export function versionsIn(versions: readonly string[], range: string | null, name: string): readonly string[] {
  if (range !== null && validRange(range) === null) {
    throw usageError('package', `'${range}' is no range of versions`, "Write one: ui@1.0.0, 'ui@<2', ui@^1.2.0.");
  }
  const meant = versions.filter(
    (version) => range === null || version === range || satisfies(version, range, { includePrerelease: true }),
  );
  if (meant.length > 0) return meant;
  throw usageError('package', `${name} has no version in ${range ?? '*'}`, `See: c13 packages show ${name}.`);
}
