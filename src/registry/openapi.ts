/**
 * The description of the interface in OpenAPI 3.1, made from the table of routes: nothing is said here of a single one.
 * @module
 */
import { z } from 'zod';
import {
  createDocument,
  type oas31,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponseObject,
} from 'zod-openapi';
import type { ErrorCode } from '../errors/errors.ts';
import { isNpmPath } from './npm/npm-paths.ts';
import { operationIdOf } from './operation-id.ts';
import { STATUS } from './problem.ts';
import { errorsOf, headersOf } from './route-errors.ts';
import type { Answer, Route } from './route.ts';

export type OpenApiDocument = oas31.OpenAPIObject;

/** Pages for people, and the short forms of what is described in full. */
const LEFT_OUT = ['pages', 'short forms'];

const ABOUT = `One log, many projections: configs of 13 bytes, their past, and who may do what.

Bodies and answers are JSON in UTF-8. Times are milliseconds since 1970 (parameters also take an ISO time with its
zone), percentages 0-100. A parameter or field that is not known is refused, never ignored. A write is answered when its
entry is on disk; after an error nothing has changed.

**Who asks.** While the registry knows no user, whoever runs it may do everything. From the first user on, a request
shows a token: \`Authorization: Bearer ...\`.

**Lists** take \`limit\` and \`cursor\`; the \`cursor\` of an answer asks for the next page, null says that there is
none. They show what you may read.

**Conditions.** The \`ETag\` of an answer is the thing's revision. \`If-Match\` writes at that revision only,
\`If-None-Match: *\` only makes what is not there; otherwise the answer is 412 with what is there in \`current\`.

**Repeating.** A write with an \`Idempotency-Key\` that comes again within a day is answered as the first time, with
\`Idempotency-Replayed: true\`, and not done again.

**Errors** are problem details (RFC 9457) with a stable \`code\`, and a \`hint\` that says what to do.`;

const TAGS: Readonly<Record<string, string>> = {
  configs: 'Configs as things: list, make, read, change, judge, delete; many in one request.',
  changes: 'Changes of a config that have a name: a template, a reset, a migration, and the ways back.',
  features: 'Single features of a config, their rollouts, and what a service calls its bits.',
  flags: 'Rich flags of a config beside its features: definitions, facts, files of other services, and what is stale.',
  past: 'What a config was, when it changed, and who changed it.',
  templates: 'Settings for many configs under one name, built in and your own.',
  rules: 'What a config is judged by, built in and your own.',
  requests: 'Changes that wait: for a second person, for their time, or for the step before.',
  journal: 'Who did what, copies of all of it, and how far it is.',
  alerts: 'Figures that are watched, and who is told.',
  'sign-in': 'From a name and a password to a session, and its end.',
  users: 'Who there is.',
  grants: 'Who has which role over which streams.',
  tokens: 'What programs sign in with.',
  keys: 'What sessions are signed with.',
  evaluation: 'What flags answer: the OpenFeature Remote Evaluation Protocol.',
  uplinks: 'Other registries that packages are taken from, and what of theirs is let through.',
  packages: 'Packages as package managers ask for them, and how they are looked after.',
  streams: 'A config as it changes, told as it happens.',
  health: 'How the registry does, for whoever watches over it.',
};

const PROBLEM = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().meta({ description: 'What is wrong and where, one sentence.' }),
    code: z.enum(Object.keys(STATUS) as [ErrorCode, ...ErrorCode[]]).meta({ description: 'Stable.' }),
    hint: z.string().meta({ description: 'What to do about it, one sentence.' }),
    details: z.record(z.string(), z.unknown()).meta({ description: 'Data, by code.' }),
    current: z.unknown().optional().meta({ description: 'With 412: what is there, or null.' }),
  })
  .meta({ id: 'Problem', description: 'Why nothing was done.', unusedIO: 'output' });

const NPM_PROBLEM = PROBLEM.extend({
  error: z.string().meta({ description: 'What clients show: `detail` and `hint`.' }),
}).meta({
  id: 'NpmProblem',
  description: 'The same, for clients of npm.',
  unusedIO: 'output',
});

const IF_MATCH = z
  .string()
  .optional()
  .meta({
    description: 'The ETag that was seen: the write is refused at any other revision.',
    param: { id: 'IfMatch' },
  });
const IF_NONE_MATCH = z
  .string()
  .optional()
  .meta({
    description: 'Of a write, `*`: only make what is not there. Of a read, ETags that the reader has: 304 then.',
    param: { id: 'IfNoneMatch' },
  });
const KEY = z
  .string()
  .min(1)
  .max(200)
  .optional()
  .meta({
    description: 'A new one for each change, such as a random UUID: repeated, the request is done once.',
    param: { id: 'IdempotencyKey' },
  });
const ETAG = { ETag: { description: 'The revision of what is answered.', schema: { type: 'string' } } } as const;

