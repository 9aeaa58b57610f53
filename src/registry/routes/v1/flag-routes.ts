/**
 * Flags of a config: all of them in a list, and each rich flag with its definition. What they answer is asked
 * elsewhere.
 * @module
 */
import { z } from 'zod';
import { flagStream } from '../../../config/streams.ts';
import { parseFlagKey } from '../../../flags/definition.ts';
import type { Flag } from '../../../flags/flag.ts';
import type { FlagChange } from '../../../flags/flag-change.ts';
import type { Resource } from '../../../journal/resources.ts';
import { isBound } from '../../bound-features.ts';
import { etagOf } from '../../conditions.ts';
import { expectedOf, permit, type RegistryContext } from '../../context.ts';
import { listFlags, type FlagServices } from '../../flag-list.ts';
import { changeFlag } from '../../flag-writes.ts';
import { given, LIMIT } from '../../parse.ts';
import { route, type Need, type Route } from '../../route.ts';
import { FLAG, FLAG_INPUT, FLAG_PAGE } from './flag-schemas.ts';
import { NAMED, REASON_QUERY, SAID } from './inputs.ts';

const FLAGS = '/api/v1/configs/:name/flags';
export const FLAG_TAG = 'flags';
export const FLAG_ERRORS = ['ERR_FLAG_INVALID', 'ERR_OUT_OF_RANGE', 'ERR_REVISION_CONFLICT'] as const;

export const ONE_FLAG = {
  ...NAMED,
  key: z
    .string()
    .transform(parseFlagKey)
    .meta({
      description: 'The key of a rich flag.',
      example: 'banner',
      override: { pattern: '^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$' },
    }),
};
const EXAMPLE = {
  definition: {
    state: 'ENABLED',
    variants: { short: 'Hello', long: 'A good day to you' },
    defaultVariant: 'short',
    targeting: { if: [{ ends_with: [{ var: 'email' }, '@example.com'] }, 'long'] },
  },
  owner: 'team-shop',
  tags: ['texts'],
};

export function v1FlagRoutes(services: FlagServices): readonly Route[] {
  return [
    listRoute(services),
    readRoute(services),
    putRoute(services),
    patchRoute(services),
    deleteRoute(services),
    moveRoute(services, 'archive', 'Archive a flag: it stays, and is not evaluated', () => ({
      kind: 'archive',
      at: Date.now(),
    })),
    moveRoute(services, 'restore', 'Take a flag back out of the archive', () => ({ kind: 'restore' })),
  ];
}

function listRoute(services: FlagServices): Route {
  return route({
    method: 'get',
    path: FLAGS,
    tag: FLAG_TAG,
    summary: 'All flags of a config, features and rich ones, by key',
    description: 'Features need the right to read the config, rich flags that to read the flags.',
    access: 'granted',
    params: NAMED,
    query: {
      kind: z.enum(['feature', 'rich']).optional(),
      tag: z.string().optional(),
      owner: z.string().optional(),
      archived: z.enum(['true', 'false', 'all']).default('false'),
      q: z.string().max(100).optional().meta({ description: 'A part of the key or of the description.' }),
      limit: LIMIT,
      cursor: z.string().max(100).default(''),
    },
    answers: { 200: { description: 'One page', schema: FLAG_PAGE } },
    errors: ['ERR_NOT_FOUND'],
    handle: async ({ c, principal, params: { name }, query: { archived, limit, cursor, ...wanted } }) => {
      const isArchived = archived === 'all' ? undefined : archived === 'true';
      const found = await listFlags(services, name, principal, { ...wanted, isArchived });
      const rest = found.filter(({ key }) => key > cursor);
      const page = rest.slice(0, limit);
      return c.json({ flags: page, cursor: rest.length > limit ? page.at(-1)!.key : null });
    },
  });
}

function readRoute(services: FlagServices): Route {
  return route({
    method: 'get',
    path: `${FLAGS}/:key`,
    tag: FLAG_TAG,
    summary: 'One rich flag',
    access: ({ params }) => [{ action: 'read', stream: flagStream(params.name, params.key) }],
    params: ONE_FLAG,
    answers: { 200: { description: 'The flag', schema: FLAG } },
    errors: ['ERR_NOT_FOUND', 'ERR_FLAG_INVALID'],
    handle: async ({ c, params: { name, key } }) => {
      await services.operations.get(name);
      return await answerFlag(c, services, name, await services.flags.get(name, key));
    },
  });
}

