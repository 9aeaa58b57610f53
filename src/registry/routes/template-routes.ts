/** Changes that are named: templates, and migrations to another config version. @module */
import { z } from 'zod';
import { may, type Principal } from '../../auth/rights.ts';
import { BUILTIN_TEMPLATES } from '../../config/templates.ts';
import { DEFAULT_CONFIG } from '../../config/value.ts';
import { answerWritten, readsConfig, writeOf, writesConfig, type Services } from '../context.ts';
import { NAME, WRITE } from '../parse.ts';
import { route, type Route } from '../route.ts';

const PATH = '/_dashboard/api/config';
const TAG = 'short forms';
const WRITTEN = { 200: { description: 'The config as it is now' } };

export function templateRoutes(services: Services): readonly Route[] {
  const { operations } = services;
  return [
    route({
      method: 'get',
      path: `${PATH}/templates`,
      tag: TAG,
      summary: 'Templates that can be applied to a config',
      access: readsConfig,
      query: { name: NAME },
      answers: { 200: { description: 'The templates' } },
      handle: async ({ c, principal, query: { name } }) => {
        const templates = await operations.templates(name);
        return c.json({ templates: templates.filter((one) => isBuiltin(one.name) || mayRead(principal, one.name)) });
      },
    }),
    route({
      method: 'post',
      path: `${PATH}/template`,
      tag: TAG,
      summary: 'Apply a template',
      access: writesConfig,
      writes: 'checked',
      query: { name: NAME },
      body: { templateName: z.string(), ...WRITE },
      answers: WRITTEN,
      handle: async ({ c, query: { name }, body: { templateName, ...said } }) =>
        answerWritten(c, await operations.applyTemplate(name, templateName, await writeOf(c, services, name, said))),
    }),
    route({
      method: 'post',
      path: `${PATH}/migrate`,
      tag: TAG,
      summary: 'Bring a config to another version, after a backup',
      access: writesConfig,
      writes: 'checked',
      query: { name: NAME },
      body: { to: z.number().optional(), ...WRITE },
      answers: WRITTEN,
      handle: async ({ c, query: { name }, body: { to = DEFAULT_CONFIG.version, ...said } }) =>
        answerWritten(c, await operations.migrate(name, to, await writeOf(c, services, name, said))),
    }),
    route({
      method: 'post',
      path: `${PATH}/reset`,
      tag: TAG,
      summary: 'Back to the defaults',
      access: writesConfig,
      writes: 'checked',
      query: { name: NAME },
      body: WRITE,
      answers: WRITTEN,
      handle: async ({ c, query: { name }, body }) =>
        answerWritten(c, await operations.reset(name, await writeOf(c, services, name, body))),
    }),
  ];
}

function isBuiltin(name: string): boolean {
  return BUILTIN_TEMPLATES.some((template) => template.name === name);
}

function mayRead(principal: Principal, template: string): boolean {
  return may(principal, 'read', `template:${template}`);
}
