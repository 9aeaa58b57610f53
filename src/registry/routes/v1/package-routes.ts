/**
 * The packages of this registry, for those who look after them: what there is, what is said of it, and how versions
 * leave. What package managers ask for is in `npm/`.
 * @module
 */
import { z } from 'zod';
import type { Principal } from '../../../auth/rights.ts';
import { matchesPattern } from '../../../config/pattern.ts';
import type { ResourceWrite } from '../../../journal/resources.ts';
import { packageStream, type PackageState } from '../../../packages/package.ts';
import type { Changed, PackageChanges, Packages, PackageSummary } from '../../../packages/packages.ts';
import { revisionText } from '../../../packages/revision.ts';
import { etagOf } from '../../conditions.ts';
import { expectedOf, type RegistryContext } from '../../context.ts';
import { noPackage, unseen } from '../../npm/package-access.ts';
import type { NpmServices, PackageServices } from '../../npm/package-services.ts';
import { mayReadPackage } from '../../package-rights.ts';
import { LIMIT, WRITE } from '../../parse.ts';
import { PACKAGE_TAG } from '../../npm/npm-params.ts';
import { route, type Need, type Route } from '../../route.ts';
import { REASON_QUERY } from './inputs.ts';
import * as shapes from './package-shapes.ts';

const PACKAGES = '/api/v1/packages';
const ONE = `${PACKAGES}/:name`;
const NAMED = { name: shapes.PACKAGE_NAME };
/** Rows that one page of a list looks at. */
const LOOKED_AT_MAX = 10_000;
const CHUNK = 500;
const SAID = { reason: WRITE.reason };

interface Ofed {
  readonly params: { readonly name: string };
}

const needs =
  (action: Need['action']) =>
  ({ params: { name } }: Ofed): readonly Need[] => [{ action, stream: packageStream(name) }];

export function v1PackageRoutes({ packages: services }: NpmServices): readonly Route[] {
  return [listRoute(services), readRoute(services), ...changeRoutes(services), ...goneRoutes(services)];
}

function listRoute(services: PackageServices): Route {
  return route({
    method: 'get',
    path: PACKAGES,
    tag: PACKAGE_TAG,
    summary: 'The packages that were published here and that you may read, by name',
    access: 'granted',
    query: {
      filter: z
        .string()
        .max(214)
        .default('')
        .meta({ description: 'A part of the name, or with `*` all of it: `@acme/*`.' }),
      limit: LIMIT,
      cursor: z.string().max(300).default(''),
    },
    answers: { 200: { description: 'One page', schema: shapes.PACKAGE_LIST } },
    handle: async ({ c, principal, query: { filter, limit, cursor } }) => {
      const isWanted = wantedOf(services, principal, filter);
      return c.json(await pageOf(services.packages, isWanted, { after: cursor, limit }));
    },
  });
}

function wantedOf({ own }: PackageServices, principal: Principal, filter: string) {
  const pattern = filter.includes('*') ? filter : `*${filter}*`;
  return (one: PackageSummary): boolean =>
    matchesPattern(pattern, one.name) && mayReadPackage(principal, one.name, one, own.flags.premium_types);
}

/** Full as long as there is more, unless it has looked at very many that are not shown. */
async function pageOf(
  packages: Pick<Packages, 'list'>,
  isWanted: (one: PackageSummary) => boolean,
  { after, limit }: { after: string; limit: number },
) {
  const found: PackageSummary[] = [];
  let last = after;
  for (let seen = 0; seen < LOOKED_AT_MAX; seen += CHUNK) {
    const rows = await packages.list({ after: last, limit: CHUNK });
    found.push(...rows.filter(isWanted));
    if (found.length > limit) {
      const page = found.slice(0, limit);
      return { packages: page, cursor: page.at(-1)!.name };
    }
    if (rows.length < CHUNK) return { packages: found, cursor: null };
    last = rows.at(-1)!.name;
  }
  return { packages: found, cursor: last };
}

function readRoute(services: PackageServices): Route {
  return route({
    method: 'get',
    path: ONE,
    tag: PACKAGE_TAG,
    summary: 'One package, with its versions',
    access: 'granted',
    params: NAMED,
    answers: { 200: { description: 'The package as it is now', schema: shapes.PACKAGE } },
    errors: ['ERR_NOT_FOUND', 'ERR_PACKAGE_NAME'],
    handle: async ({ c, params: { name } }) => answer(c, await readable(c, services, name)),
  });
}

/** Two that answer alike: one that is not there, and one that he may not read. */
async function readable(c: RegistryContext, services: PackageServices, name: string): Promise<PackageState> {
  const state = await services.packages.state(name);
  if (state !== null && mayShow(c, services, state)) return state;
  throw unseen(c, name);
}

