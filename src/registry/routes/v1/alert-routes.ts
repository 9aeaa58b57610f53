/** What operators watch and hear of: alert rules, what fires, trends, and the webhooks that are told. @module */
import { z } from 'zod';
import type { Resource, Resources } from '../../../journal/resources.ts';
import { COMPARISONS, SEVERITIES } from '../../../metrics/alerts.ts';
import { SAMPLED, SAMPLED_METRICS } from '../../../metrics/samples.ts';
import type { Alerting, NamelessRule, Webhook } from '../../alerting.ts';
import { EVENTS } from '../../told-events.ts';
import { etagOf } from '../../conditions.ts';
import { expectedOf, type RegistryContext } from '../../context.ts';
import { LIMIT, NAME_TEXT, TIME, WHOLE } from '../../parse.ts';
import { route, type Need, type Route } from '../../route.ts';
import { CURSOR } from './schemas.ts';

const ALERTS = '/api/v1/alerts';
const RULES = '/api/v1/alert-rules';
const WEBHOOKS = '/api/v1/webhooks';
const TAG = 'alerts';

const NAMED = { name: NAME_TEXT };
const REASON = { reason: z.string().optional() };
const PAGE = { limit: LIMIT, cursor: z.string().max(64).default('') };
const METRIC = z.enum(SAMPLED_METRICS);
const RULE = {
  metric: METRIC,
  comparison: z.enum(COMPARISONS),
  value: z.number(),
  for_s: z.number().min(0).default(0).describe('Seconds that the figure must stay beyond the value'),
  severity: z.enum(SEVERITIES),
};
const WEBHOOK = {
  url: z.string().describe('An http or https URL'),
  events: z.array(z.enum(EVENTS)).default([]).describe('What it hears of; none named: everything'),
};
const STORED = { name: z.string(), revision: z.int(), modifiedAt: z.number(), modifiedBy: z.string() };
const RULE_VIEW = z.object({ ...STORED, ...RULE }).meta({ id: 'AlertRule' });
const WEBHOOK_VIEW = z.object({ ...STORED, ...WEBHOOK }).meta({ id: 'Webhook' });
const NEW_WEBHOOK_VIEW = WEBHOOK_VIEW.extend({ secret: z.string().describe('`whsec_...`, shown this once') });
const STATE_VIEW = z.object({
  rule: z.object({ name: z.string(), ...RULE }),
  state: z.enum(['pending', 'firing']),
  since: z.number(),
  value: z.number().describe('The newest figure'),
});
const POINT_VIEW = z.object({ at: z.number(), mean: z.number(), min: z.number(), max: z.number() });
const DELIVERY_VIEW = z.object({
  id: z.string(),
  type: z.string(),
  at: z.number(),
  attempt: z.int(),
  outcome: z.enum(['delivered', 'retried', 'failed', 'dropped']),
  status: z.int().nullable(),
  fault: z.string().nullable(),
  duration_ms: z.number(),
});

const readsStatus = (): readonly Need[] => [{ action: 'read', stream: 'status:alerts' }];
const administers = (): readonly Need[] => [{ action: 'administer', stream: 'webhook:*' }];

export function alertRoutes({ alerting }: { readonly alerting: Alerting }): readonly Route[] {
  return [stateRoutes, ruleLooks, ruleChanges, webhookLooks, webhookChanges, deliveryRoutes].flatMap((routes) =>
    routes(alerting),
  );
}

function stateRoutes({ observability }: Alerting): readonly Route[] {
  return [
    route({
      method: 'get',
      path: ALERTS,
      tag: TAG,
      summary: 'Alerts that fire, or will if nothing changes',
      access: readsStatus,
      answers: { 200: { description: 'The alerts', schema: z.object({ alerts: z.array(STATE_VIEW) }) } },
      handle: ({ c }) => c.json({ alerts: [...observability.alerts()] }),
    }),
    route({
      method: 'get',
      path: '/api/v1/samples',
      tag: TAG,
      summary: 'A figure over the last 24 hours',
      description: Object.entries(SAMPLED)
        .map(([metric, meaning]) => `- \`${metric}\`: ${meaning}`)
        .join('\n'),
      access: readsStatus,
      query: { metric: METRIC, since: TIME.optional(), until: TIME.optional(), step_ms: WHOLE.optional() },
      answers: {
        200: {
          description: 'One point for each step that has a value, oldest first',
          schema: z.object({ metric: METRIC, points: z.array(POINT_VIEW) }),
        },
      },
      errors: ['ERR_OUT_OF_RANGE'],
      handle: ({ c, query }) => c.json({ metric: query.metric, points: observability.samples.query(query) }),
    }),
  ];
}

