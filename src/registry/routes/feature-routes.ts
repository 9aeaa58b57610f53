/** Features of a config: what there is, turning one on or off, ramping one up, naming the service's own. @module */
import { Hono } from 'hono';
import { z } from 'zod';
import type { FeatureDeclaration } from '../../config/features.ts';
import { asObject, wrongType } from '../../config/input.ts';
import { isConditional } from '../conditions.ts';
import { answerWritten, writeOf, type RegistryEnv, type Services } from '../context.ts';
import { badRequest, NAME, parseBody, parseQuery, WRITE } from '../parse.ts';

const WANTED = {
  feature: z.string().optional(),
  enabled: z.boolean().optional(),
  /** Percent. */
  rollout: z.number().optional(),
  /** Bits 12-31 by name. */
  declare: z.unknown().optional(),
};

type Wanted = z.infer<z.ZodObject<typeof WANTED>>;

export function featureRoutes(services: Services): Hono<RegistryEnv> {
  const { operations, actor } = services;
  const routes = new Hono<RegistryEnv>();

  routes.get('/features', async (c) => {
    const { name } = parseQuery(c, { name: NAME });
    return c.json({ features: await operations.features(name) });
  });

  routes.post('/features', async (c) => {
    const { name } = parseQuery(c, { name: NAME });
    const { reason, force, ...wanted } = await parseBody(c, { ...WANTED, ...WRITE });
    checkOneWish(wanted);
    if (wanted.declare !== undefined) {
      if (isConditional(c.req.raw.headers)) throw badRequest('declare', 'A declaration has no revision to depend on');
      return c.json({ declaration: await operations.declare(name, declarationOf(wanted.declare), { actor }) });
    }
    const write = await writeOf(c, services, name, { reason, force });
    return answerWritten(c, await operations.set(name, inputOf(wanted), write));
  });

  return routes;
}

/** One request does one thing, so that it is done or not done. */
function checkOneWish({ feature, enabled, rollout, declare }: Wanted): void {
  const wishes = [enabled, rollout, declare].filter((wish) => wish !== undefined);
  const isWhole = declare === undefined ? feature !== undefined : feature === undefined;
  if (wishes.length === 1 && isWhole) return;
  throw badRequest(
    'feature',
    'The body must be one of { feature, enabled }, { feature, rollout } and { declare }',
    'Make one request for each thing you want.',
  );
}

/** As it came: a schema of records would drop a key `__proto__`, and nothing is dropped here. */
function declarationOf(declare: unknown): FeatureDeclaration {
  const features = asObject('declare', declare);
  for (const [feature, bit] of Object.entries(features)) {
    if (typeof bit !== 'number') throw wrongType(`declare.${feature.slice(0, 80)}`, 'a number', bit);
  }
  return features as FeatureDeclaration;
}

function inputOf({ feature, enabled, rollout }: Wanted): Record<string, unknown> {
  return enabled === undefined ? { rollouts: { [feature!]: rollout } } : { features: { [feature!]: enabled } };
}
