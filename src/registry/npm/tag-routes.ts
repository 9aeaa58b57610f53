/** Dist-tags: names that stand for versions, listed, set and removed one by one or several at once. @module */
import { z } from 'zod';
import { asObject, wrongType } from '../../config/input.ts';
import { parseStrictJson } from '../../config/strict-json.ts';
import { LATEST } from '../../packages/version.ts';
import { readBytes } from '../body.ts';
import type { RegistryContext } from '../context.ts';
import { route, type Route } from '../route.ts';
import { seen, type SeenServices } from './seen-packages.ts';
import { DONE, NAME_TO_READ, NAME_TO_WRITE, PACKAGE_TAG } from './npm-params.ts';
import { done, signedBy } from './npm-writes.ts';
import type { PackageServices } from './package-services.ts';
import { noPackage, requirePackageRight } from './package-access.ts';

const TAGS = '/-/package/:package/dist-tags';
const TAG = z.string().meta({ description: 'A dist-tag.' });
const BY_TAG = z.record(z.string(), z.string()).meta({ id: 'DistTags', description: 'Version by dist-tag.' });
const WRITTEN = { description: 'It is so', schema: DONE };
const ERRORS = ['ERR_NOT_FOUND', 'ERR_PACKAGE_NAME', 'ERR_PACKAGE_INVALID'] as const;

export function tagRoutes(services: SeenServices): readonly Route[] {
  const list = route({
    method: 'get',
    path: TAGS,
    tag: PACKAGE_TAG,
    takesWorkflow: true,
    summary: 'The dist-tags of a package',
    access: 'granted',
    params: { package: NAME_TO_READ },
    takesAnyQuery: true,
    answers: { 200: { description: 'Version by dist-tag', schema: BY_TAG } },
    errors: ['ERR_NOT_FOUND', 'ERR_UPLINK'],
    handle: async ({ c, params }) => {
      const { full } = await seen(c, services, params.package);
      c.header('cache-control', 'no-cache');
      return c.json(full.tags);
    },
  });
  const { packages } = services;
  return [list, setRoute(packages), removeRoute(packages), ...severalRoutes(packages)];
}

function setRoute(services: PackageServices): Route {
  return route({
    method: 'put',
    path: `${TAGS}/:tag`,
    tag: PACKAGE_TAG,
    asksCode: true,
    summary: 'Make a dist-tag stand for a version',
    description: 'The body is the version, as JSON text: `"1.0.0"`.',
    access: 'granted',
    params: { package: NAME_TO_WRITE, tag: TAG },
    takesAnyQuery: true,
    answers: { 201: WRITTEN },
    errors: [...ERRORS, 'ERR_BODY_JSON', 'ERR_WRONG_TYPE', 'ERR_DUPLICATE_KEY'],
    handle: async ({ c, params: { package: name, tag } }) => {
      requirePackageRight(c, 'publish', name);
      const version = await jsonOf(c);
      if (typeof version !== 'string') throw wrongType('body', 'a version, as JSON text', version);
      const { revision } = await services.packages.tag(
        name,
        { set: { [tag]: version } },
        await signedBy(c, 'publish', name),
      );
      return done(c, 201, name, revision, 'package tagged');
    },
  });
}

function removeRoute(services: PackageServices): Route {
  return route({
    method: 'delete',
    path: `${TAGS}/:tag`,
    tag: PACKAGE_TAG,
    asksCode: true,
    summary: 'Remove a dist-tag',
    access: 'granted',
    params: { package: NAME_TO_WRITE, tag: TAG },
    takesAnyQuery: true,
    answers: { 200: WRITTEN },
    errors: [...ERRORS],
    handle: async ({ c, params: { package: name, tag } }) => {
      requirePackageRight(c, 'publish', name);
      const { revision } = await services.packages.tag(name, { removed: [tag] }, await signedBy(c, 'publish', name));
      return done(c, 200, name, revision, 'dist-tag removed');
    },
  });
}

/** PUT makes them these, POST adds these. `latest` stays where nothing is said of it. */
function severalRoutes(services: PackageServices): readonly Route[] {
  const several = [
    { method: 'put', summary: 'Make these the dist-tags of a package' },
    { method: 'post', summary: 'Set several dist-tags of a package' },
  ] as const;
  return several.map(({ method, summary }) =>
    route({
      method,
      readsBody: { next: z.string().optional().meta({ description: 'A version; the same for each dist-tag.' }) },
      path: TAGS,
      tag: PACKAGE_TAG,
      asksCode: true,
      summary,
      access: 'granted',
      params: { package: NAME_TO_WRITE },
      takesAnyQuery: true,
      answers: { 201: WRITTEN },
      errors: [...ERRORS],
      handle: async ({ c, params: { package: name } }) => {
        requirePackageRight(c, 'publish', name);
        const set = tagsIn(await jsonOf(c));
        const removed = method === 'put' ? await othersThan(set, services, name) : [];
        const { revision } = await services.packages.tag(name, { set, removed }, await signedBy(c, 'publish', name));
        return done(c, 201, name, revision, 'packages tagged');
      },
    }),
  );
}

async function othersThan(set: object, { packages }: PackageServices, name: string): Promise<readonly string[]> {
  const state = await packages.state(name);
  if (state === null) throw noPackage(name);
  return Object.keys(state.tags).filter((tag) => tag !== LATEST && !Object.hasOwn(set, tag));
}

function tagsIn(value: unknown): Readonly<Record<string, string>> {
  const tags = asObject('body', value);
  for (const [tag, version] of Object.entries(tags)) {
    if (typeof version !== 'string') throw wrongType(tag, 'a version', version);
  }
  return tags as Record<string, string>;
}

/** Whatever it is said to be: some clients say nothing of it. */
async function jsonOf(c: RegistryContext): Promise<unknown> {
  return parseStrictJson(await readBytes(c.req.raw, c.env));
}
