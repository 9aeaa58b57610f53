/** Flags as files and as a report: what comes from others, what goes to flagd, and what has done its work. @module */
import { z } from 'zod';
import { may } from '../../../auth/rights.ts';
import { asObject, wrongType } from '../../../config/input.ts';
import { configStream, parseConfigName } from '../../../config/name.ts';
import { flagSetStream, flagStream } from '../../../config/streams.ts';
import { isConfigError } from '../../../errors/errors.ts';
import { exportFlags } from '../../../flags/export.ts';
import { permit } from '../../context.ts';
import { expectSeen, planImport, runImport } from '../../flag-import.ts';
import type { FlagServices } from '../../flag-list.ts';
import { given, LIMIT, NAME } from '../../parse.ts';
import { momentOf, staleFlags, type StaleFlag } from '../../stale-flags.ts';
import { route, type Route } from '../../route.ts';
import { FLAG_ERRORS, FLAG_TAG } from './flag-routes.ts';
import { FLAGD_FILE, IMPORT_INPUT, IMPORTED, STALE } from './flag-schemas.ts';
import { NAMED, SAID } from './inputs.ts';

/** Configs that one page of the report looks at. */
const CONFIGS_MAX = 500;
const AFTER_ALL_KEYS = '~';
const DAYS_MAX = 3650;
const DAYS = z
  .string()
  .regex(/^[1-9]\d{0,3}$/)
  .transform(Number)
  .refine((days) => days <= DAYS_MAX)
  .default(30)
  .meta({
    expected: `a whole number from 1 to ${DAYS_MAX}`,
    override: ({ jsonSchema }: { jsonSchema: object }) => {
      Object.assign(jsonSchema, { type: 'integer', pattern: undefined, minimum: 1, maximum: DAYS_MAX });
    },
  });
const CONFIG = z
  .string()
  .transform((name) => parseConfigName(name).name)
  .optional();

export function v1FlagFileRoutes(services: FlagServices): readonly Route[] {
  return [importRoute(services), exportRoute(services), staleRoute(services)];
}

function importRoute(services: FlagServices): Route {
  return route({
    method: 'post',
    path: '/api/v1/configs/:name/flags/import',
    tag: FLAG_TAG,
    summary: 'Take flags from a file of flagd, Unleash or LaunchDarkly',
    description: [
      'A body of up to 32 MB. What does not come over as it was is a finding. Flags that are there are replaced, but',
      'facts that the file does not speak of stay; what is the same already is not written. A file that has another',
      'evaluator than the config, of the same name, is refused unless it is forced. Up to 900 flags are written',
      'together or not at all, more in several parts: after an error between them, which says how many are written,',
      'the same request writes the rest.',
    ].join(' '),
    takesFile: true,
    access: ({ params: { name } }) => [{ action: 'write', stream: flagStream(name, '*') }],
    params: NAMED,
    body: { ...IMPORT_INPUT, ...SAID },
    answers: { 200: { description: 'What became of each flag, and all findings', schema: IMPORTED } },
    errors: [...FLAG_ERRORS, 'ERR_IMPORT', 'ERR_NOT_FOUND', 'ERR_CONFIG_INVALID'],
    example: {
      text: '{"flags":{"greeting":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"on"}}}',
      dryRun: true,
    },
    handle: async ({
      c,
      principal,
      params: { name },
      body: { text, dryRun, expected, reason, force, contextMap, ...options },
    }) => {
      const taken = given({ ...options, contextMap: textsOf(contextMap) });
      const plan = await planImport(services, name, text, taken);
      expectSeen(plan, expected);
      const signature = {
        actor: principal.actor,
        reason,
        force,
        permit: (stream: string, touched: readonly string[]) => permit(principal, stream, touched),
      };
      const written = dryRun ? 0 : await runImport(services, plan, principal, signature);
      const { format, flags: all, findings } = plan.conversion;
      const flags = all.map(({ key, status }) => {
        return { key, status, step: plan.steps.get(key)!, revision: plan.revisions.get(key)! };
      });
      return c.json({ format, flags, findings, written });
    },
  });
}