function mayShow(c: RegistryContext, { own }: PackageServices, { name, settings }: PackageState): boolean {
  return mayReadPackage(c.get('principal'), name, settings, own.flags.premium_types);
}

function changeRoutes(services: PackageServices): readonly Route[] {
  return [
    route({
      ...changing(ONE, 'patch', 'administer'),
      summary: 'Change who may read a package',
      body: { access: shapes.ACCESS.optional(), isPremium: z.boolean().optional(), ...SAID },
      example: { access: 'restricted' },
      handle: async ({ c, params: { name }, body: { reason, access, isPremium } }) =>
        await changed(c, services, name, reason, {
          settings: (now) => ({ ...now, access: access ?? now.access, isPremium: isPremium ?? now.isPremium }),
        }),
    }),
    route({
      ...changing(`${ONE}/tags`, 'post', 'publish'),
      summary: 'Set and remove dist-tags, together',
      body: { ...shapes.TAG_CHANGES, ...SAID },
      example: { set: { next: '0.9.0' } },
      handle: async ({ c, params: { name }, body: { reason, ...changes } }) =>
        await changed(c, services, name, reason, { tags: shapes.tagChangesIn(changes) }),
    }),
    route({
      ...changing(`${ONE}/deprecate`, 'post', 'publish'),
      summary: 'Deprecate versions, or take it back',
      body: { messages: shapes.MESSAGES, ...SAID },
      example: { messages: { '0.9.0': 'Use 1.0.0.' } },
      handle: async ({ c, params: { name }, body: { reason, messages } }) =>
        await changed(c, services, name, reason, { deprecated: shapes.messagesIn(messages) }),
    }),
  ];
}

function changing<M extends 'patch' | 'post' | 'delete'>(path: string, method: M, action: Need['action']) {
  return {
    method,
    path,
    tag: PACKAGE_TAG,
    asksCode: true,
    access: needs(action),
    params: NAMED,
    conditional: true,
    answers: { 200: { description: 'The package as it is now', schema: shapes.CHANGED_PACKAGE } },
    errors: ['ERR_NOT_FOUND', 'ERR_PACKAGE_NAME', 'ERR_PACKAGE_INVALID'],
  } as const;
}

function goneRoutes(services: PackageServices): readonly Route[] {
  const gone = { 204: { description: 'Gone: what was published under this version never comes back otherwise' } };
  return [
    route({
      ...changing(`${ONE}/versions/:version`, 'delete', 'unpublish'),
      summary: 'Unpublish a version, for good',
      params: { ...NAMED, version: z.string().max(256).meta({ description: 'One version.', example: '1.0.0' }) },
      query: REASON_QUERY,
      answers: gone,
      handle: async ({ c, params: { name, version }, query: { reason } }) => {
        await change(c, services, name, reason, { unpublished: [version] });
        return c.body(null, 204);
      },
    }),
    route({
      ...changing(ONE, 'delete', 'unpublish'),
      summary: 'Unpublish all versions of a package, for good',
      query: REASON_QUERY,
      answers: gone,
      handle: async ({ c, params: { name }, query: { reason } }) => {
        await change(c, services, name, reason, { unpublished: 'all' });
        return c.body(null, 204);
      },
    }),
  ];
}

async function changed(
  c: RegistryContext,
  services: PackageServices,
  name: string,
  reason: string | undefined,
  changes: PackageChanges,
): Promise<Response> {
  const { revision } = await change(c, services, name, reason, changes);
  const state = await services.packages.state(name);
  if (state === null) throw noPackage(name);
  // Who may publish it, and not read it, has changed what he named, and sees nothing else of it.
  return mayShow(c, services, state) ? answer(c, state) : c.json({ ok: true, rev: revisionText(name, revision) });
}

async function change(
  c: RegistryContext,
  services: PackageServices,
  name: string,
  reason: string | undefined,
  changes: PackageChanges,
): Promise<Changed> {
  return await services.packages.change(name, changes, await packageWriteOf(c, services, name, reason));
}

/** Who writes, why, and under which condition. Errors: those of `expectedOf`. */
export async function packageWriteOf(
  c: RegistryContext,
  services: PackageServices,
  name: string,
  reason: string | undefined,
): Promise<ResourceWrite> {
  const find = async () => {
    const state = await services.packages.state(name);
    if (state === null) return null;
    return mayShow(c, services, state) ? shapes.viewOf(state) : { revision: state.revision };
  };
  return { actor: c.get('principal').actor, reason, expected: await expectedOf(c, find) };
}

function answer(c: RegistryContext, state: PackageState): Response {
  c.header('etag', etagOf(state));
  return c.json(shapes.viewOf(state));
}
