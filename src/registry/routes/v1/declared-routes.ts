/** What a team has declared beside its configs: templates and rules, the built-in ones shown with them. @module */
import { z } from 'zod';
import { may, requireRight } from '../../../auth/rights.ts';
import { RULES } from '../../../config/rules.ts';
import { BUILTIN_TEMPLATES, describeTemplate } from '../../../config/templates.ts';
import { ConfigError, type ErrorCode } from '../../../errors/errors.ts';
import type { Resource, Resources, ResourceWrite } from '../../../journal/resources.ts';
import { etagOf } from '../../conditions.ts';
import { expectedOf, type Services } from '../../context.ts';
import { given, LIMIT } from '../../parse.ts';
import { route, type Route, type Shape } from '../../route.ts';
import { judgedBelow, REASON_QUERY, SAID } from './inputs.ts';
import { CURSOR, RULE, TEMPLATE } from './schemas.ts';

/** One kind of declared things, and all that its routes differ by. */
interface Kind<T> {
  readonly kind: 'template' | 'rule';
  readonly keyName: 'name' | 'code';
  readonly example: string;
  readonly schema: z.ZodType;
  readonly resources: Resources<T>;
  readonly builtin: readonly { readonly key: string; readonly shown: object }[];
  readonly shown: (value: T) => object;
  readonly put: (key: string, input: unknown, write: ResourceWrite) => Promise<Resource<T>>;
  readonly body: Shape;
  readonly bodyExample: object;
  readonly errors: readonly ErrorCode[];
  /** Whether writing them may still change. */
  readonly isBeta: boolean;
}

const FEATURES = judgedBelow(z.array(z.string()));
const UNCHANGED = { revision: 0, modifiedAt: null, modifiedBy: null, isBuiltin: true };

export function v1DeclaredRoutes({ operations: { declarations } }: Services): readonly Route[] {
  return [
    ...routesFor({
      kind: 'template',
      keyName: 'name',
      example: 'team-default',
      schema: TEMPLATE,
      resources: declarations.templates,
      builtin: BUILTIN_TEMPLATES.map((one) => ({ key: one.name, shown: describeTemplate(one) })),
      shown: (template) => template,
      put: (name, input, write) => declarations.putTemplate(name, input, write),
      body: {
        description: judgedBelow(z.string().max(500)),
        set: FEATURES,
        clear: FEATURES,
        terminalMode: judgedBelow(z.union([z.int().min(0).max(3), z.enum(['disabled', 'cooked', 'raw', 'pipe'])])),
        rows: judgedBelow(z.int().min(1).max(255)),
        cols: judgedBelow(z.int().min(1).max(255)),
      },
      bodyExample: { description: 'What we begin with', set: ['metrics', 'logging'], rows: 40 },
      errors: ['ERR_TEMPLATE_INVALID', 'ERR_FEATURE_NAME'],
      isBeta: false,
    }),
    ...routesFor({
      kind: 'rule',
      keyName: 'code',
      example: 'TEAM_METRICS',
      schema: RULE,
      resources: declarations.rules,
      builtin: RULES.map(({ code, severity, path, hint }) => ({ key: code, shown: { severity, path, hint } })),
      shown: (rule) => rule,
      put: (code, input, write) => declarations.putRule(code, input, write),
      body: RULE_BODY,
      bodyExample: {
        severity: 'error',
        message: 'New code paths need metrics',
        hint: 'Turn metrics on first.',
        when: { on: ['beta_feature'], environment: 'production' },
        require: { on: ['metrics'] },
      },
      errors: ['ERR_USAGE', 'ERR_FEATURE_NAME'],
      isBeta: true,
    }),
  ];
}

const RULE_BODY = {
  severity: judgedBelow(z.enum(['error', 'warning'])),
  message: judgedBelow(z.string().min(1).max(500)),
  hint: judgedBelow(z.string().min(1).max(500)),
  when: judgedBelow(
    z
      .strictObject({ on: z.array(z.string()), off: z.array(z.string()), environment: z.string(), service: z.string() })
      .partial()
      .meta({ description: 'All that is given must hold; `environment` and `service` are patterns.' }),
  ),
  require: judgedBelow(
    z
      .strictObject({
        on: z.array(z.string()),
        off: z.array(z.string()),
        terminalMode: z.union([z.int().min(0).max(3), z.string()]),
        maxRollout: z.record(z.string(), z.number().min(0).max(100)),
      })
      .partial()
      .meta({ description: 'What is asked for then, one thing at least.' }),
  ),
};

function routesFor<T>(of: Kind<T>): readonly Route[] {
  return [listRoute(of), readRoute(of), putRoute(of), deleteRoute(of)];
}

