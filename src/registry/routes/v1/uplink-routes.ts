/**
 * Other registries that packages are taken from, as administrators declare them. What is secret is never shown again.
 * @module
 */
import { z } from 'zod';
import type { Resource } from '../../../journal/resources.ts';
import { isReachable, UPLINK_DEFAULTS, type Uplink, type UplinkDeclaration } from '../../../packages/uplinks/uplink.ts';
import { ConfigError } from '../../../errors/errors.ts';
import { etagOf } from '../../conditions.ts';
import { expectedOf, type RegistryContext } from '../../context.ts';
import type { UplinkServices } from '../../npm/open-uplinks.ts';
import { NAME_TEXT } from '../../parse.ts';
import { route, type Route } from '../../route.ts';

const PATH = '/api/v1/uplinks';
const TAG = 'uplinks';
const NAMED = { name: NAME_TEXT };

const DECLARED = {
  url: z.string().nullable().describe('An http or https URL; null: what it matches is ours, and nobody is asked'),
  patterns: z
    .array(z.string())
    .default([...UPLINK_DEFAULTS.patterns])
    .describe('Of names, such as `@tools/*`'),
  isEnabled: z.boolean().default(UPLINK_DEFAULTS.isEnabled),
  timeout_ms: z.int().default(UPLINK_DEFAULTS.timeout_ms).describe('For a document; for a tarball, of silence'),
  retries: z.int().default(UPLINK_DEFAULTS.retries),
  maxAge_s: z.int().default(UPLINK_DEFAULTS.maxAge_s).describe('How long nobody asks again how a package is'),
  negativeAge_s: z.int().default(UPLINK_DEFAULTS.negativeAge_s).describe('The same for what was not there'),
  order: z.int().default(UPLINK_DEFAULTS.order).describe('Lower ones are asked first'),
};
const CREDENTIALS = z
  .looseObject({})
  .nullable()
  .optional()
  .describe('`{ token }` or `{ user, password }`; null takes them away, left out they stay while the origin does');
const VIEW = z
  .object({
    name: z.string(),
    revision: z.int().nullable().describe('null: it is declared by nobody, but what there is while none is'),
    ...DECLARED,
    hasCredentials: z.boolean(),
    rest_s: z.int().describe('Seconds that it is left alone, because it failed too often'),
  })
  .meta({ id: 'Uplink' });
const TESTED = z.object({
  isReached: z.boolean(),
  status: z.int().nullable(),
  fault: z.string().nullable(),
  duration_ms: z.number(),
});

const LISTED = z.object({
  uplinks: z.array(VIEW),
  whyNobody: z.string().nullable().describe('Why nobody is asked for packages; null: uplinks are asked'),
  default: z
    .object({ url: z.string().nullable(), reason: z.string().nullable().describe('Why there is none') })
    .describe('Who is asked because no uplink is declared'),
});

type View = z.infer<typeof VIEW>;
const administers = () => [{ action: 'administer', stream: 'uplink:*' }] as const;

export function uplinkRoutes(services: UplinkServices): readonly Route[] {
  return [listRoute(services), testRoute(services), ...changeRoutes(services)];
}

function listRoute(services: UplinkServices): Route {
  return route({
    method: 'get',
    path: PATH,
    tag: TAG,
    summary: 'Uplinks in the order in which they are asked, without their credentials',
    access: administers,
    answers: { 200: { description: 'All of them, and whether anybody is asked', schema: LISTED } },
    errors: ['ERR_UPLINK'],
    handle: async ({ c }) => {
      const revisions = new Map(
        (await services.declaredUplinks.resources.all()).map(({ key, revision }) => [key, revision]),
      );
      const all = await services.declaredUplinks.all();
      const uplinks = all.map((uplink) => viewOf(services, uplink, revisions.get(uplink.name) ?? null));
      return c.json({ uplinks, whyNobody: await services.whyNobody(), default: defaultOf(services, uplinks) });
    },
  });
}

