/** One config as it is now: read, list, change, judge, export. @module */
import { Hono } from 'hono';
import { z } from 'zod';
import { parseConfigName } from '../../config/name.ts';
import { ENVIRONMENT_FORMATS, parseEnvironmentFormat } from '../../config/environment.ts';
import { fieldsOfInput } from '../../config/input.ts';
import { core } from '../../live/core.ts';
import { ConfigError } from '../../errors/errors.ts';
import { etagOf, isKnownToReader } from '../conditions.ts';
import { answerWritten, writeOf, type RegistryEnv, type Services } from '../context.ts';
import { NAME, parseBody, parseOpenBody, parseQuery, WHOLE, WRITE } from '../parse.ts';

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

export function configRoutes(services: Services): Hono<RegistryEnv> {
  const { operations } = services;
  const routes = new Hono<RegistryEnv>();

  routes.get('/configs', async (c) => {
    const { limit, cursor, ...wanted } = parseQuery(c, LIST);
    const size = checkedLimit(limit);
    const found = await operations.list({ ...wanted, limit: size + 1, after: cursor });
    const configs = found.slice(0, size);
    const count = await operations.count(wanted);
    return c.json({ configs, count, cursor: found.length > size ? configs.at(-1)!.name : null });
  });

  routes.get('/config', async (c) => {
    const { name } = parseQuery(c, { name: NAME });
    const config = await operations.get(name);
    c.header('etag', etagOf(config));
    c.header('cache-control', 'no-cache');
    return isKnownToReader(c.req.raw.headers, config) ? c.body(null, 304) : c.json(config);
  });

  routes.post('/config', async (c) => {
    const { name } = parseQuery(c, { name: NAME });
    const { known, rest } = await parseOpenBody(c, WRITE);
    const input = fieldsOfInput(rest, core().backend);
    return answerWritten(c, await operations.set(name, input, await writeOf(c, services, name, known)));
  });

  routes.post('/config/validate', async (c) => {
    const { name } = parseQuery(c, { name: NAME });
    const { config } = await parseBody(c, { config: z.unknown().optional() });
    return c.json(await operations.validate(name, fieldsOfInput(config, core().backend)));
  });

  routes.get('/env', async (c) => {
    const { name, format = ENVIRONMENT_FORMATS[0] } = parseQuery(c, { name: NAME, format: z.string().optional() });
    const parsed = parseEnvironmentFormat(format);
    const text = await operations.environment(name, parsed);
    return c.body(text, 200, { 'content-type': parsed === 'json' ? 'application/json' : 'text/plain; charset=utf-8' });
  });

  return routes;
}

function checkedLimit(limit = CONFIGS_LIMIT_DEFAULT): number {
  if (limit >= 1 && limit <= CONFIGS_LIMIT_MAX) return limit;
  throw new ConfigError('ERR_OUT_OF_RANGE', {
    message: `Invalid limit: ${limit} (must be 1-${CONFIGS_LIMIT_MAX})`,
    hint: 'Ask for fewer, and for the next page with the cursor.',
    details: { field: 'limit', value: limit, min: 1, max: CONFIGS_LIMIT_MAX },
  });
}