/**
 * @example
 * const document = describeRoutes(routes, '0.1.0');
 * document.paths['/api/v1/configs/{name}'].get.summary; // 'One config'
 */
export function describeRoutes(routes: readonly Route[], version: string): OpenApiDocument {
  const paths: ZodOpenApiPathsObject = {};
  const known = new Set(routes.map(({ path }) => path));
  const shown = routes.filter(({ tag, path }) => !LEFT_OUT.includes(tag) && !isTwin(path, known));
  for (const route of shown) (paths[templateOf(route.path)] ??= {})[route.method] = operationOf(route, shown);
  const document = createDocument(
    {
      openapi: '3.1.1',
      info: { title: '13-Byte Config', version, description: ABOUT, license: { name: 'MIT', identifier: 'MIT' } },
      servers: [{ url: '/' }],
      tags: [...new Set(shown.map(({ tag }) => tag))].map((name) => ({ name, description: TAGS[name] ?? '' })),
      security: [{ bearer: [] }, { key: [] }, { session: [] }],
      paths,
      components: {
        schemas: { Problem: PROBLEM, NpmProblem: NPM_PROBLEM },
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'A token, or what signing in has answered.' },
          key: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'The same as `bearer`.' },
          session: { type: 'apiKey', in: 'cookie', name: 'c13_session', description: 'A browser that signed in.' },
        },
      },
    },
    // The words of a refusal are no part of a schema.
    { override: ({ jsonSchema }) => void delete (jsonSchema as { expected?: unknown }).expected },
  );
  return document as OpenApiDocument;
}

/** `/-/health` beside `/health`: the same, where no package can be in its way. */
function isTwin(path: string, known: ReadonlySet<string>): boolean {
  return path.startsWith('/-/') && known.has(path.slice('/-'.length));
}

/** `/api/v1/configs/:name` as `/api/v1/configs/{name}`. */
function templateOf(path: string): string {
  return path.replace(/:([a-zA-Z]+)/g, '{$1}');
}

function operationOf(route: Route, shown: readonly Route[]): ZodOpenApiOperationObject {
  const { tag, summary, description, access, params, query, answers } = route;
  const headers = headersOf(route);
  const header = {
    ...(headers.ifMatch ? { 'If-Match': IF_MATCH } : {}),
    ...(headers.ifNoneMatch ? { 'If-None-Match': IF_NONE_MATCH } : {}),
    ...(headers.key ? { 'Idempotency-Key': KEY } : {}),
  };
  const responses: Record<string, ReturnType<typeof answered>> = {};
  for (const [status, codes] of errorsOf(route)) responses[status] = refused(codes, isNpmPath(route.path));
  for (const [status, answer] of Object.entries(answers)) {
    const said = answered(answer, headers.ifNoneMatch);
    const problem = responses[status];
    responses[status] = {
      ...said,
      ...(problem === undefined ? {} : { content: { ...problem.content, ...said.content } }),
    };
  }
  return {
    operationId: operationIdOf(route, shown),
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(access === 'public' ? { security: [] } : {}),
    ...(route.isBeta === true ? { 'x-beta': true } : {}),
    requestParams: {
      ...(params === undefined ? {} : { path: z.object(params) }),
      ...(query === undefined ? {} : { query: z.object(query) }),
      ...(Object.keys(header).length === 0 ? {} : { header: z.object(header) }),
    },
    ...bodyOf(route),
    responses,
  };
}

function bodyOf({ body, readsBody, example }: Route): Pick<ZodOpenApiOperationObject, 'requestBody'> {
  const shape = body ?? readsBody ?? {};
  if (Object.keys(shape).length === 0) return {};
  const schema = body === undefined ? z.looseObject(shape) : z.strictObject(shape);
  const required = !schema.safeParse({}).success;
  const content = { 'application/json': { schema, ...(example === undefined ? {} : { example }) } };
  return { requestBody: { required, content } };
}

function answered(
  { description, schema, contentType = 'application/json' }: Answer,
  hasEtag: boolean,
): ZodOpenApiResponseObject {
  const types = typeof contentType === 'string' ? [contentType] : contentType;
  const isEmpty = schema === undefined && contentType === 'application/json';
  const content = Object.fromEntries(types.map((type) => [type, schema === undefined ? {} : { schema }]));
  return { description, ...(hasEtag ? { headers: ETAG } : {}), ...(isEmpty ? {} : { content }) };
}

/** The codes once for people, once for machines. */
function refused(codes: readonly ErrorCode[], isNpm: boolean): ZodOpenApiResponseObject {
  const schema: oas31.SchemaObject = {
    allOf: [
      { $ref: `#/components/schemas/${isNpm ? 'NpmProblem' : 'Problem'}` },
      { properties: { code: { enum: [...codes] } } },
    ],
  };
  const type = isNpm ? 'application/json' : 'application/problem+json';
  return { description: codes.join(', '), content: { [type]: { schema } } };
}
