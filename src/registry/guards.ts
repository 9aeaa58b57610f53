/**
 * What a request that was let in has to pass before its route does anything: the headers that carry a config, the
 * registry's own features, and a write that was done before. Asks the route's data, never its name.
 * @module
 */
import type { Backend } from '../../bindings/backend.ts';
import { ConfigError } from '../errors/errors.ts';
import { validateHeaders } from '../proxy/validator.ts';
import type { CodeChecks } from './code-checks.ts';
import type { RegistryContext } from './context.ts';
import type { Idempotency } from './idempotency.ts';
import { maintained, REGISTRY_CONFIG, type OwnConfig } from './own-config.ts';
import type { Route } from './route.ts';

export interface Guards {
  readonly own: OwnConfig;
  readonly idempotency: Idempotency;
  readonly codes: Pick<CodeChecks, 'requireForWrite'>;
  readonly core: Pick<Backend, 'headersParse'>;
}

/**
 * Errors: ERR_HEADER, ERR_NOT_FOUND, ERR_MAINTENANCE, ERR_OTP, ERR_RATE_LIMITED, ERR_IDEMPOTENCY. `answer` throws
 * nothing.
 */
export async function guarded(
  c: RegistryContext,
  route: Route,
  answer: () => Promise<Response>,
  { own, idempotency, codes, core }: Guards,
): Promise<Response> {
  const { errors } = validateHeaders(c.req.raw.headers, core);
  if (errors.length > 0) throw errors[0]!;
  if (route.isBeta === true && !own.flags.beta_feature) throw notYet(c.req.path);
  if (own.flags.maintenance_mode) {
    if (route.writes === true) throw maintained();
    c.set('isMaintained', true);
  }
  const { asksCode = false } = route;
  if (asksCode === true || asksCode === 'always') await codes.requireForWrite(c, asksCode);
  return await idempotency.around(c, route, answer);
}

function notYet(path: string): ConfigError {
  return new ConfigError('ERR_NOT_FOUND', {
    message: `${path.slice(0, 200)} is beta, and the registry's own feature 'beta_feature' is off`,
    hint: `Turn it on in the config '${REGISTRY_CONFIG}'.`,
    details: { what: path.slice(0, 80) },
  });
}
