/** What flags share: the set of a config, and what is said about the features of a service. @module */
import { z } from 'zod';
import type { FeatureSet } from '../../../config/features.ts';
import { featuresStream } from '../../../config/name.ts';
import { factsStream, flagSetStream } from '../../../config/streams.ts';
import { NO_FACTS, type FlagFacts, type FlagSet } from '../../../flags/flag.ts';
import type { Resource } from '../../../journal/resources.ts';
import { etagOf } from '../../conditions.ts';
import { expectedOf } from '../../context.ts';
import type { FlagServices } from '../../flag-list.ts';
import { expectRevision } from '../../flag-writes.ts';
import { given } from '../../parse.ts';
import { route, type Need, type Route } from '../../route.ts';
import { FLAG_ERRORS, FLAG_TAG } from './flag-routes.ts';
import { FACTS_INPUT, FEATURE_FACTS, FLAG_SET, FLAG_SET_INPUT, SERVICE_FACTS } from './flag-schemas.ts';
import { SERVICE } from './feature-routes.ts';
import { NAMED, SAID } from './inputs.ts';

const SET = '/api/v1/configs/:name/flagset';
const FACTS = '/api/v1/services/:service/facts';
const NOBODY = { revision: 0, modifiedAt: null, modifiedBy: null };
const FEATURE = {
  ...SERVICE,
  feature: z.string().meta({ description: "A feature's name.", example: 'metrics' }),
};

export function v1FlagSetRoutes(services: FlagServices): readonly Route[] {
  return [readSetRoute(services), putSetRoute(services), listFactsRoute(services), patchFactsRoute(services)];
}

function readSetRoute(services: FlagServices): Route {
  return route({
    method: 'get',
    path: SET,
    tag: FLAG_TAG,
    summary: "What the flags of a config share: flagd's `$evaluators`, and metadata",
    access: ({ params: { name } }) => [{ action: 'read', stream: flagSetStream(name) }],
    params: NAMED,
    answers: { 200: { description: 'The set; at revision 0 nobody has put it', schema: FLAG_SET } },
    errors: ['ERR_NOT_FOUND'],
    handle: async ({ c, params: { name } }) => {
      await services.operations.get(name);
      const set = await findSet(services, name);
      if (set !== null) c.header('etag', etagOf(set));
      return c.json(set ?? { config: name, evaluators: {}, metadata: {}, ...NOBODY });
    },
  });
}

function putSetRoute(services: FlagServices): Route {
  return route({
    method: 'put',
    path: SET,
    tag: FLAG_TAG,
    summary: 'Put what the flags of a config share; refused if a flag in use would break',
    access: ({ params: { name } }) => [{ action: 'write', stream: flagSetStream(name) }],
    conditional: true,
    params: NAMED,
    body: { ...FLAG_SET_INPUT, reason: SAID.reason },
    answers: { 200: { description: 'The set as it is now', schema: FLAG_SET } },
    errors: [...FLAG_ERRORS, 'ERR_NOT_FOUND'],
    example: { evaluators: { staff: { ends_with: [{ var: 'email' }, '@example.com'] } } },
    handle: async ({ c, principal, params: { name }, body: { reason, ...input } }) => {
      const expected = await expectedOf(c, async () => await findSet(services, name));
      await services.operations.get(name);
      expectRevision(flagSetStream(name), expected, await findSet(services, name));
      const made = await services.flags.putSet(name, given(input), { actor: principal.actor, reason, expected });
      c.header('etag', etagOf(made));
      return c.json(setView(name, made));
    },
  });
}

function listFactsRoute({ operations, flags }: FlagServices): Route {
  return route({
    method: 'get',
    path: FACTS,
    tag: FLAG_TAG,
    summary: 'What is said about the features of a service: who owns them, who sees them, when they should be gone',
    access: needs('read'),
    params: SERVICE,
    answers: { 200: { description: 'In the order of their bits', schema: SERVICE_FACTS } },
    handle: async ({ c, params: { service } }) => {
      const features = await operations.store.features(service);
      const said = await flags.facts(service);
      const find = async (feature: string) => (said.has(feature) ? await flags.findFacts(service, feature) : null);
      const facts = features.names.map(async (name) => factsView(features, name, await find(name)));
      return c.json({ facts: await Promise.all(facts) });
    },
  });
}

function patchFactsRoute({ operations, flags }: FlagServices): Route {
  return route({
    method: 'patch',
    path: `${FACTS}/:feature`,
    tag: FLAG_TAG,
    summary: 'Say something about a feature; what is left out stays',
    access: needs('write'),
    conditional: true,
    params: FEATURE,
    body: { ...FACTS_INPUT, reason: SAID.reason },
    answers: { 200: { description: 'What is said about it now', schema: FEATURE_FACTS } },
    errors: ['ERR_UNKNOWN_FEATURE', 'ERR_OUT_OF_RANGE', 'ERR_REVISION_CONFLICT'],
    example: { owner: 'team-platform', tags: ['observability'], clientVisible: false },
    handle: async ({ c, principal, params: { service, feature }, body: { reason, ...input } }) => {
      const features = await operations.store.features(service);
      features.bitOf(feature);
      const find = async () => {
        const found = await flags.findFacts(service, feature);
        return found === null ? null : factsView(features, feature, found);
      };
      const expected = await expectedOf(c, find);
      expectRevision(factsStream(service, feature), expected, await find());
      const write = { actor: principal.actor, reason, expected };
      const made = await flags.putFacts(service, feature, given(input), write);
      c.header('etag', etagOf(made));
      return c.json(factsView(features, feature, made));
    },
  });
}

function needs(action: 'read' | 'write') {
  return ({ params: { service } }: { params: { service: string } }): readonly Need[] => [
    { action, stream: featuresStream(service) },
  ];
}

async function findSet({ flags }: FlagServices, config: string) {
  const found = await flags.findSet(config);
  return found === null ? null : setView(config, found);
}

function setView(config: string, { value, revision, modifiedAt, modifiedBy }: Resource<FlagSet>) {
  const { evaluators, metadata } = value;
  return { config, evaluators, metadata, revision, modifiedAt, modifiedBy };
}

/** Of a feature that the service has. */
function factsView(features: FeatureSet, feature: string, found: Resource<FlagFacts> | null) {
  const { value = NO_FACTS, revision = 0 } = found ?? {};
  return { feature, bit: features.bitOf(feature), ...value, revision };
}
