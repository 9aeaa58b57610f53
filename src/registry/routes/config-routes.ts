/** One config as it is now: read, list, change, judge, export. @module */
import { z } from 'zod';
import { ENVIRONMENT_FORMATS, parseEnvironmentFormat } from '../../config/environment.ts';
import { fieldsOfInput } from '../../config/input.ts';
import { parseConfigName } from '../../config/name.ts';
import { ConfigError } from '../../errors/errors.ts';
import { core } from '../../live/core.ts';
import {
  answerConfig,
  answerWritten,
  isVisible,
  readsConfig,
  writeOf,
  writesConfig,
  type ReadServices,
} from '../context.ts';
import { NAME, parseOpenBody, WHOLE, WRITE } from '../parse.ts';
import { route, type Route } from '../route.ts';

const API = '/_dashboard/api';
const TAG = 'short forms';
const CONFIGS_LIMIT_DEFAULT = 100;
const CONFIGS_LIMIT_MAX = 1000;

/** `debug,metrics` */
const FEATURES = z
  .string()
  .transform((names) => names.split(',').filter((name) => name !== ''))
  .default([]);

const LIST = {
  limit: WHOLE.optional(),
  cursor: z.string().default(''),
  on: FEATURES,
  off: FEATURES,
  service: z
    .string()
    .transform((name) => parseConfigName(name).service)
    .optional(),
};

export function configRoutes(services: ReadServices): readonly Route[] {
  return [...reads(services), ...judges(services), changeRoute(services)];
}

function reads({ operations, cache }: ReadServices): readonly Route[] {
  return [
    route({
      method: 'get',
      path: `${API}/configs`,
      tag: TAG,
      summary: 'Configs, by name',
      access: 'granted',
      query: LIST,
      answers: { 200: { description: 'One page of configs' } },
      handle: async ({ c, principal, query: { limit, cursor, ...wanted } }) => {
        const size = checkedLimit(limit);
        const visible = isVisible(principal);
        const found = await operations.list({ ...wanted, limit: size + 1, after: cursor, visible });
        const configs = found.slice(0, size);
        const count = await operations.count({ ...wanted, visible });
        return c.json({ configs, count, cursor: found.length > size ? configs.at(-1)!.name : null });
      },
    }),
    route({
      method: 'get',
      path: `${API}/config`,
      tag: TAG,
      summary: 'One config',
      access: readsConfig,
      query: { name: NAME },
      answers: { 200: { description: 'The config' }, 304: { description: 'The reader has it already' } },
      handle: async ({ c, query: { name } }) => answerConfig(c, await cache.read(name)),
    }),
  ];
}

/** What is read from a config without changing it. */
function judges({ operations }: ReadServices): readonly Route[] {
  return [
    route({
      method: 'post',
      path: `${API}/config/validate`,
      tag: TAG,
      summary: 'Judge a config, or a partial one filled from it',
      access: readsConfig,
      writes: false,
      isRead: true,
      query: { name: NAME },
      body: { config: z.unknown().optional() },
      answers: { 200: { description: 'What was found' } },
      handle: async ({ c, query: { name }, body: { config } }) =>
        c.json(await operations.validate(name, fieldsOfInput(config, core().backend))),
    }),
    route({
      method: 'get',
      path: `${API}/env`,
      tag: TAG,
      summary: 'A config as environment variables',
      access: readsConfig,
      query: { name: NAME, format: z.string().optional() },
      answers: { 200: { description: 'The variables', contentType: 'text/plain' } },
      handle: async ({ c, query: { name, format = ENVIRONMENT_FORMATS[0] } }) => {
        const parsed = parseEnvironmentFormat(format);
        const text = await operations.environment(name, parsed);
        const type = parsed === 'json' ? 'application/json' : 'text/plain; charset=utf-8';
        return c.body(text, 200, { 'content-type': type });
      },
    }),
  ];
}

function changeRoute(services: ReadServices): Route {
  const { operations } = services;
  return route({
    method: 'post',
    path: `${API}/config`,
    tag: TAG,
    summary: 'Change fields, features and rollouts of a config',
    access: writesConfig,
    writes: 'checked',
    query: { name: NAME },
    answers: { 200: { description: 'The config as it is now' } },
    handle: async ({ c, query: { name } }) => {
      const { known, rest } = await parseOpenBody(c, WRITE);
      const input = fieldsOfInput(rest, core().backend);
      return answerWritten(c, await operations.set(name, input, await writeOf(c, services, name, known)));
    },
  });
}

function checkedLimit(limit = CONFIGS_LIMIT_DEFAULT): number {
  if (limit >= 1 && limit <= CONFIGS_LIMIT_MAX) return limit;
  throw new ConfigError('ERR_OUT_OF_RANGE', {
    message: `Invalid limit: ${limit} (must be 1-${CONFIGS_LIMIT_MAX})`,
    hint: 'Ask for fewer, and for the next page with the cursor.',
    details: { field: 'limit', value: limit, min: 1, max: CONFIGS_LIMIT_MAX },
  });
}