function ruleLooks({ rules }: Alerting): readonly Route[] {
  return [
    route({
      method: 'get',
      path: RULES,
      tag: TAG,
      summary: 'Alert rules',
      access: readsStatus,
      query: PAGE,
      answers: { 200: { description: 'One page', schema: z.object({ rules: z.array(RULE_VIEW), cursor: CURSOR }) } },
      handle: async ({ c, query }) => {
        const { page, cursor } = await pageOf(rules, query);
        return c.json({ rules: page.map(viewOf), cursor });
      },
    }),
    route({
      method: 'get',
      path: `${RULES}/:name`,
      tag: TAG,
      summary: 'One alert rule',
      access: readsStatus,
      params: NAMED,
      answers: { 200: { description: 'The rule', schema: RULE_VIEW } },
      errors: ['ERR_NOT_FOUND'],
      handle: async ({ c, params: { name } }) => answered(c, await rules.get(name)),
    }),
  ];
}

function ruleChanges(alerting: Alerting): readonly Route[] {
  const { rules } = alerting;
  return [
    route({
      method: 'put',
      path: `${RULES}/:name`,
      tag: TAG,
      summary: 'Make or replace an alert rule',
      access: administers,
      conditional: true,
      params: NAMED,
      body: { ...RULE, ...REASON },
      answers: { 200: { description: 'The rule', schema: RULE_VIEW } },
      example: { metric: 'latency_p99_ms', comparison: 'above', value: 50, for_s: 300, severity: 'high' },
      handle: async ({ c, params: { name }, body: { reason, ...rule } }) =>
        answered(c, await alerting.putRule(name, rule, await writeOf(c, () => rules.find(name), reason))),
    }),
    route({
      method: 'delete',
      path: `${RULES}/:name`,
      tag: TAG,
      summary: 'Delete an alert rule; an alert that fires is resolved',
      access: administers,
      conditional: true,
      params: NAMED,
      answers: { 204: { description: 'It is gone' } },
      errors: ['ERR_NOT_FOUND'],
      handle: async ({ c, params: { name } }) => {
        await rules.delete(name, await writeOf(c, () => rules.find(name)));
        return c.body(null, 204);
      },
    }),
  ];
}

function webhookLooks({ webhooks }: Alerting): readonly Route[] {
  return [
    route({
      method: 'get',
      path: WEBHOOKS,
      tag: TAG,
      summary: 'Webhooks, without their secrets',
      access: administers,
      query: PAGE,
      answers: {
        200: { description: 'One page', schema: z.object({ webhooks: z.array(WEBHOOK_VIEW), cursor: CURSOR }) },
      },
      handle: async ({ c, query }) => {
        const { page, cursor } = await pageOf(webhooks, query);
        return c.json({ webhooks: page.map(viewOf), cursor });
      },
    }),
    route({
      method: 'get',
      path: `${WEBHOOKS}/:name`,
      tag: TAG,
      summary: 'One webhook, without its secret',
      access: administers,
      params: NAMED,
      answers: { 200: { description: 'The webhook', schema: WEBHOOK_VIEW } },
      errors: ['ERR_NOT_FOUND'],
      handle: async ({ c, params: { name } }) => answered(c, await webhooks.get(name)),
    }),
  ];
}

