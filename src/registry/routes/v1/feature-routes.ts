/** Features and rollouts of a config, and what a service calls its bits. @module */
import { z } from 'zod';
import { featuresStream, parseConfigName } from '../../../config/name.ts';
import { asObject } from '../../../config/input.ts';
import { answerWritten, signatureOf, type Services } from '../../context.ts';
import { badRequest, given } from '../../parse.ts';
import { route, type Need, type Route } from '../../route.ts';
import { declarationOf } from '../feature-routes.ts';
import { CHANGE_ERRORS, changeOf, judgedBelow, NAMED, PERCENT, reads, SAID, writes } from './inputs.ts';
import { DECLARATION, FEATURE, ROLLOUTS, WRITTEN_ANSWER } from './schemas.ts';

const CONFIG = '/api/v1/configs/:name';
const TAG = 'features';
const ERRORS = [...CHANGE_ERRORS, 'ERR_UNKNOWN_FEATURE'] as const;
const ONE = {
  ...NAMED,
  feature: z.string().meta({ description: "A feature's name.", example: 'metrics' }),
};
export const SERVICE = {
  service: z
    .string()
    .transform((name) => parseConfigName(name).service)
    .meta({ description: 'The name of a service.', example: 'checkout', override: { pattern: '^[a-z0-9._-]+$' } }),
};

export function v1FeatureRoutes(services: Services): readonly Route[] {
  return [...listRoutes(services), ...oneRoutes(services), ...rolloutRoutes(services), ...declarationRoutes(services)];
}

function listRoutes(services: Services): readonly Route[] {
  const { operations } = services;
  return [
    route({
      method: 'get',
      path: `${CONFIG}/features`,
      tag: TAG,
      summary: 'Features of a config: their bits, whether they are on, how far they are rolled out',
      access: reads,
      params: NAMED,
      answers: { 200: { description: 'In the order of their bits', schema: z.object({ features: z.array(FEATURE) }) } },
      errors: ['ERR_NOT_FOUND'],
      handle: async ({ c, params: { name } }) => c.json({ features: await operations.features(name) }),
    }),
    route({
      method: 'put',
      path: `${CONFIG}/features`,
      tag: TAG,
      summary: 'Turn exactly these features on for everyone, and all others off',
      access: writes,
      writes: 'checked',
      params: NAMED,
      body: { enabled: z.array(z.string()).max(32), ...SAID },
      answers: WRITTEN_ANSWER,
      errors: ERRORS,
      example: { enabled: ['metrics', 'logging'], reason: 'nothing else' },
      handle: async ({ c, params: { name }, body: { enabled, ...said } }) => {
        const features = Object.fromEntries(enabled.map((feature) => [feature, true]));
        const write = await changeOf(c, services, name, said);
        return answerWritten(c, await operations.set(name, { featureFlags: 0, features }, write));
      },
    }),
  ];
}

function oneRoutes(services: Services): readonly Route[] {
  const { operations } = services;
  return [
    route({
      method: 'get',
      path: `${CONFIG}/features/:feature`,
      tag: TAG,
      summary: 'One feature of a config',
      access: reads,
      params: ONE,
      answers: { 200: { description: 'The feature', schema: FEATURE } },
      errors: ['ERR_NOT_FOUND', 'ERR_UNKNOWN_FEATURE'],
      handle: async ({ c, params: { name, feature } }) => {
        const bit = (await operations.store.features(name)).bitOf(feature);
        return c.json((await operations.features(name)).find((known) => known.bit === bit)!);
      },
    }),
    route({
      method: 'patch',
      path: `${CONFIG}/features/:feature`,
      tag: TAG,
      summary: 'Turn a feature on or off for everyone, set its rollout, or both in one change',
      access: writes,
      writes: 'checked',
      params: ONE,
      body: { enabled: z.boolean().optional(), rollout: PERCENT.optional(), ...SAID },
      answers: WRITTEN_ANSWER,
      errors: [...ERRORS, 'ERR_BAD_REQUEST'],
      example: { enabled: false, rollout: 10, reason: 'a first tenth' },
      handle: async ({ c, params: { name, feature }, body: { enabled, rollout, ...said } }) => {
        if (enabled === undefined && rollout === undefined) throw nothingWanted();
        const features = enabled === undefined ? undefined : { [feature]: enabled };
        const rollouts = rollout === undefined ? undefined : { [feature]: rollout };
        const write = await changeOf(c, services, name, said);
        return answerWritten(c, await operations.set(name, given({ features, rollouts }), write));
      },
    }),
  ];
}

function rolloutRoutes(services: Services): readonly Route[] {
  const { operations } = services;
  return [
    route({
      method: 'get',
      path: `${CONFIG}/rollouts`,
      tag: TAG,
      summary: 'Rollouts of a config, in percent',
      access: reads,
      params: NAMED,
      answers: { 200: { description: 'Those above 0', schema: ROLLOUTS } },
      errors: ['ERR_NOT_FOUND'],
      handle: async ({ c, params: { name } }) => c.json({ rollouts: (await operations.get(name)).rollouts }),
    }),
    route({
      method: 'put',
      path: `${CONFIG}/rollouts`,
      tag: TAG,
      summary: 'Set exactly these rollouts; those of all other features end',
      access: writes,
      writes: 'checked',
      params: NAMED,
      body: { rollouts: judgedBelow(z.record(z.string(), PERCENT)), ...SAID },
      answers: WRITTEN_ANSWER,
      errors: ERRORS,
      example: { rollouts: { beta_feature: 25 }, reason: 'a quarter' },
      handle: async ({ c, params: { name }, body: { rollouts, ...said } }) => {
        const write = await changeOf(c, services, name, said);
        const others = (await operations.features(name)).map(({ feature }) => [feature, 0]);
        const wanted = { ...Object.fromEntries(others), ...asObject('rollouts', rollouts) };
        return answerWritten(c, await operations.set(name, { rollouts: wanted }, write));
      },
    }),
  ];
}

function declarationRoutes({ operations }: Services): readonly Route[] {
  const needs =
    (action: 'read' | 'write') =>
    ({ params: { service } }: { params: { service: string } }): readonly Need[] => [
      { action, stream: featuresStream(service) },
    ];
  return [
    route({
      method: 'get',
      path: '/api/v1/services/:service/features',
      tag: TAG,
      summary: 'What a service calls its bits 12-31, in all its environments',
      access: needs('read'),
      params: SERVICE,
      answers: { 200: { description: 'What it has declared', schema: DECLARATION } },
      handle: async ({ c, params: { service } }) =>
        c.json({ declaration: (await operations.store.features(service)).declaration }),
    }),
    route({
      method: 'patch',
      path: '/api/v1/services/:service/features',
      tag: TAG,
      summary: 'Name bits 12-31 of a service',
      description:
        'Those named before stay. A bit gets another name only when it is off in all configs of the service.',
      access: needs('write'),
      params: SERVICE,
      body: { declare: judgedBelow(z.record(z.string(), z.int().min(12).max(31))) },
      answers: { 200: { description: 'All that it has declared', schema: DECLARATION } },
      errors: ['ERR_FEATURE_NAME', 'ERR_FEATURE_CONFLICT', 'ERR_OUT_OF_RANGE', 'ERR_REVISION_CONFLICT'],
      example: { declare: { new_checkout: 12 } },
      handle: async ({ c, params: { service }, body: { declare } }) =>
        c.json({ declaration: await operations.declare(service, declarationOf(declare), signatureOf(c)) }),
    }),
  ];
}

function nothingWanted() {
  return badRequest('enabled', 'The body must have enabled, rollout or both', 'Say what the feature should be.');
}
