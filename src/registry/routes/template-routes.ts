/** Changes that are named: templates, and migrations to another config version. @module */
import { Hono } from 'hono';
import { z } from 'zod';
import { answerWritten, writeOf, type RegistryEnv, type Services } from '../context.ts';
import { NAME, parseBody, parseQuery, WRITE } from '../parse.ts';
import { DEFAULT_CONFIG } from '../../config/value.ts';

export function templateRoutes(services: Services): Hono<RegistryEnv> {
  const { operations } = services;
  const routes = new Hono<RegistryEnv>();

  routes.get('/config/templates', async (c) => {
    const { name } = parseQuery(c, { name: NAME });
    return c.json({ templates: await operations.templates(name) });
  });

  routes.post('/config/template', async (c) => {
    const { name } = parseQuery(c, { name: NAME });
    const { templateName, ...said } = await parseBody(c, { templateName: z.string(), ...WRITE });
    return answerWritten(c, await operations.applyTemplate(name, templateName, await writeOf(c, services, name, said)));
  });

  routes.post('/config/migrate', async (c) => {
    const { name } = parseQuery(c, { name: NAME });
    const { to = DEFAULT_CONFIG.version, ...said } = await parseBody(c, { to: z.number().optional(), ...WRITE });
    return answerWritten(c, await operations.migrate(name, to, await writeOf(c, services, name, said)));
  });

  routes.post('/config/reset', async (c) => {
    const { name } = parseQuery(c, { name: NAME });
    return answerWritten(c, await operations.reset(name, await writeOf(c, services, name, await parseBody(c, WRITE))));
  });

  return routes;
}
