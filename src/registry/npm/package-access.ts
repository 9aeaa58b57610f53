/**
 * How somebody is turned away who may not do what he asks of a package. Who may not see it is answered as if there were
 * none; who has not said who he is, that he should. Who may is decided by rights, elsewhere.
 * @module
 */
import { may, requireRight, type Action, type Principal } from '../../auth/rights.ts';
import { ConfigError } from '../../errors/errors.ts';
import { scopeOf } from '../../packages/name.ts';
import { packageStream } from '../../packages/package.ts';
import type { RegistryContext } from '../context.ts';
import { mayClaim } from '../package-rights.ts';
import { unauthenticated } from '../route.ts';

/**
 * Why a package is not shown: 404 to those who are known, 401 to those who could be. What is kept from strangers in
 * spite of what everybody may read is to them what is not there at all: they must not find names by asking.
 */
export function unseen(c: RegistryContext, name: string): ConfigError {
  const principal = c.get('principal');
  const isNobody = principal.kind === 'anonymous' && !may(principal, 'read', packageStream(name));
  return isNobody ? (c.get('refusal') ?? unauthenticated()) : noPackage(name);
}

/** `whyNobody`: why no other registry was asked for it, if none was. */
export function noPackage(name: string, whyNobody: string | null = null): ConfigError<'ERR_NOT_FOUND'> {
  const alone = whyNobody === null ? '' : ` No uplink is asked: ${whyNobody}.`;
  const shown = name.slice(0, 80);
  return new ConfigError('ERR_NOT_FOUND', {
    message: `There is no package ${JSON.stringify(shown)}`,
    hint: `Look at how it is written, or ask for the right to read it.${alone}`,
    details: { what: `package ${shown}` },
  });
}

/** Throws ERR_FORBIDDEN, ERR_UNAUTHENTICATED. */
export function requirePackageRight(c: RegistryContext, action: Action, name: string): void {
  const principal = c.get('principal');
  if (principal.kind === 'anonymous') throw c.get('refusal') ?? unauthenticated();
  requireRight(principal, action, packageStream(name));
}

/** For the first package of a scope: all of the scope is ours then, and asked of nobody else. Throws ERR_FORBIDDEN. */
export function requireClaim(principal: Principal, name: string): void {
  const scope = scopeOf(name);
  const { actor, user } = principal;
  if (scope === null || mayClaim(principal, scope, name)) return;
  throw new ConfigError('ERR_FORBIDDEN', {
    message: `${actor} may not publish the first package of ${scope}, which makes all of the scope ours`,
    hint: `Ask an administrator: c13 grants create ${user ?? 'USER'} publisher '${packageStream(`${scope}/*`)}'.`,
    details: { rule: 'scope' },
  });
}
