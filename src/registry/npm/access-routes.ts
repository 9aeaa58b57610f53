/**
 * `npm access`: whether a package is for everybody, who may do what with it, and which packages are somebody's. Teams
 * and organizations there are none: grants do what they do, and say so.
 * @module
 */
import { z } from 'zod';
import { principalOf, type IdentityState } from '../../auth/identities.ts';
import { may, type Principal } from '../../auth/rights.ts';
import { ConfigError } from '../../errors/errors.ts';
import { packageStream, type PackageSettings } from '../../packages/package.ts';
import type { PackageSummary } from '../../packages/packages.ts';
import type { RegistryContext } from '../context.ts';
import { mayReadPackage } from '../package-rights.ts';
import { badRequest, parseOpenBody } from '../parse.ts';
import { route, type Method, type Route } from '../route.ts';
import { requireOwn } from '../routes/identity-shapes.ts';
import type { AccountServices } from './account-routes.ts';
import { DONE, NAME_TO_READ, NAME_TO_WRITE, PACKAGE_TAG } from './npm-params.ts';
import { done, signedBy } from './npm-writes.ts';
import { noPackage, unseen } from './package-access.ts';
import type { NpmServices, PackageServices } from './package-services.ts';

const ONE = '/-/package/:package';
const PAGE = 1000;
const LEVELS = z.record(z.string(), z.enum(['read', 'write']));
/** Kept apart by `npm access`; here, whoever may publish may write. */
type Level = 'read' | 'write';

export interface AccessServices extends NpmServices {
  readonly identity: Pick<AccountServices['identity'], 'identities'>;
}

export function accessRoutes(services: AccessServices): readonly Route[] {
  return [
    visibilityRoute(services),
    accessRoute(services),
    collaboratorsRoute(services),
    packagesRoute(services),
    ...TEAMS.map(([method, path]) => teamRoute(method, path)),
  ];
}

function visibilityRoute({ packages: services, identity: { identities } }: AccessServices): Route {
  return route({
    method: 'get',
    path: `${ONE}/visibility`,
    tag: PACKAGE_TAG,
    takesWorkflow: true,
    summary: 'Whether everybody may read a package, signed in or not',
    access: 'granted',
    takesAnyQuery: true,
    params: { package: NAME_TO_READ },
    answers: { 200: { description: 'Whether it is so', schema: z.object({ public: z.boolean() }) } },
    errors: ['ERR_NOT_FOUND'],
    handle: async ({ c, principal, params: { package: name } }) => {
      const { settings } = await stateFor(c, services, principal, name);
      // Clients tell the world of a public package: only of one that the world can see.
      return c.json({ public: isSeenByAll(await identities.fresh(), services, name, settings) });
    },
  });
}

function accessRoute({ packages: services, identity: { identities } }: AccessServices): Route {
  return route({
    method: 'post',
    path: `${ONE}/access`,
    operationId: 'changePackageAccess',
    tag: PACKAGE_TAG,
    summary: 'Say whether a package is for those alone who have signed in',
    description: '`restricted`: nobody else reads it, whatever everybody may. `public`: as grants say.',
    access: ({ params: { package: name } }) => [{ action: 'administer', stream: packageStream(name) }],
    asksCode: true,
    takesAnyQuery: true,
    params: { package: NAME_TO_WRITE },
    readsBody: { access: z.enum(['public', 'restricted']) },
    example: { access: 'public' },
    answers: { 200: { description: 'It is so', schema: DONE } },
    errors: ['ERR_NOT_FOUND', 'ERR_PACKAGE_NAME', 'ERR_CONTENT_TYPE'],
    handle: async ({ c, params: { package: name } }) => {
      const { known, rest } = await parseOpenBody(c, { access: z.enum(['public', 'restricted']).optional() });
      const { access } = known;
      if (access === undefined) throw noSuchSetting(Object.keys(rest)[0] ?? 'access');
      const write = { ...(await signedBy(c, 'administer', name)), reason: 'npm access' };
      const { revision } = await services.packages.changeSettings(name, (now) => ({ ...now, access }), write);
      const settings = (await services.packages.state(name))?.settings;
      const isSeen = settings !== undefined && isSeenByAll(await identities.fresh(), services, name, settings);
      // npm asks next whether the world can see it, and prints that as what is set.
      if (access === 'public' && !isSeen) c.header('npm-notice', notSeenNotice(name));
      return done(c, 200, name, revision, access);
    },
  });
}

function isSeenByAll(
  { anonymous }: IdentityState,
  { own }: PackageServices,
  name: string,
  settings: PackageSettings,
): boolean {
  const { private_registry: isPrivate, premium_types: isGuarded } = own.flags;
  return !isPrivate && mayReadPackage(anonymous, name, settings, isGuarded);
}

function notSeenNotice(name: string): string {
  const grant = `c13 grants create anonymous viewer '${packageStream(name)}'`;
  return `The access of ${name} is public now, but strangers may read nothing of it: rights say so (${grant})`;
}