function webhookChanges(alerting: Alerting): readonly Route[] {
  const { webhooks } = alerting;
  return [
    route({
      method: 'put',
      path: `${WEBHOOKS}/:name`,
      tag: TAG,
      summary: 'Make or change a webhook; the answer to a new one has its secret',
      access: administers,
      conditional: true,
      isSecret: true,
      params: NAMED,
      body: { ...WEBHOOK, ...REASON },
      answers: {
        200: { description: 'The webhook', schema: WEBHOOK_VIEW },
        201: { description: 'The new webhook', schema: NEW_WEBHOOK_VIEW },
      },
      example: { url: 'http://127.0.0.1:9000/alerts', events: ['alert.firing', 'alert.resolved'] },
      handle: async ({ c, params: { name }, body: { reason, ...wanted } }) => {
        const write = await writeOf(c, () => webhooks.find(name), reason);
        const { webhook, secret } = await alerting.putWebhook(name, wanted, write);
        return secret === null ? answered(c, webhook) : c.json({ ...viewOf(webhook), secret }, 201);
      },
    }),
    route({
      method: 'delete',
      path: `${WEBHOOKS}/:name`,
      tag: TAG,
      summary: 'Delete a webhook; what waits for it is forgotten',
      access: administers,
      conditional: true,
      params: NAMED,
      answers: { 204: { description: 'It is gone' } },
      errors: ['ERR_NOT_FOUND'],
      handle: async ({ c, params: { name } }) => {
        await alerting.deleteWebhook(name, await writeOf(c, () => webhooks.find(name)));
        return c.body(null, 204);
      },
    }),
  ];
}

function deliveryRoutes(alerting: Alerting): readonly Route[] {
  return [
    route({
      method: 'post',
      path: `${WEBHOOKS}/:name/secret`,
      tag: TAG,
      summary: 'A new secret for a webhook; the old one ends',
      access: administers,
      isSecret: true,
      params: NAMED,
      body: {},
      answers: { 200: { description: 'The secret, this once', schema: z.object({ secret: z.string() }) } },
      errors: ['ERR_NOT_FOUND'],
      handle: async ({ c, params: { name } }) => c.json({ secret: await alerting.renewSecret(name) }),
    }),
    route({
      method: 'post',
      path: `${WEBHOOKS}/:name/test`,
      tag: TAG,
      summary: 'Send an event `test` to a webhook',
      access: administers,
      writes: false,
      params: NAMED,
      body: {},
      answers: { 202: { description: 'It is on its way', schema: z.object({ id: z.string() }) } },
      errors: ['ERR_NOT_FOUND'],
      handle: ({ c, principal, params: { name } }) => {
        const event = { type: 'test', at: Date.now(), data: { sentBy: principal.actor } };
        return c.json({ id: alerting.observability.webhooks.sendTo(name, event) }, 202);
      },
    }),
    route({
      method: 'get',
      path: `${WEBHOOKS}/:name/deliveries`,
      tag: TAG,
      summary: 'The last 100 attempts to reach a webhook, newest first',
      access: administers,
      params: NAMED,
      answers: { 200: { description: 'The attempts', schema: z.object({ deliveries: z.array(DELIVERY_VIEW) }) } },
      errors: ['ERR_NOT_FOUND'],
      handle: ({ c, params: { name } }) =>
        c.json({ deliveries: [...alerting.observability.webhooks.deliveries(name)] }),
    }),
  ];
}

async function pageOf<T>(
  resources: Resources<T>,
  { limit, cursor }: { readonly limit: number; readonly cursor: string },
): Promise<{ page: Resource<T>[]; cursor: string | null }> {
  const found = await resources.list({ after: cursor, limit: limit + 1 });
  const page = found.slice(0, limit);
  return { page, cursor: found.length > limit ? page.at(-1)!.key : null };
}

function viewOf<T extends NamelessRule | Webhook>({ key, value, ...stored }: Resource<T>) {
  return { name: key, ...stored, ...value };
}

function answered(c: RegistryContext, resource: Resource<NamelessRule> | Resource<Webhook>): Response {
  c.header('etag', etagOf(resource));
  return c.json(viewOf<NamelessRule | Webhook>(resource));
}

async function writeOf(
  c: RegistryContext,
  find: () => Promise<{ readonly revision: number } | null>,
  reason?: string,
): Promise<{ actor: string; reason: string | undefined; expected: number | undefined }> {
  return { actor: c.get('principal').actor, reason, expected: await expectedOf(c, find) };
}