function defaultOf({ whyNoDefault }: UplinkServices, uplinks: readonly View[]): z.infer<typeof LISTED>['default'] {
  const found = uplinks.find(({ revision }) => revision === null);
  if (found !== undefined) return { url: found.url, reason: null };
  return { url: null, reason: uplinks.length > 0 ? 'uplinks are declared' : whyNoDefault() };
}

function changeRoutes(services: UplinkServices): readonly Route[] {
  const { declaredUplinks: declared } = services;
  return [
    route({
      method: 'put',
      path: `${PATH}/:name`,
      tag: TAG,
      asksCode: true,
      summary: 'Declare an uplink, or change one',
      access: administers,
      conditional: true,
      isSecret: true,
      params: NAMED,
      body: { ...DECLARED, credentials: CREDENTIALS, reason: z.string().optional() },
      answers: { 200: { description: 'The uplink', schema: VIEW } },
      example: { url: 'https://packages.example', patterns: ['@tools/*'] },
      handle: async ({ c, params: { name }, body: { reason, ...wanted } }) => {
        const uplink = await declared.put(name, wanted, await writeOf(c, () => declared.resources.find(name), reason));
        return answered(c, services, uplink);
      },
    }),
    route({
      method: 'delete',
      path: `${PATH}/:name`,
      tag: TAG,
      asksCode: true,
      summary: 'Forget an uplink and its credentials',
      access: administers,
      conditional: true,
      params: NAMED,
      answers: { 204: { description: 'It is gone' } },
      errors: ['ERR_NOT_FOUND'],
      handle: async ({ c, params: { name } }) => {
        await declared.delete(name, await writeOf(c, () => declared.resources.find(name)));
        return c.body(null, 204);
      },
    }),
  ];
}

function testRoute({ uplinks, declaredUplinks, whySilent }: UplinkServices): Route {
  return route({
    method: 'post',
    path: `${PATH}/:name/test`,
    tag: TAG,
    summary: 'Whether an uplink answers, asked once and now',
    description:
      'While this registry asks no uplink, being offline for example, the answer says so, and nobody is asked.',
    access: administers,
    writes: false,
    params: NAMED,
    body: {},
    answers: { 200: { description: 'How it went', schema: TESTED } },
    errors: ['ERR_NOT_FOUND', 'ERR_UPLINK'],
    handle: async ({ c, params: { name } }) => {
      const uplink = (await declaredUplinks.all()).find((one) => one.name === name);
      if (uplink === undefined || !isReachable(uplink)) throw nobody(name);
      const silent = whySilent();
      if (silent !== null)
        return c.json({ isReached: false, status: null, fault: `it is not asked: ${silent}`, duration_ms: 0 });
      return c.json(await uplinks.test(uplink));
    },
  });
}

function answered(c: RegistryContext, services: UplinkServices, resource: Resource<UplinkDeclaration>): Response {
  c.header('etag', etagOf(resource));
  return c.json(viewOf(services, { ...resource.value, name: resource.key }, resource.revision));
}

function viewOf(
  { uplinks, declaredUplinks }: UplinkServices,
  { name, ...uplink }: Omit<Uplink, 'authorization'> & { authorization?: string | null },
  revision: number | null,
): View {
  const { url, patterns, isEnabled, timeout_ms, retries, maxAge_s, negativeAge_s, order } = uplink;
  const settings = { url, patterns: [...patterns], isEnabled, timeout_ms, retries, maxAge_s, negativeAge_s, order };
  const hasCredentials = declaredUplinks.hasCredentials(name, url);
  return { name, revision, ...settings, hasCredentials, rest_s: url === null ? 0 : uplinks.rest_s({ name, url }) };
}

async function writeOf(
  c: RegistryContext,
  find: () => Promise<{ readonly revision: number } | null>,
  reason?: string,
): Promise<{ actor: string; reason: string | undefined; expected: number | undefined }> {
  return { actor: c.get('principal').actor, reason, expected: await expectedOf(c, find) };
}

function nobody(name: string): ConfigError {
  return new ConfigError('ERR_NOT_FOUND', {
    message: `There is no uplink ${JSON.stringify(name)} that could be asked`,
    hint: 'List them to see which are declared, switched on and have a url.',
    details: { what: `uplink ${name}` },
  });
}
