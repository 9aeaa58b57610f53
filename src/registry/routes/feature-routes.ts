/** Features of a config: what there is, turning one on or off, ramping one up, naming the service's own. @module */
import { z } from 'zod';
import { requireRight } from '../../auth/rights.ts';
import type { FeatureDeclaration } from '../../config/features.ts';
import { asObject, wrongType } from '../../config/input.ts';
import { configStream, featuresStream } from '../../config/name.ts';
import { isConditional } from '../conditions.ts';
import { answerWritten, readsConfig, signatureOf, writeOf, type Services } from '../context.ts';
import { badRequest, NAME, WRITE } from '../parse.ts';
import { route, type Route } from '../route.ts';

const PATH = '/_dashboard/api/features';
const TAG = 'short forms';

const WANTED = {
  feature: z.string().optional(),
  enabled: z.boolean().optional(),
  /** Percent. */
  rollout: z.number().optional(),
  /** Bits 12-31 by name. */
  declare: z.unknown().optional(),
};

type Wanted = z.infer<z.ZodObject<typeof WANTED>>;

export function featureRoutes(services: Services): readonly Route[] {
  const { operations } = services;
  return [
    route({
      method: 'get',
      path: PATH,
      tag: TAG,
      summary: 'Features of a config',
      access: readsConfig,
      query: { name: NAME },
      answers: { 200: { description: 'Every feature, with its bit, whether it is on, and its rollout' } },
      handle: async ({ c, query: { name } }) => c.json({ features: await operations.features(name) }),
    }),
    route({
      method: 'post',
      path: PATH,
      tag: TAG,
      summary: 'Turn a feature on or off, ramp it, or declare features',
      // A declaration is of the service, everything else of the config: the change itself is asked.
      access: 'granted',
      writes: 'checked',
      query: { name: NAME },
      body: { ...WANTED, ...WRITE },
      answers: { 200: { description: 'The config as it is now, or the declaration' } },
      handle: async ({ c, principal, query: { name }, body: { reason, force, ...wanted } }) => {
        checkOneWish(wanted);
        // Before anything is looked at: who may not write it is not shown what it is, by no refusal either.
        requireRight(principal, 'write', wanted.declare === undefined ? configStream(name) : featuresStream(name));
        if (wanted.declare !== undefined) {
          if (isConditional(c.req.raw.headers))
            throw badRequest('declare', 'A declaration has no revision to depend on');
          return c.json({
            declaration: await operations.declare(name, declarationOf(wanted.declare), signatureOf(c)),
          });
        }
        const write = await writeOf(c, services, name, { reason, force });
        return answerWritten(c, await operations.set(name, inputOf(wanted), write));
      },
    }),
  ];
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
export function declarationOf(declare: unknown): FeatureDeclaration {
  const features = asObject('declare', declare);
  for (const [feature, bit] of Object.entries(features)) {
    if (typeof bit !== 'number') throw wrongType(`declare.${feature.slice(0, 80)}`, 'a number', bit);
  }
  return features as FeatureDeclaration;
}

function inputOf({ feature, enabled, rollout }: Wanted): Record<string, unknown> {
  return enabled === undefined ? { rollouts: { [feature!]: rollout } } : { features: { [feature!]: enabled } };
}
