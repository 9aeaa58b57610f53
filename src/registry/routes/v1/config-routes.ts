/** Configs as things: list, make, read, change, judge, delete. @module */
import { z } from 'zod';
import { ENVIRONMENT_FORMATS } from '../../../config/environment.ts';
import { fieldsOfInput } from '../../../config/input.ts';
import { configStream, parseConfigName } from '../../../config/name.ts';
import { requireRight } from '../../../auth/rights.ts';
import { core } from '../../../live/core.ts';
import { etagOf } from '../../conditions.ts';
import {
  answerConfig,
  answerWritten,
  isVisible,
  signatureOf,
  writeOf,
  type ReadServices,
  type Services,
} from '../../context.ts';
import { readForBrowser } from '../../browser-reads.ts';
import { given, LIMIT, NAME_PARAM } from '../../parse.ts';
import { route, type Route } from '../../route.ts';
import {
  changeOf,
  CONFIG_INPUT,
  INPUT_ERRORS,
  judgedBelow,
  NAMED,
  REASON_QUERY,
  reads,
  SAID,
  writes,
} from './inputs.ts';
import { CONFIG, CONFIG_PAGE, CREATED_ANSWER, VALIDATION, WRITTEN_ANSWER } from './schemas.ts';

const PATH = '/api/v1/configs';
const TAG = 'configs';

const FEATURES = z
  .string()
  .transform((names) => names.split(',').filter((name) => name !== ''))
  .default([])
  .meta({ description: 'Features, comma-separated.', example: 'metrics,logging', override: { default: '' } });

const LIST = {
  limit: LIMIT,
  cursor: NAME_PARAM.optional().meta({ description: 'The `cursor` of the page before.' }),
  on: FEATURES,
  off: FEATURES,
  service: z
    .string()
    .transform((name) => parseConfigName(name).service)
    .optional()
    .meta({ description: 'Only its configs; a feature of its own can be asked for then.' }),
};

export function v1ConfigRoutes(services: ReadServices): readonly Route[] {
  return [
    listRoute(services),
    createRoute(services),
    readRoute(services),
    patchRoute(services),
    deleteRoute(services),
    ...lookRoutes(services),
  ];
}

function listRoute({ operations }: Services): Route {
  return route({
    method: 'get',
    path: PATH,
    tag: TAG,
    summary: 'Configs that you may read, by name',
    access: 'granted',
    query: LIST,
    answers: { 200: { description: 'One page', schema: CONFIG_PAGE } },
    errors: ['ERR_UNKNOWN_FEATURE', 'ERR_NAME'],
    handle: async ({ c, principal, query: { limit, cursor = '', ...wanted } }) => {
      const visible = isVisible(principal);
      const found = await operations.list({ ...wanted, limit: limit + 1, after: cursor, visible });
      const configs = found.slice(0, limit);
      const count = await operations.count({ ...wanted, visible });
      return c.json({ configs, count, cursor: found.length > limit ? configs.at(-1)!.name : null });
    },
  });
}

function createRoute({ operations }: Services): Route {
  return route({
    method: 'post',
    path: PATH,
    tag: TAG,
    summary: 'Make a config',
    description: 'Left-out fields have their defaults. A config of that name is `ERR_REVISION_CONFLICT`.',
    access: 'granted',
    writes: 'checked',
    conditional: false,
    body: { name: NAME_PARAM, ...CONFIG_INPUT, ...SAID },
    answers: { 201: CREATED_ANSWER },
    errors: [...INPUT_ERRORS, 'ERR_NAME', 'ERR_REVISION_CONFLICT'],
    example: { name: 'payments/staging', rows: 40, features: { metrics: true }, reason: 'a new service' },
    handle: async ({ c, principal, body: { name, reason, force, ...fields } }) => {
      requireRight(principal, 'write', configStream(name));
      const write = { ...signatureOf(c), ...given({ reason, force }), expected: 0 };
      const written = await operations.set(name, fieldsOfInput(given(fields), core().backend), write);
      c.header('etag', etagOf(written.config));
      c.header('location', `${PATH}/${encodeURIComponent(name)}`);
      return c.json(written, 201);
    },
  });
}

