/**
 * What is wrong with a request, asked of every route that there is, of a registry that really runs and really signs
 * people in: each answer says so with its code, and the journal has not moved.
 * @module
 */
import { describe, expect, it } from 'vitest';
import { isNpmPath } from '../../src/registry/npm/npm-paths.ts';
import { Description, type Described } from './description.ts';
import { call as plainCall, type Answer } from './fixtures.ts';
import { headOf, makeUser, startWithAdmin } from './identity-fixtures.ts';

const MiB = 1024 * 1024;
/** Parts of paths whose routes give no example. */
const PARTS: Readonly<Record<string, string>> = { name: 'ann', id: 'nobody', service: 'checkout' };
/** Bodies of routes that give no example. */
const BODIES: Readonly<Record<string, object>> = {
  '/api/v1/users/{name}/password': { password: 'correct horse battery' },
};
const EXPIRES_IN_MS = 300;

/** Of a body, in bytes: one that holds a whole file may be larger. */
function limitOf(template: string): number {
  return template.endsWith('/import') ? 32 * MiB : MiB;
}

interface Ask extends Described {
  readonly path: string;
  readonly body: unknown;
}

async function openAll() {
  const { registry, ann } = await startWithAdmin(undefined, [], { C13_RATE_LIMIT_ANONYMOUS: '0' });
  const zoe = await makeUser(registry, ann, 'zoe');
  const expiring = await ann.call('POST', '/api/v1/tokens', { name: 'old', expiresAt: Date.now() + EXPIRES_IN_MS });
  const revoked = await ann.call('POST', '/api/v1/tokens', { name: 'gone' });
  await ann.call('DELETE', `/api/v1/tokens/${revoked.body.id}`);
  const made = await ann.call('POST', '/api/v1/configs', { name: 'checkout/production' });
  const beta = await ann.call('PATCH', '/api/v1/configs/registry', { features: { beta_feature: true } });
  expect([expiring.status, revoked.status, made.status, beta.status]).toEqual([201, 201, 201, 200]);
  const published = await ann.call('PUT', '/@acme%2fui', { name: '@acme/ui', version: '0.9.0' });
  expect(published.status).toBe(201);
  for (const [path, body] of [
    ['templates/team-default', { set: ['metrics'] }],
    [
      'configs/checkout%2Fproduction/flags/banner',
      { definition: { state: 'ENABLED', variants: { short: 's', long: 'l' }, defaultVariant: 'short' } },
    ],
    ['rules/TEAM_METRICS', { severity: 'warning', message: 'm', hint: 'h', require: { on: ['metrics'] } }],
  ] as const) {
    expect((await ann.call('PUT', `/api/v1/${path}`, body)).status).toBe(201);
  }
  const description = new Description((await ann.call('GET', '/openapi.json')).body);
  const asks = description.operations.map((one) => askOf(one));
  return { registry, ann, zoe, description, asks, expired: expiring.body.secret, revoked: revoked.body.secret };
}

function askOf(described: Described): Ask {
  const { template, operation } = described;
  const parameters: any[] = operation.parameters ?? [];
  const path = template.replace(/\{([^}]+)\}/g, (_, name: string) => {
    const parameter = parameters.find((one) => one.name === name);
    return encodeURIComponent(String(parameter?.example ?? parameter?.schema?.example ?? PARTS[name]));
  });
  const query = template.endsWith('/samples') ? '?metric=clients' : '';
  const media = operation.requestBody?.content['application/json'];
  return {
    ...described,
    path: path + query,
    body: media === undefined ? undefined : (media.example ?? BODIES[template] ?? {}),
  };
}

type Opened = Awaited<ReturnType<typeof openAll>>;

/** Asks of every operation of `asks`, and holds each answer against what it must be and how it is described. */
async function refusedBy(
  { ann, description }: Opened,
  asks: readonly Ask[],
  send: (ask: Ask) => Promise<Answer>,
  status: number | readonly number[],
  code: RegExp,
): Promise<void> {
  const before = await headOf(ann);
  for (const ask of asks) {
    const answer = await send(ask);
    const where = `${ask.method} ${ask.path}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 300)}`;
    expect([status].flat(), where).toContain(answer.status);
    expect(answer.body, where).toMatchObject({ code: expect.stringMatching(code), hint: /./, detail: /./ });
    expect(description.faultOf(ask, answer), where).toBeNull();
  }
  expect(await headOf(ann)).toEqual(before);
}

