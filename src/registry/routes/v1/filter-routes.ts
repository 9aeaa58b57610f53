/** Package filters, as administrators declare them: which versions of what uplinks have are let through. @module */
import { z } from 'zod';
import type { Resource } from '../../../journal/resources.ts';
import { EFFECTS, type FilterDeclaration } from '../../../packages/filters/filter.ts';
import { etagOf } from '../../conditions.ts';
import { expectedOf, type RegistryContext } from '../../context.ts';
import type { UplinkServices } from '../../npm/open-uplinks.ts';
import { NAME_TEXT } from '../../parse.ts';
import { route, type Route } from '../../route.ts';

const PATH = '/api/v1/package-filters';
const TAG = 'uplinks';
const NAMED = { name: NAME_TEXT };

const DECLARED = {
  effect: z.enum(EFFECTS).describe('`block` hides what it meets, `only` the rest; `allow` beats both'),
  names: z.string().describe('A pattern of names, such as `@tools/*`; `*` for all'),
  versions: z.string().nullable().default(null).describe('A semver range'),
  licences: z.array(z.string()).nullable().default(null).describe('SPDX identifiers'),
  minAge_s: z.int().nullable().default(null).describe('With `block`: what was published less than so long ago'),
};
const VIEW = z.object({ name: z.string(), revision: z.int(), ...DECLARED }).meta({ id: 'PackageFilter' });

const administers = () => [{ action: 'administer', stream: 'package_filter:*' }] as const;

export function filterRoutes({ packageFilters: filters }: Pick<UplinkServices, 'packageFilters'>): readonly Route[] {
  const list = route({
    method: 'get',
    path: PATH,
    tag: TAG,
    summary: 'Package filters',
    access: administers,
    answers: { 200: { description: 'All of them, by name', schema: z.object({ filters: z.array(VIEW) }) } },
    handle: async ({ c }) => c.json({ filters: (await filters.resources.all()).map(viewOf) }),
  });
  const put = route({
    method: 'put',
    path: `${PATH}/:name`,
    tag: TAG,
    asksCode: true,
    summary: 'Make or replace a package filter',
    access: administers,
    conditional: true,
    params: NAMED,
    body: { ...DECLARED, names: DECLARED.names.optional(), reason: z.string().optional() },
    answers: { 200: { description: 'The filter', schema: VIEW } },
    example: { effect: 'block', names: '*', minAge_s: 604_800 },
    handle: async ({ c, params: { name }, body: { reason, ...wanted } }) => {
      const write = { actor: c.get('principal').actor, reason, expected: await expected(c, name) };
      return answered(c, await filters.put(name, wanted, write));
    },
  });
  const remove = route({
    method: 'delete',
    path: `${PATH}/:name`,
    tag: TAG,
    asksCode: true,
    summary: 'Delete a package filter',
    access: administers,
    conditional: true,
    params: NAMED,
    answers: { 204: { description: 'It is gone' } },
    errors: ['ERR_NOT_FOUND'],
    handle: async ({ c, params: { name } }) => {
      await filters.delete(name, { actor: c.get('principal').actor, expected: await expected(c, name) });
      return c.body(null, 204);
    },
  });
  const expected = (c: RegistryContext, name: string): Promise<number | undefined> =>
    expectedOf(c, () => filters.resources.find(name));
  return [list, put, remove];
}

function answered(c: RegistryContext, filter: Resource<FilterDeclaration>): Response {
  c.header('etag', etagOf(filter));
  return c.json(viewOf(filter));
}

function viewOf({ key, revision, value }: Resource<FilterDeclaration>): z.infer<typeof VIEW> {
  const { effect, names, versions, licences, minAge_s } = value;
  return { name: key, revision, effect, names, versions, licences: licences && [...licences], minAge_s };
}