function deleteRoute(services: Services): Route {
  return route({
    method: 'delete',
    path: `${PATH}/:name`,
    tag: TAG,
    summary: 'Delete a config; its history stays, and the next write makes it again',
    description: 'Processes that still have it read the defaults. `default` and `registry` stay.',
    access: writes,
    writes: 'checked',
    params: NAMED,
    query: REASON_QUERY,
    answers: { 204: { description: 'It is gone' } },
    errors: ['ERR_NOT_FOUND'],
    handle: async ({ c, params: { name }, query }) => {
      await services.operations.delete(name, await writeOf(c, services, name, query));
      return c.body(null, 204);
    },
  });
}

function readRoute(services: ReadServices): Route {
  return route({
    method: 'get',
    path: `${PATH}/:name`,
    tag: TAG,
    summary: 'One config',
    description: 'With a browser token: as if there were no features but those that are visible to clients.',
    access: reads,
    takesBrowser: true,
    cors: true,
    params: NAMED,
    answers: {
      200: { description: 'The config as it is now', schema: CONFIG },
      304: { description: 'The reader has it already' },
    },
    errors: ['ERR_NOT_FOUND'],
    handle: async ({ c, principal, params: { name } }) => {
      const isBrowser = principal.isBrowser === true;
      return answerConfig(c, await (isBrowser ? readForBrowser(services, name) : services.cache.read(name)));
    },
  });
}

function patchRoute(services: Services): Route {
  return route({
    method: 'patch',
    path: `${PATH}/:name`,
    tag: TAG,
    summary: 'Change fields, features and rollouts of a config, as one change',
    description: 'Left-out fields stay as they are. Under `If-None-Match: *` it makes the config.',
    access: writes,
    writes: 'checked',
    params: NAMED,
    body: { ...CONFIG_INPUT, ...SAID },
    answers: WRITTEN_ANSWER,
    errors: [...INPUT_ERRORS, 'ERR_NOT_FOUND'],
    example: {
      rows: 50,
      features: { debug: false, metrics: true },
      rollouts: { beta_feature: 12.5 },
      reason: 'tuning',
    },
    handle: async ({ c, params: { name }, body: { reason, force, ...fields } }) => {
      const input = fieldsOfInput(given(fields), core().backend);
      const write = await changeOf(c, services, name, { reason, force });
      return answerWritten(c, await services.operations.set(name, input, write));
    },
  });
}

/** What is read from a config without changing it. */
function lookRoutes({ operations }: Services): readonly Route[] {
  return [
    route({
      method: 'post',
      path: `${PATH}/:name/validate`,
      tag: TAG,
      summary: 'Judge a config, or a partial one filled from it; changes nothing',
      access: reads,
      writes: false,
      isRead: true,
      params: NAMED,
      body: { config: judgedBelow(z.object(CONFIG_INPUT)) },
      answers: { 200: { description: 'What was found, also when it is invalid', schema: VALIDATION } },
      errors: [...INPUT_ERRORS, 'ERR_NOT_FOUND'],
      example: { config: { version: 1, featureFlags: 7 } },
      handle: async ({ c, params: { name }, body: { config } }) =>
        c.json(await operations.validate(name, fieldsOfInput(config, core().backend))),
    }),
    route({
      method: 'get',
      path: `${PATH}/:name/env`,
      tag: TAG,
      summary: 'A config as BUN_* variables',
      access: reads,
      params: NAMED,
      query: { format: z.enum(ENVIRONMENT_FORMATS).default('shell') },
      answers: {
        200: { description: 'For a shell, an .env file, or JSON', contentType: ['text/plain', 'application/json'] },
      },
      errors: ['ERR_NOT_FOUND'],
      handle: async ({ c, params: { name }, query: { format } }) => {
        const text = await operations.environment(name, format);
        const type = format === 'json' ? 'application/json' : 'text/plain; charset=utf-8';
        return c.body(text, 200, { 'content-type': type });
      },
    }),
  ];
}
