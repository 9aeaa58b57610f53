/**
 * Whom a package trusts to publish it without a user: asked when a workflow wants a token, and at each use of one, so
 * that a publisher who is trusted no longer, and a package that is gone, end it at once.
 * @module
 */
import type { Journal } from '../journal/journal.ts';
import type { TrustedPublisher } from './package.ts';
import { packagesProjection } from './projection.ts';

/** Of a package that has a version; else nobody. */
export async function trustedPublishersOf(journal: Journal, name: string): Promise<readonly TrustedPublisher[]> {
  const stored = await journal.query(packagesProjection, 'outline', name);
  if (stored === null || stored.versions.length === 0) return [];
  return JSON.parse(stored.trusted) as readonly TrustedPublisher[];
}