const isPublic = ({ operation }: Ask): boolean => operation.security?.length === 0;
const isWrite = ({ method }: Ask): boolean => method !== 'GET';
/** Its refusals are in shapes of its own: the tests of the protocol have their own table. */
const isOfrep = ({ template }: Ask): boolean => template.includes('/ofrep/v1/');
/** Of protocols that others have made: what they send besides is none of ours. */
const isForeign = (ask: Ask): boolean => isOfrep(ask) || isNpmPath(ask.template);
/** What registries say of a package holds more than anybody knows. */
const isDocument = ({ template }: Ask): boolean => template.endsWith('/packages/{name}/import');
const takes = (name: string) => (ask: Ask) => JSON.stringify(ask.operation.parameters ?? []).includes(name);

describe('every route refuses, and the journal has not moved', () => {
  it('who does not come in: no token, a tampered, an expired, a revoked, a made-up one, a password', async () => {
    const opened = await openAll();
    const { registry, ann, asks, expired, revoked } = opened;
    const closed = asks.filter((ask) => !isPublic(ask));
    expect(closed.length).toBeGreaterThan(50);
    const at = ann.token.length - 20;
    const other = ann.token.slice(0, at) + (ann.token[at] === 'A' ? 'B' : 'A') + ann.token.slice(at + 1);
    const tokens = { tampered: `Bearer ${other}`, expired: `Bearer ${expired}`, revoked: `Bearer ${revoked}` };
    const more = { other: 'Bearer c13_x_y_z', empty: 'Bearer ', basic: `Basic ${btoa('ann:four random words here')}` };
    // Its time is a moment away: asking is what passes it.
    for (let status = 200; status !== 401;) {
      ({ status } = await registry.call('GET', '/api/v1/whoami', undefined, { authorization: tokens.expired }));
    }
    await refusedBy(
      opened,
      closed,
      (ask) => registry.call(ask.method, ask.path, ask.body),
      401,
      /^ERR_UNAUTHENTICATED$/,
    );
    for (const authorization of Object.values({ ...tokens, ...more })) {
      const send = (ask: Ask) => registry.call(ask.method, ask.path, ask.body, { authorization });
      await refusedBy(opened, closed, send, 401, /^ERR_UNAUTHENTICATED$/);
    }
  }, 60_000);

  it('who comes in and may not', async () => {
    const opened = await openAll();
    // What is said of oneself is for everybody who signed in.
    const own = ['/whoami', '/logout', '/tokens', '/users/', '/-/npm/v1/user', '/-/org/', '/-/team/'];
    const closed = opened.asks.filter((ask) => !isPublic(ask) && !own.some((part) => ask.template.includes(part)));
    await refusedBy(opened, closed, (ask) => opened.zoe.call(ask.method, ask.path, ask.body), 403, /^ERR_FORBIDDEN$/);
  }, 60_000);

  it('a body that is not what it says, too large, broken, or has more or other than it should', async () => {
    const opened = await openAll();
    const { registry, ann } = opened;
    const authorization = `Bearer ${ann.token}`;
    const bodies = opened.asks.filter(
      (ask) => isWrite(ask) && ask.operation.requestBody !== undefined && !isPublic(ask) && !isForeign(ask),
    );
    expect(bodies.length).toBeGreaterThan(20);
    const send =
      (body: (ask: Ask) => string, type = 'application/json') =>
      (ask: Ask) =>
        plainCall(registry.url, ask.method, ask.path, body(ask), { authorization, 'content-type': type });
    const known = ({ operation }: Ask): string => {
      const { schema } = operation.requestBody.content['application/json'];
      return Object.keys(schema.properties).find((name) => name !== 'reason') ?? 'reason';
    };
    const both = [400, 422];
    await refusedBy(
      opened,
      bodies,
      send(() => '{}', 'text/plain'),
      415,
      /^ERR_CONTENT_TYPE$/,
    );
    await refusedBy(
      opened,
      bodies,
      send(({ template }) => `{"reason": "${'x'.repeat(limitOf(template))}"}`),
      413,
      /^ERR_BODY_TOO_LARGE$/,
    );
    await refusedBy(
      opened,
      bodies,
      send(() => '{"reason": "x"'),
      400,
      /^ERR_BODY_JSON$/,
    );
    await refusedBy(
      opened,
      bodies,
      send(() => '{"reason": "x", "reason": "y"}'),
      400,
      /^ERR_DUPLICATE_KEY$/,
    );
    const closed = bodies.filter((ask) => !isDocument(ask));
    await refusedBy(
      opened,
      closed,
      send(() => '{"nobody_knows": 1}'),
      400,
      /^ERR_UNKNOWN_FIELD$/,
    );
    const poisoned = send(() => '{"__proto__": {"reason": "x"}}');
    await refusedBy(opened, closed, poisoned, 400, /^ERR_UNKNOWN_FIELD$/);
    await refusedBy(opened, bodies.filter(isDocument), poisoned, 422, /^ERR_PACKAGE_INVALID$/);
    await refusedBy(
      opened,
      bodies,
      send(() => '[{}]'),
      400,
      /^ERR_WRONG_TYPE$/,
    );
    await refusedBy(
      opened,
      bodies,
      send(() => 'null'),
      400,
      /^ERR_WRONG_TYPE$/,
    );
    const wrong = send((ask) => JSON.stringify({ ...(ask.body as object), [known(ask)]: [[{}]] }));
    // To judge what cannot be meant is what that one is for.
    const read = bodies.filter(({ template }) => !template.endsWith('/validate'));
    await refusedBy(
      opened,
      read,
      wrong,
      both,
      /^ERR_(WRONG_TYPE|BAD_REQUEST|NAME|OUT_OF_RANGE|USAGE|PASSWORD|FLAG_INVALID)$/,
    );
  }, 60_000);

  it('what is not there, is at another revision, or is asked for in words nobody knows', async () => {
    const opened = await openAll();
    const { ann } = opened;
    const asks = opened.asks.filter((ask) => !isForeign(ask));
    const unknown = (ask: Ask): string => {
      const isRevision = ask.template.includes('{revision}');
      const names = { name: isRevision ? 'checkout%2Fproduction' : 'unheard-of', revision: '4711', feature: 'metrics' };
      const parts: Record<string, string> = { ...names, code: 'NOBODY', id: 'nobody', key: 'nobody' };
      return ask.template.replace(/\{([^}]+)\}/g, (_, part: string) => parts[part]!);
    };
    // What is put is made, and what is brought back is made again.
    const made = /(templates|rules|webhooks|uplinks|package-filters)\/\{/;
    const isMaking = (ask: Ask): boolean => (ask.method === 'PUT' && made.test(ask.template)) || isDocument(ask);
    const single = asks.filter(
      (ask) => /\{(name|id|code|revision)\}/.test(ask.template) && !isMaking(ask) && !ask.template.endsWith('/restore'),
    );
    expect(single.length).toBeGreaterThan(25);
    const send = (ask: Ask) => ann.call(ask.method, unknown(ask), ask.body);
    await refusedBy(opened, single, send, 404, /^ERR_(NOT_FOUND|ENTRY_NOT_FOUND)$/);
    const conditional = asks.filter((ask) => isWrite(ask) && takes('IfMatch')(ask));
    expect(conditional.length).toBeGreaterThan(15);
    for (const stale of ['"999"', '"0"', '"x"', 'W/"1"', '']) {
      const late = (ask: Ask) => ann.call(ask.method, ask.path, ask.body, { 'if-match': stale });
      const absent = /\/(users|grants|tokens|webhooks|alert-rules|trusted-publishers|uplinks|package-filters|restore)/;
      const there = conditional.filter((ask) => !absent.test(ask.path));
      await refusedBy(opened, there, late, 412, /^ERR_(PRECONDITION|REVISION_CONFLICT)$/);
    }
    const bound = asks.filter((ask) => isWrite(ask) && !takes('IfMatch')(ask) && !isPublic(ask));
    const conditionless = (ask: Ask) => ann.call(ask.method, ask.path, ask.body, { 'if-match': '"1"' });
    await refusedBy(opened, bound, conditionless, 400, /^ERR_BAD_REQUEST$/);
    const extra = (ask: Ask) => ann.call(ask.method, `${ask.path.replace(/\?.*/, '')}?naem=x`, ask.body);
    await refusedBy(opened, asks, extra, 400, /^ERR_BAD_REQUEST$/);
    for (const cursor of ['%00', '-1', 'A%20b', '99999999999999999', '"']) {
      const paged = asks.filter(({ template }) => /\/(history|audit)$/.test(template));
      const bad = (ask: Ask) => ann.call('GET', `${ask.path}?cursor=${cursor}`);
      await refusedBy(opened, paged, bad, 400, /^ERR_BAD_REQUEST$/);
    }
  }, 60_000);

  it('a method that a path does not take', async () => {
    const { ann, description } = await openAll();
    const before = await headOf(ann);
    for (const { template } of description.operations) {
      const { path } = askOf({ ...description.operations.find((one) => one.template === template)! });
      const { status, headers, body } = await ann.call('PROPFIND', path);
      expect([status, body.code], path).toEqual([405, 'ERR_METHOD']);
      const methods = description.operations.filter((one) => one.template === template).map(({ method }) => method);
      expect(headers.get('allow')!.split(', '), path).toEqual(expect.arrayContaining(methods));
    }
    expect(await headOf(ann)).toEqual(before);
  }, 60_000);
});