function putRoute(services: FlagServices): Route {
  return route({
    ...writeOf('put', 'Make or replace a rich flag; an archived one stays archived'),
    body: { ...FLAG_INPUT, ...SAID },
    answers: {
      200: { description: 'It was replaced', schema: FLAG },
      201: { description: 'It was made', schema: FLAG },
    },
    example: EXAMPLE,
    handle: async ({ c, params: { name, key }, body: { reason, force, ...input } }) => {
      const isNew = (await services.flags.find(name, key)) === null;
      const change = { kind: 'put', input: given(input) } as const;
      const made = await changed(c, services, { name, key }, change, { reason, force });
      return await answerFlag(c, services, name, made!, isNew ? 201 : 200);
    },
  });
}

function patchRoute(services: FlagServices): Route {
  return route({
    ...writeOf('patch', 'Change parts of a rich flag: facts, and single fields of its definition'),
    description: 'Of the definition, fields that are left out stay, and null takes one away.',
    body: { ...FLAG_INPUT, ...SAID },
    answers: { 200: { description: 'The flag as it is now', schema: FLAG } },
    example: { definition: { defaultVariant: 'long' }, owner: 'team-checkout', reason: 'it is theirs now' },
    handle: async ({ c, params: { name, key }, body: { reason, force, ...input } }) => {
      const change = { kind: 'patch', input: given(input) } as const;
      const made = await changed(c, services, { name, key }, change, { reason, force });
      return await answerFlag(c, services, name, made!);
    },
  });
}

function deleteRoute(services: FlagServices): Route {
  return route({
    ...writeOf('delete', 'Delete a rich flag; its history stays, and so does the bit that followed it'),
    query: REASON_QUERY,
    answers: { 204: { description: 'It is gone' } },
    handle: async ({ c, params: { name, key }, query: { reason } }) => {
      await changed(c, services, { name, key }, { kind: 'delete' }, { reason });
      return c.body(null, 204);
    },
  });
}

function moveRoute(
  services: FlagServices,
  verb: 'archive' | 'restore',
  summary: string,
  changeNow: () => FlagChange,
): Route {
  return route({
    ...writeOf('post', summary),
    path: `${FLAGS}/:key/${verb}`,
    body: SAID,
    answers: { 200: { description: 'The flag as it is now', schema: FLAG } },
    example: { reason: 'nobody asks for it' },
    handle: async ({ c, params: { name, key }, body }) => {
      const made = await changed(c, services, { name, key }, changeNow(), body);
      return await answerFlag(c, services, name, made!);
    },
  });
}

/** What the routes that write one flag share. */
function writeOf<M extends 'put' | 'patch' | 'post' | 'delete'>(method: M, summary: string) {
  return {
    method,
    path: `${FLAGS}/:key`,
    tag: FLAG_TAG,
    summary,
    access: ({ params: { name, key } }: { params: { name: string; key: string } }): readonly Need[] => [
      { action: 'write', stream: flagStream(name, key) },
    ],
    params: ONE_FLAG,
    conditional: true,
    errors: [...FLAG_ERRORS, 'ERR_NOT_FOUND', 'ERR_CONFIG_INVALID'] as const,
  };
}

interface Place {
  readonly name: string;
  readonly key: string;
}

async function changed(
  c: RegistryContext,
  services: FlagServices,
  { name, key }: Place,
  change: FlagChange,
  said: { readonly reason?: string | undefined; readonly force?: boolean | undefined },
): Promise<Resource<Flag> | null> {
  const principal = c.get('principal');
  const find = async () => {
    const found = await services.flags.find(name, key);
    return found === null ? null : await viewOf(services, name, found);
  };
  return await changeFlag(services, name, key, change, {
    ...given(said),
    actor: principal.actor,
    expected: await expectedOf(c, find),
    permit: (stream, touched) => permit(principal, stream, touched),
  });
}

async function answerFlag(
  c: RegistryContext,
  services: FlagServices,
  config: string,
  flag: Resource<Flag>,
  status: 200 | 201 = 200,
): Promise<Response> {
  c.header('etag', etagOf(flag));
  return c.json(await viewOf(services, config, flag), status);
}

async function viewOf({ operations, lastEvaluated }: FlagServices, config: string, flag: Resource<Flag>) {
  const { key, value, revision, modifiedAt, modifiedBy } = flag;
  const features = await operations.store.features(config);
  const known = { isBound: isBound(config, key, value, features), lastEvaluatedAt: lastEvaluated.of(config, key) };
  return { config, key, ...value, ...known, revision, modifiedAt, modifiedBy };
}
