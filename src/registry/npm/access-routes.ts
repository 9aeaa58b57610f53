/**
 * `npm access`: whether a package is for everybody, who may do what with it, and which packages are somebody's. Teams
 * and organizations there are none: grants do what they do, and say so.
 * @module
 */
import { z } from 'zod';
import { principalOf, type IdentityState } from '../../auth/identities.ts';
import { may, type Principal } from '../../auth/rights.ts';
import { ConfigError } from '../../errors/errors.ts';
import { packageStream } from '../../packages/package.ts';
import type { RegistryContext } from '../context.ts';
import { mayReadPackage } from '../package-rights.ts';
import { badRequest, parseOpenBody } from '../parse.ts';
import { route, type Method, type Route } from '../route.ts';
import { requireOwn } from '../routes/identity-shapes.ts';
import { TAG, type AccountServices } from './account-routes.ts';
import { DONE, NAME_TO_READ, NAME_TO_WRITE } from './npm-params.ts';
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
    tag: TAG,
    summary: 'Whether everybody may read a package, signed in or not',
    access: 'granted',
    takesAnyQuery: true,
    params: { package: NAME_TO_READ },
    answers: { 200: { description: 'Whether it is so', schema: z.object({ public: z.boolean() }) } },
    errors: ['ERR_NOT_FOUND'],
    handle: async ({ c, principal, params: { package: name } }) => {
      const { settings } = await stateFor(c, services, principal, name);
      const { anonymous } = await identities.fresh();
      const { private_registry: isPrivate, premium_types: isGuarded } = services.own.flags;
      // Clients tell the world of a public package: only of one that the world can see.
      return c.json({ public: !isPrivate && mayReadPackage(anonymous, name, settings, isGuarded) });
    },
  });
}

function accessRoute({ packages: services }: AccessServices): Route {
  return route({
    method: 'post',
    path: `${ONE}/access`,
    operationId: 'changePackageAccess',
    tag: TAG,
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
      return done(c, 200, name, revision, access);
    },
  });
}

function collaboratorsRoute({ packages: services, identity: { identities } }: AccessServices): Route {
  return route({
    method: 'get',
    path: `${ONE}/collaborators`,
    tag: TAG,
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
      const levels = [...state.users.keys()].toSorted().map((user) => [user, levelOf(state, user, name)] as const);
      return c.json(Object.fromEntries(levels.filter(([, level]) => level !== null)));
    },
  });
}

function packagesRoute({ packages: services, identity: { identities } }: AccessServices): Route {
  return route({
    method: 'get',
    path: '/-/user/:document/package',
    tag: TAG,
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
      for await (const name of namesOf(services)) {
        const level = levelOf(state, user, name);
        if (level !== null) levels.push([name, level]);
      }
      return c.json(Object.fromEntries(levels));
    },
  });
}

async function* namesOf({ packages }: PackageServices): AsyncGenerator<string> {
  for (let after = '', isLast = false; !isLast;) {
    const page = await packages.list({ after, limit: PAGE });
    for (const { name } of page) yield name;
    after = page.at(-1)?.name ?? '';
    isLast = page.length < PAGE;
  }
}

/** null: neither, or no such user. */
function levelOf(state: IdentityState, user: string, name: string): Level | null {
  const principal = principalOf(state, user);
  if (principal === null) return null;
  const stream = packageStream(name);
  if (may(principal, 'publish', stream)) return 'write';
  return may(principal, 'read', stream) ? 'read' : null;
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
    tag: TAG,
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