function exportRoute({ operations, flags }: FlagServices): Route {
  return route({
    method: 'get',
    path: '/api/v1/flags/export',
    tag: FLAG_TAG,
    summary: 'The rich flags of a config as a flagd file',
    access: ({ query: { name } }) => [
      { action: 'read', stream: flagStream(name, '*') },
      { action: 'read', stream: flagSetStream(name) },
    ],
    query: {
      name: NAME,
      facts: z
        .enum(['true', 'false'])
        .default('false')
        .meta({ description: 'With archived flags, and with facts as metadata `c13.*`: a copy to be imported again.' }),
    },
    answers: { 200: { description: 'The file', schema: FLAGD_FILE } },
    errors: ['ERR_NOT_FOUND', 'ERR_NAME'],
    handle: async ({ c, query: { name, facts } }) => {
      await operations.get(name);
      const all = (await flags.all(name)).map(({ key, value }) => [key, value] as const);
      const set = (await flags.findSet(name))?.value ?? { evaluators: {}, metadata: {} };
      return c.json(exportFlags(all, set, { facts: facts === 'true' }));
    },
  });
}

function staleRoute(services: FlagServices): Route {
  const { operations, lastEvaluated } = services;
  return route({
    method: 'get',
    path: '/api/v1/flags/stale',
    tag: FLAG_TAG,
    summary: 'Flags that have likely done their work, each with why; of one config or of all that you may read',
    description:
      'Reads of bits from shared memory are not counted: of features and bound flags, none is `not-evaluated`.',
    access: 'granted',
    query: { name: CONFIG, days: DAYS, limit: LIMIT, cursor: z.string().max(255).default('') },
    answers: { 200: { description: `One page, by config and key, of at most ${CONFIGS_MAX} configs`, schema: STALE } },
    errors: ['ERR_NOT_FOUND', 'ERR_NAME'],
    handle: async ({ c, principal, query: { name, days, limit, cursor } }) => {
      const moment = momentOf(Date.now(), lastEvaluated.since, days);
      const readable = (config: string): boolean =>
        may(principal, 'read', configStream(config)) || may(principal, 'read', flagStream(config, '*'));
      const [from = ''] = cursor.split(' ');
      const names = name === undefined ? (await operations.store.names()).filter(readable) : [name];
      const wanted = names.filter((config) => config >= from);
      const found: StaleFlag[] = [];
      for (const config of wanted.slice(0, CONFIGS_MAX)) {
        const stale = await staleFlags(services, config, principal, moment).catch((error: unknown) => {
          // One of many may have been deleted since.
          if (name === undefined && isConfigError(error) && error.code === 'ERR_NOT_FOUND') return [];
          throw error;
        });
        found.push(...stale.filter((flag) => cursorOf(flag) > cursor));
        if (found.length > limit) break;
      }
      const flags = found.slice(0, limit);
      const unseen = wanted.length > CONFIGS_MAX ? `${wanted[CONFIGS_MAX - 1]!} ${AFTER_ALL_KEYS}` : null;
      const next = found.length > limit ? cursorOf(flags.at(-1)!) : unseen;
      return c.json({ flags, evaluationsSince: lastEvaluated.since, cursor: next });
    },
  });
}

/** No name has a space in it, and none is below one: texts are in the order of the list. */
function cursorOf({ config, key }: StaleFlag): string {
  return `${config} ${key}`;
}

/** Throws ERR_WRONG_TYPE. */
function textsOf(input: unknown): Readonly<Record<string, string>> | undefined {
  if (input === undefined) return undefined;
  const texts = asObject('contextMap', input);
  for (const value of Object.values(texts))
    if (typeof value !== 'string') throw wrongType('contextMap', 'texts', value);
  return texts as Readonly<Record<string, string>>;
}
