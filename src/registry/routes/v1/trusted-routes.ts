/** Trusted publishers of a package: workflows that publish it without a token of ours. Judges no token. @module */
import { packageStream } from '../../../packages/package.ts';
import type { PackageSettings, TrustedPublisher } from '../../../packages/package.ts';
import type { Packages } from '../../../packages/packages.ts';
import { z } from 'zod';
import { ConfigError } from '../../../errors/errors.ts';
import { noPackage } from '../../npm/package-access.ts';
import type { NpmServices, PackageServices } from '../../npm/package-services.ts';
import type { IssuerServices } from '../../npm/open-trust.ts';
import { badRequest, WRITE } from '../../parse.ts';
import { route, type Need, type Route } from '../../route.ts';
import { REASON_QUERY } from './inputs.ts';
import { PACKAGE_TAG } from '../../npm/npm-params.ts';
import { packageWriteOf } from './package-routes.ts';
import { PACKAGE_NAME, TRUSTED, TRUSTED_LIST, TRUSTED_VIEW } from './package-shapes.ts';

const PATH = '/api/v1/packages/:name/trusted-publishers';
const TRUSTED_MAX = 20;

interface Ofed {
  readonly params: { readonly name: string };
}

const SHARED = {
  path: PATH,
  tag: PACKAGE_TAG,
  access: ({ params: { name } }: Ofed): readonly Need[] => [{ action: 'administer', stream: packageStream(name) }],
  params: { name: PACKAGE_NAME },
  errors: ['ERR_NOT_FOUND', 'ERR_PACKAGE_NAME'],
} as const;

export function trustedRoutes({ packages: services, mayIssue }: NpmServices & IssuerServices): readonly Route[] {
  return [listRoute(services), trustRoute(services, mayIssue), distrustRoute(services)];
}

function listRoute({ packages }: PackageServices): Route {
  return route({
    ...SHARED,
    method: 'get',
    summary: 'Which workflows may publish a package without a token',
    answers: { 200: { description: 'All of them', schema: TRUSTED_LIST } },
    handle: async ({ c, params: { name } }) => c.json({ trustedPublishers: [...(await trustedOf(packages, name))] }),
  });
}

function trustRoute(services: PackageServices, mayIssue: IssuerServices['mayIssue']): Route {
  return route({
    ...SHARED,
    method: 'post',
    summary: 'Let a workflow publish a package',
    conditional: true,
    asksCode: true,
    body: { ...TRUSTED, reason: WRITE.reason },
    answers: { 201: { description: 'It may from now on', schema: TRUSTED_VIEW } },
    errors: [...SHARED.errors, 'ERR_PACKAGE_INVALID'],
    example: {
      issuer: 'https://token.actions.githubusercontent.com',
      claims: { repository: 'acme/ui', workflow_ref: 'acme/ui/.github/workflows/release.yml@*' },
    },
    handle: async ({ c, params: { name }, body: { reason, issuer, claims } }) => {
      if (!mayIssue(issuer)) throw noIssuer(issuer);
      const made = { id: crypto.randomUUID(), issuer, claims };
      const write = await packageWriteOf(c, services, name, reason);
      const added = (publishers: readonly TrustedPublisher[]) => {
        if (publishers.length >= TRUSTED_MAX) throw tooMany(name);
        return [...publishers, made];
      };
      const change = (now: PackageSettings) => ({ ...now, trustedPublishers: added(now.trustedPublishers) });
      await services.packages.changeSettings(name, change, write);
      return c.json(made, 201);
    },
  });
}

function distrustRoute(services: PackageServices): Route {
  return route({
    ...SHARED,
    method: 'delete',
    path: `${PATH}/:id`,
    summary: 'Let a workflow publish a package no longer',
    conditional: true,
    asksCode: true,
    params: { ...SHARED.params, id: z.string().max(100) },
    query: REASON_QUERY,
    answers: { 204: { description: 'It may no longer' } },
    handle: async ({ c, params: { name, id }, query: { reason } }) => {
      if (!(await trustedOf(services.packages, name)).some((one) => one.id === id)) throw noTrusted(name, id);
      const rest = (publishers: readonly TrustedPublisher[]) => publishers.filter((one) => one.id !== id);
      const change = (now: PackageSettings) => ({ ...now, trustedPublishers: rest(now.trustedPublishers) });
      await services.packages.changeSettings(name, change, await packageWriteOf(c, services, name, reason));
      return c.body(null, 204);
    },
  });
}

async function trustedOf(packages: Packages, name: string): Promise<readonly TrustedPublisher[]> {
  const state = await packages.state(name);
  if (state === null) throw noPackage(name);
  return state.settings.trustedPublishers;
}

function noIssuer(issuer: string): ConfigError {
  return badRequest(
    'issuer',
    `Keys of ${issuer.slice(0, 200)} would not be asked for: it speaks no https`,
    'Name an https address; http is for issuers on this machine, of a registry that nobody else can reach.',
  );
}

function tooMany(name: string): ConfigError {
  const fault = `it has ${TRUSTED_MAX} trusted publishers already`;
  return new ConfigError('ERR_PACKAGE_INVALID', {
    message: `No other workflow can publish ${name}: ${fault}`,
    hint: 'Remove one that publishes no more, or let a claim of one stand for several with *.',
    details: { package: name, path: 'trustedPublishers', fault },
  });
}

function noTrusted(name: string, id: string): ConfigError {
  return new ConfigError('ERR_NOT_FOUND', {
    message: `${name} has no trusted publisher ${JSON.stringify(id)}`,
    hint: `List them: c13 packages trusted ${name}.`,
    details: { what: `trusted publisher ${id}` },
  });
}