function listRoute<T>(of: Kind<T>): Route {
  const { kind, keyName, schema, resources, builtin } = of;
  const items = `${kind}s`;
  return route({
    method: 'get',
    path: `/api/v1/${items}`,
    tag: items,
    summary: `The ${items} there are, built in and your own, by ${keyName}`,
    access: 'granted',
    query: { limit: LIMIT, cursor: z.string().max(255).default('') },
    answers: { 200: { description: 'One page', schema: z.object({ [items]: z.array(schema), cursor: CURSOR }) } },
    handle: async ({ c, principal, query: { limit, cursor } }) => {
      const own = (await resources.all()).filter(({ key }) => may(principal, 'read', `${kind}:${key}`));
      const all = [
        ...builtin.map(({ key, shown }) => ({ key, item: { [keyName]: key, ...shown, ...UNCHANGED } })),
        ...own.map((one) => ({ key: one.key, item: itemOf(of, one) })),
      ].toSorted((a, b) => (a.key < b.key ? -1 : 1));
      const rest = all.filter(({ key }) => key > cursor);
      const page = rest.slice(0, limit);
      return c.json({
        [items]: page.map(({ item }) => item),
        cursor: rest.length > limit ? page.at(-1)!.key : null,
      });
    },
  });
}

function readRoute<T>(of: Kind<T>): Route {
  const { kind, keyName, schema, resources, builtin } = of;
  return route({
    ...oneOf(of),
    method: 'get',
    summary: `One ${kind}`,
    access: 'granted',
    answers: { 200: { description: `The ${kind}`, schema } },
    errors: ['ERR_NOT_FOUND'],
    handle: async ({ c, principal, params }) => {
      const key = String(params[keyName]);
      const known = builtin.find((one) => one.key === key);
      if (known !== undefined) return c.json({ [keyName]: key, ...known.shown, ...UNCHANGED });
      requireRight(principal, 'read', `${kind}:${key}`);
      const found = await resources.get(key);
      c.header('etag', etagOf(found));
      return c.json(itemOf(of, found));
    },
  });
}

function putRoute<T>(of: Kind<T>): Route {
  const { kind, keyName, schema, put, body, bodyExample, errors, isBeta } = of;
  return route({
    ...oneOf(of),
    method: 'put',
    summary: `Make or replace a ${kind}`,
    isBeta,
    access: ({ params }) => [{ action: 'write', stream: `${kind}:${String(params[keyName])}` }],
    conditional: true,
    body: { ...body, reason: SAID.reason } as Shape,
    answers: {
      200: { description: 'It was replaced', schema },
      201: { description: 'It was made', schema },
    },
    errors,
    example: bodyExample,
    handle: async ({ c, principal, params, body: { reason, ...input } }) => {
      const key = String(params[keyName]);
      const find = async () => await findItem(of, key);
      const write = { actor: principal.actor, reason: reason as string | undefined };
      const [expected, isNew] = [await expectedOf(c, find), (await find()) === null];
      const made = await put(key, given(input), { ...write, expected });
      c.header('etag', etagOf(made));
      return c.json(itemOf(of, made), isNew ? 201 : 200);
    },
  });
}

function deleteRoute<T>(of: Kind<T>): Route {
  const { kind, keyName, resources, builtin, isBeta } = of;
  return route({
    ...oneOf(of),
    method: 'delete',
    summary: `Delete a ${kind} of your own`,
    isBeta,
    access: ({ params }) => [{ action: 'write', stream: `${kind}:${String(params[keyName])}` }],
    conditional: true,
    query: REASON_QUERY,
    answers: { 204: { description: 'It is gone' } },
    errors: ['ERR_NOT_FOUND'],
    handle: async ({ c, principal, params, query: { reason } }) => {
      const key = String(params[keyName]);
      if (builtin.some((one) => one.key === key)) throw builtIn(kind, key);
      const expected = await expectedOf(c, async () => await findItem(of, key));
      await resources.delete(key, { actor: principal.actor, reason, expected });
      return c.body(null, 204);
    },
  });
}

/** What the routes of a single one share. */
function oneOf({ kind, keyName, example }: Pick<Kind<never>, 'kind' | 'keyName' | 'example'>) {
  const key = z
    .string()
    .max(255)
    .meta({ description: `The ${keyName} of a ${kind}.`, example });
  const params: Shape = { [keyName]: key };
  return { path: `/api/v1/${kind}s/:${keyName}`, tag: `${kind}s`, params };
}

async function findItem<T>(of: Kind<T>, key: string) {
  const found = await of.resources.find(key);
  return found === null ? null : itemOf(of, found);
}

function itemOf<T>({ keyName, shown }: Kind<T>, { key, revision, modifiedAt, modifiedBy, value }: Resource<T>) {
  return { [keyName]: key, ...shown(value), revision, modifiedAt, modifiedBy, isBuiltin: false };
}

function builtIn(kind: string, key: string): ConfigError {
  return new ConfigError('ERR_FORBIDDEN', {
    message: `The ${kind} '${key}' is built in`,
    hint: 'Built-in ones stay as they are; make one of your own.',
    details: { rule: 'builtin' },
  });
}
