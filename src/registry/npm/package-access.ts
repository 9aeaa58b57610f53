/**
 * How somebody is turned away who may not do what he asks of a package. Who may not see it is answered as if there were
 * none; who has not said who he is, that he should. Who may is decided by rights, elsewhere.
 * @module
 */
import { requireRight, type Action } from '../../auth/rights.ts';
import { ConfigError } from '../../errors/errors.ts';
import { packageStream } from '../../packages/package.ts';
import type { RegistryContext } from '../context.ts';
import { unauthenticated } from '../route.ts';

/** Why a package is not shown: 404 to those who are known, 401 to those who could be. */
export function unseen(c: RegistryContext, name: string): ConfigError {
  const isAnonymous = c.get('principal').kind === 'anonymous';
  return isAnonymous ? (c.get('refusal') ?? unauthenticated()) : noPackage(name);
}

export function noPackage(name: string): ConfigError<'ERR_NOT_FOUND'> {
  const shown = name.slice(0, 80);
  return new ConfigError('ERR_NOT_FOUND', {
    message: `There is no package ${JSON.stringify(shown)}`,
    hint: 'Look at how it is written, or ask for the right to read it.',
    details: { what: `package ${shown}` },
  });
}

/** Throws ERR_FORBIDDEN, ERR_UNAUTHENTICATED. */
export function requirePackageRight(c: RegistryContext, action: Action, name: string): void {
  const principal = c.get('principal');
  if (principal.kind === 'anonymous') throw c.get('refusal') ?? unauthenticated();
  requireRight(principal, action, packageStream(name));
}