function collaboratorsRoute({ packages: services, identity: { identities } }: AccessServices): Route {
  return route({
    method: 'get',
    path: `${ONE}/collaborators`,
    tag: PACKAGE_TAG,
    summary: 'Who may read a package, and who may publish it',
    description: 'For whoever may publish it.',
    access: ({ params: { package: name } }) => [{ action: 'publish', stream: packageStream(name) }],
    takesAnyQuery: true,
    params: { package: NAME_TO_READ },
    answers: { 200: { description: '`read` or `write` by user', schema: LEVELS } },
    errors: ['ERR_NOT_FOUND'],
    handle: async ({ c, params: { package: name } }) => {
      const found = await services.packages.state(name);
      if (found === null) throw noPackage(name);
      const state = await identities.fresh();
      const one = { name, ...found.settings, isGuarded: services.own.flags.premium_types };
      const levels = [...state.users.keys()].toSorted().map((user) => [user, levelOf(state, user, one)] as const);
      return c.json(Object.fromEntries(levels.filter(([, level]) => level !== null)));
    },
  });
}

function packagesRoute({ packages: services, identity: { identities } }: AccessServices): Route {
  return route({
    method: 'get',
    path: '/-/user/:document/package',
    tag: PACKAGE_TAG,
    summary: 'The packages that a user may read or publish',
    description: 'For the user himself, and for whoever may read users.',
    access: 'signed-in',
    takesAnyQuery: true,
    params: { document: z.string().meta({ description: 'The name of a user.', example: 'ann' }) },
    answers: { 200: { description: '`read` or `write` by package', schema: LEVELS } },
    errors: ['ERR_NOT_FOUND'],
    handle: async ({ c, principal, params: { document: user } }) => {
      requireOwn(principal, user, 'read', `user:${user}`);
      const state = await identities.fresh();
      const levels: [string, Level][] = [];
      const isGuarded = services.own.flags.premium_types;
      for await (const one of summariesOf(services)) {
        const level = mayReadPackage(principal, one.name, one, isGuarded)
          ? levelOf(state, user, { ...one, isGuarded })
          : null;
        if (level !== null) levels.push([one.name, level]);
      }
      return c.json(Object.fromEntries(levels));
    },
  });
}

async function* summariesOf({ packages }: PackageServices): AsyncGenerator<PackageSummary> {
  for (let after = '', isLast = false; !isLast;) {
    const page = await packages.list({ after, limit: PAGE });
    yield* page;
    after = page.at(-1)?.name ?? '';
    isLast = page.length < PAGE;
  }
}

type Asked = Pick<PackageSummary, 'name' | 'access' | 'isPremium'> & { readonly isGuarded: boolean };

/** null: he may not read it, or there is no such user. */
function levelOf(state: IdentityState, user: string, { name, isGuarded, ...settings }: Asked): Level | null {
  const principal = principalOf(state, user);
  if (principal === null || !mayReadPackage(principal, name, settings, isGuarded)) return null;
  return may(principal, 'publish', packageStream(name)) ? 'write' : 'read';
}

/** Throws ERR_NOT_FOUND, ERR_UNAUTHENTICATED for one that he may not see. */
async function stateFor(c: RegistryContext, { packages, own }: PackageServices, principal: Principal, name: string) {
  const state = await packages.state(name);
  if (state === null || !mayReadPackage(principal, name, state.settings, own.flags.premium_types))
    throw unseen(c, name);
  return state;
}

/** All that npm asks of organizations and teams. */
const TEAMS: readonly (readonly [Method, string])[] = [
  ['get', '/-/org/:scope/package'],
  ['get', '/-/org/:scope/user'],
  ['put', '/-/org/:scope/user'],
  ['delete', '/-/org/:scope/user'],
  ['get', '/-/org/:scope/team'],
  ['put', '/-/org/:scope/team'],
  ['delete', '/-/team/:scope/:team'],
  ['get', '/-/team/:scope/:team/user'],
  ['put', '/-/team/:scope/:team/user'],
  ['delete', '/-/team/:scope/:team/user'],
  ['get', '/-/team/:scope/:team/package'],
  ['put', '/-/team/:scope/:team/package'],
  ['delete', '/-/team/:scope/:team/package'],
];

function teamRoute(method: Method, path: string): Route {
  const scope = z.string().meta({ example: 'acme' });
  return route({
    method,
    path,
    tag: PACKAGE_TAG,
    summary: 'There are no organizations and teams here',
    description: 'Answers 404, and says what there is instead: grants.',
    access: 'signed-in',
    writes: false,
    takesAnyQuery: true,
    params: path.includes(':team') ? { scope, team: z.string().meta({ example: 'developers' }) } : { scope },
    answers: {},
    errors: ['ERR_NOT_FOUND'],
    handle: () => {
      throw new ConfigError('ERR_NOT_FOUND', {
        message: 'There are no organizations and teams here: grants say who may read and publish which packages',
        hint: "Make one, for example: c13 grants create bob publisher 'package:@acme/*'.",
        details: { what: 'team' },
      });
    },
  });
}

function noSuchSetting(field: string): ConfigError {
  const shown = field.slice(0, 80);
  const message = `Packages here have no setting ${JSON.stringify(shown)} that can be changed so`;
  return badRequest(shown, message, "Send 'access': 'public' or 'restricted'; second factors are each user's own.");
}
