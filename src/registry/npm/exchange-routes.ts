/** Trusted publishing: where a workflow gets a token for its identity token, as npm and Yarn ask for it. @module */
import { z } from 'zod';
import type { TrustedPublishing } from '../../auth/trusted-publishing.ts';
import { ConfigError } from '../../errors/errors.ts';
import { route, type Route } from '../route.ts';
import { NAME_TO_WRITE, PACKAGE_TAG } from './npm-params.ts';

const BEARER = /^bearer +(\S+)$/i;
const EXCHANGED = z.object({
  token: z.string(),
  token_type: z.literal('oidc'),
  created: z.string(),
  expires: z.string(),
});

export interface ExchangeServices {
  readonly trusted: Pick<TrustedPublishing, 'exchange'>;
}

export function exchangeRoutes({ trusted }: ExchangeServices): readonly Route[] {
  return [
    route({
      method: 'post',
      path: '/-/npm/v1/oidc/token/exchange/package/:package',
      tag: PACKAGE_TAG,
      summary: 'A token that publishes one package, for the identity token of a workflow',
      description:
        'The identity token is in the header `Authorization: Bearer`. It is taken if the package names its issuer ' +
        'and claims as trusted publisher, once; the token that is answered lives 15 minutes.',
      access: 'public',
      isSecret: true,
      params: { package: NAME_TO_WRITE },
      answers: { 201: { description: 'The token', schema: EXCHANGED } },
      errors: ['ERR_PACKAGE_NAME', 'ERR_UNAUTHENTICATED', 'ERR_FORBIDDEN', 'ERR_NOT_FOUND', 'ERR_UPSTREAM'],
      handle: async ({ c, params }) => {
        const [, idToken] = BEARER.exec(c.req.header('authorization') ?? '') ?? [];
        if (idToken === undefined) throw missing();
        const { text: token, createdAt, expiresAt } = await trusted.exchange(params.package, idToken);
        c.header('cache-control', 'no-store');
        const [created, expires] = [createdAt, expiresAt].map((time) => new Date(time).toISOString());
        return c.json({ token, token_type: 'oidc', created, expires }, 201);
      },
    }),
  ];
}

function missing(): ConfigError {
  return new ConfigError('ERR_UNAUTHENTICATED', {
    message: 'The request shows no identity token',
    hint: "Send the header 'Authorization: Bearer ...' with what the provider of the workflow gave it.",
    details: { why: 'missing' },
  });
}
