/**
 * Evaluation by OFREP 0.3.0: statuses, bodies and tags as the protocol has them, and nothing for those who may not
 * know.
 * @module
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ANONYMOUS, owner, type Principal } from '../../src/auth/rights.ts';
import { openApp, type TestApp } from './app-fixtures.ts';
import { BANNER, BULK, DEFINITIONS, evaluate, flagsOf, putFlags } from './ofrep-fixtures.ts';

const GRANTS = [{ role: 'viewer', pattern: '*', sections: null }] as const;
const PAGE: Principal = {
  kind: 'token',
  actor: 'ann/web',
  user: 'ann',
  grants: GRANTS,
  scope: null,
  readOnly: true,
  isBrowser: true,
};
const CHECKOUT = `/api/v1/configs/checkout%2Fproduction${BULK}`;

async function open(as: () => Principal = () => owner('ann@loopback')): Promise<TestApp> {
  return await openApp(undefined, as);
}

async function withFlags(as?: () => Principal): Promise<TestApp> {
  const app = await open(as);
  await putFlags(flagsOf(app.operations), 'default', DEFINITIONS);
  return app;
}

describe('one flag', () => {
  it('answers each kind as the protocol has it', async () => {
    const { call } = await withFlags();
    const metadata = { team: 'shop' };
    const expected: Record<string, [number, object]> = {
      banner: [200, { key: 'banner', reason: 'DEFAULT', variant: 'plain', value: 'Hello', metadata }],
      off: [200, { key: 'off', reason: 'DISABLED' }],
      own: [200, { key: 'own', reason: 'DEFAULT' }],
      shape: [200, { key: 'shape', reason: 'STATIC', variant: 'a', value: { deep: [1, null] } }],
      size: [200, { key: 'size', reason: 'STATIC', variant: 's', value: 1.5 }],
      debug: [200, { key: 'debug', reason: 'STATIC', variant: 'off', value: false }],
      nobody: [404, { key: 'nobody', errorCode: 'FLAG_NOT_FOUND', errorDetails: "Flag 'nobody' was not found" }],
      'a%2Fb': [404, { key: 'a/b', errorCode: 'FLAG_NOT_FOUND', errorDetails: "Flag 'a/b' was not found" }],
    };
    for (const [key, [status, body]] of Object.entries(expected)) {
      const answer = await evaluate(call, `${BULK}/${key}`, { plan: 'free' });
      expect([key, answer.status, answer.body]).toEqual([key, status, body]);
      expect(answer.headers.get('content-type')).toBe('application/json');
      expect(answer.headers.get('cache-control')).toMatch(/^private, no-store/);
      expect(answer.headers.get('vary')).toContain('Authorization, X-API-Key, Origin');
    }
    const pro = await evaluate(call, `${BULK}/banner`, { targetingKey: 'u', plan: 'pro' });
    expect(pro.body).toEqual({ key: 'banner', reason: 'TARGETING_MATCH', variant: 'bold', value: 'HELLO', metadata });
  });

  it('is on for a part of the users only by their key', async () => {
    const { call } = await open();
    await call('PATCH', '/api/v1/configs/default', { rollouts: { debug: 50 } });
    const missing = await evaluate(call, `${BULK}/debug`, {});
    expect([missing.status, missing.body.errorCode]).toEqual([400, 'TARGETING_KEY_MISSING']);
    const values = new Set<boolean>();
    for (let user = 0; user < 40; user++) {
      const { status, body } = await evaluate(call, `${BULK}/debug`, { targetingKey: `user-${user}` });
      expect([status, body.reason, body.variant]).toEqual([200, 'SPLIT', body.value ? 'on' : 'off']);
      values.add(body.value);
    }
    expect(values.size).toBe(2);
  });

  it('is asked of each config by its own path', async () => {
    const { call, operations } = await open();
    await call('POST', '/api/v1/configs', { name: 'checkout/production' });
    await putFlags(flagsOf(operations), 'checkout/production', { banner: BANNER });
    expect((await evaluate(call, `${CHECKOUT}/banner`)).status).toBe(200);
    expect((await evaluate(call, `${BULK}/banner`)).status).toBe(404);
    const { status, body } = await evaluate(call, `/api/v1/configs/nobody${BULK}/banner`);
    expect([status, body.key, body.errorCode]).toEqual([404, 'banner', 'FLAG_NOT_FOUND']);
    const all = await evaluate(call, `/api/v1/configs/nobody${BULK}`);
    expect([all.status, all.body.errorCode, 'key' in all.body]).toEqual([404, 'GENERAL', false]);
  });
});

describe('what is sent', () => {
  const deep = '{"a":'.repeat(40) + '1' + '}'.repeat(40);
  const bodies: Record<string, [string | undefined, number]> = {
    'no body': [undefined, 200],
    'an empty object': ['{}', 200],
    'nothing of whom': ['{"context":{}}', 200],
    nulls: ['{"context":{"targetingKey":null,"plan":null}}', 200],
    'what others add': ['{"context":{},"more":[1]}', 200],
    'no JSON': ['{"context":', 400],
    'a list': ['[]', 400],
    null: ['null', 400],
    'a context that is text': ['{"context":"u"}', 400],
    'a context that is a list': ['{"context":[]}', 400],
    'a context that is null': ['{"context":null}', 400],
    'a key that is a number': ['{"context":{"targetingKey":5}}', 400],
    'the prototype': ['{"context":{"__proto__":{"plan":"pro"}}}', 400],
    'the prototype, deeper': ['{"context":{"a":[{"constructor":1}]}}', 400],
    'too deep': [`{"context":${deep}}`, 400],
    'too many': [JSON.stringify({ context: { a: Array.from({ length: 3000 }, () => 1) } }), 400],
  };

  it('is taken, or refused in the shapes of the protocol', async () => {
    const { call, operations } = await withFlags();
    const head = operations.store.head();
    for (const [what, [body, status]] of Object.entries(bodies)) {
      const [one, all] = [await call('POST', `${BULK}/banner`, body), await call('POST', BULK, body)];
      expect([what, one.status, all.status]).toEqual([what, status, status]);
      for (const { headers } of [one, all]) expect(headers.get('content-type')).toBe('application/json');
      if (status === 200) continue;
      expect(one.body).toMatchObject({ key: 'banner', errorCode: 'INVALID_CONTEXT' });
      expect(all.body).toEqual({ errorCode: 'INVALID_CONTEXT', errorDetails: one.body.errorDetails });
      expect(one.body.errorDetails.length).toBeLessThan(300);
    }
    expect(operations.store.head()).toBe(head);
  });

  it('is not read on where it is too large, announced or not', async () => {
    const { send } = await open();
    const headers = { 'content-type': 'application/json', 'content-length': String(10 * 1024 * 1024) };
    const announced = await send('POST', `${BULK}/debug`, { headers, body: '{}' });
    let read = 0;
    const endless = new ReadableStream({
      pull(controller) {
        read += 65_536;
        controller.enqueue(new Uint8Array(65_536).fill(32));
      },
    });
    const chunked = await send('POST', BULK, { headers: { 'content-type': 'application/json' }, body: endless });
    expect(read).toBeLessThan(3 * 1024 * 1024);
    for (const { status, body, headers: answered } of [announced, chunked]) {
      expect([status, body.errorCode]).toEqual([400, 'INVALID_CONTEXT']);
      expect(body.errorDetails).toContain('ERR_BODY_TOO_LARGE');
      expect(answered.get('connection')).toBe('close');
    }
  });

  it('says that it is JSON, unless a token in a header says who asks', async () => {
    const { send } = await open();
    const plain = { 'content-type': 'text/plain' };
    const form = await send('POST', BULK, { headers: plain, body: '{}' });
    expect([form.status, form.body.code]).toEqual([415, 'ERR_CONTENT_TYPE']);
    const token = await send('POST', BULK, { headers: { ...plain, 'x-api-key': 'c13_x' }, body: '{}' });
    expect(token.status).toBe(200);
  });

  it('may name parameters of the protocol, and no method but POST', async () => {
    const { call } = await open();
    const path = `${BULK}?flagConfigEtag=%22x%22&flagConfigLastModified=nonsense`;
    expect((await evaluate(call, path)).status).toBe(200);
    const { status, headers } = await call('GET', BULK);
    expect([status, headers.get('allow')]).toEqual([405, 'OPTIONS, POST']);
  });
});

describe('all flags', () => {
  it('are listed by key, those that fail too', async () => {
    const { call, operations } = await withFlags();
    await call('PATCH', '/api/v1/configs/default', { rollouts: { debug: 50 } });
    const { status, body, headers } = await evaluate(call, BULK, {});
    expect([status, headers.get('etag')]).toEqual([200, expect.stringMatching(/^"[\w-]{43}"$/)]);
    const keys = body.flags.map(({ key }: { key: string }) => key);
    expect(keys).toEqual(keys.toSorted());
    expect(keys).toEqual(expect.arrayContaining([...Object.keys(DEFINITIONS), 'maintenance_mode']));
    const failed = body.flags.filter((flag: object) => 'errorCode' in flag);
    expect(failed).toEqual([expect.objectContaining({ key: 'debug', errorCode: 'TARGETING_KEY_MISSING' })]);
    for (const flag of body.flags)
      expect([null, 'array']).not.toContain(Array.isArray(flag.value) ? 'array' : flag.value);
    await flagsOf(operations).change(
      'default',
      'banner',
      { kind: 'archive', at: 1 },
      { actor: 'ann', isFeature: () => false },
    );
    const later = await evaluate(call, BULK, {});
    expect(later.body.flags.map(({ key }: { key: string }) => key)).not.toContain('banner');
    expect((await evaluate(call, `${BULK}/banner`)).status).toBe(404);
  });

  it('are not sent again to who has them, for the same context in whatever order', async () => {
    const { call } = await withFlags();
    const context = { targetingKey: 'u', a: 1, b: [{ x: 1, y: null }] };
    const first = await evaluate(call, BULK, context);
    const tag = first.headers.get('etag')!;
    const again = { b: [{ y: null, x: 1 }], a: 1, targetingKey: 'u' };
    for (const known of [tag, `W/${tag}`, tag.replaceAll('"', ''), `"x", ${tag}`, tag.replace(/"$/, '+zstd"')]) {
      const { status, headers, body } = await evaluate(call, BULK, again, { 'if-none-match': known });
      expect([known, status, body, headers.get('etag')]).toEqual([known, 304, '', tag]);
    }
    for (const known of ['*', '"x"', '']) {
      expect((await evaluate(call, BULK, context, { 'if-none-match': known })).status).toBe(200);
    }
    const others = [{}, { ...context, a: 2 }, { ...context, b: [['x', 1, 'y', null]] }, { ...context, c: null }];
    for (const other of others) {
      const { status, headers } = await evaluate(call, BULK, other, { 'if-none-match': tag });
      expect(status).toBe(200);
      expect(headers.get('etag')).not.toBe(tag);
    }
    const refused = await evaluate(call, BULK, context, { 'if-match': tag });
    expect([refused.status, refused.body.code]).toEqual([400, 'ERR_BAD_REQUEST']);
  });

  it('have another tag when anything has changed, and the old one when it is as before', async () => {
    const { call, operations } = await withFlags();
    const flags = flagsOf(operations);
    const tag = async (): Promise<string> => (await evaluate(call, BULK, { plan: 'pro' })).headers.get('etag')!;
    const seen = [await tag()];
    await call('PATCH', '/api/v1/configs/default', { rollouts: { debug: 50 } });
    seen.push(await tag());
    await putFlags(flags, 'default', { banner: { ...BANNER, defaultVariant: 'bold' } });
    seen.push(await tag());
    await call('PATCH', '/api/v1/services/default/features', { declare: { new_checkout: 12 } });
    seen.push(await tag());
    expect(new Set(seen).size).toBe(4);
    await call('POST', '/api/v1/configs', { name: 'checkout' });
    await call('PATCH', '/api/v1/configs/default', { rows: 77 });
    expect(await tag()).toBe(seen[3]!);
  });

  it('have one tag for one context, and never one for two', async () => {
    const { ofrep } = await open();
    const flags = await ofrep.evaluations.read('default');
    const principal = owner('ann@loopback');
    const tag = (context: object): string => {
      const bytes = new TextEncoder().encode(JSON.stringify({ context }));
      return ofrep.answer(flags, { key: null, bytes, principal, known: null }).etag!;
    };
    const leaf = fc.constantFrom<unknown>(null, true, 0, 1, '', 'a', [], {}, [0], [1], { a: 0 }, { a: null }, [
      1,
      'a',
      0,
    ]);
    const value = fc.oneof(leaf, fc.array(leaf, { maxLength: 3 }), fc.dictionary(fc.constantFrom('a', 'b', '0'), leaf));
    const context = fc.dictionary(fc.constantFrom('a', 'b', '0', 'targetingKeys'), value, { noNullPrototype: true });
    fc.assert(
      fc.property(context, context, (one, other) => {
        expect(tag(Object.fromEntries(Object.entries(one).toReversed()))).toBe(tag(one));
        expect(tag(one) === tag(other)).toBe(Bun.deepEquals(one, other, true));
      }),
      { seed: 43, numRuns: 300 },
    );
  });

  it('that ask what time it is have a tag of what they answer', async () => {
    const { call, operations } = await open();
    const clock = { '>': [{ var: '$flagd.timestamp' }, 1] };
    await putFlags(flagsOf(operations), 'default', {
      banner: { ...BANNER, targeting: { if: [clock, 'bold', 'plain'] } },
    });
    const [first, other] = [await evaluate(call, BULK, { a: 1 }), await evaluate(call, BULK, { a: 2 })];
    expect(other.headers.get('etag')).toBe(first.headers.get('etag'));
    const tag = { 'if-none-match': first.headers.get('etag')! };
    expect((await evaluate(call, BULK, { a: 1 }, tag)).status).toBe(304);
  });
});

describe('a page', () => {
  it('is told of what is visible to it, and of nothing else that there is', async () => {
    const asked = { as: owner('ann@loopback') as Principal };
    const { call, operations } = await withFlags(() => asked.as);
    const flags = flagsOf(operations);
    await putFlags(flags, 'default', { seen: DEFINITIONS['size']! }, true);
    asked.as = PAGE;
    const before = await evaluate(call, BULK);
    expect(before.body.flags).toEqual([{ key: 'seen', reason: 'STATIC', variant: 's', value: 1.5 }]);
    const [hidden, unknown] = [await evaluate(call, `${BULK}/banner`), await evaluate(call, `${BULK}/nobody`)];
    expect(JSON.stringify(hidden.body).replaceAll('banner', 'nobody')).toBe(JSON.stringify(unknown.body));
    expect(hidden.status).toBe(404);
    await putFlags(flags, 'default', { banner: { ...BANNER, defaultVariant: 'bold' }, more: BANNER });
    expect((await evaluate(call, BULK)).headers.get('etag')).toBe(before.headers.get('etag'));
    const late = { ...BANNER, targeting: { if: [{ '>': [{ var: '$flagd.timestamp' }, 5] }, 'bold'] } };
    await putFlags(flags, 'default', { banner: late });
    await flags.putSet(
      'default',
      { evaluators: { mine: { '!': [true] } }, metadata: { ours: true } },
      { actor: 'ann' },
    );
    expect((await evaluate(call, BULK)).headers.get('etag')).toBe(before.headers.get('etag'));
    await flags.putFacts('default', 'debug', { clientVisible: true }, { actor: 'ann' });
    const keys = (await evaluate(call, BULK)).body.flags.map(({ key }: { key: string }) => key);
    expect(keys).toEqual(['debug', 'seen']);
  });
});

describe('a page of another origin', () => {
  it('may read what it asked for with a token, as it is told beforehand', async () => {
    const { call, send } = await open();
    const origin = 'https://shop.example';
    for (const path of [BULK, `${BULK}/debug`, CHECKOUT, `${CHECKOUT}/debug`, '/ofrep/v1/events']) {
      const asked = {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      };
      const { status, headers, body } = await send('OPTIONS', path, { headers: asked });
      expect([path, status, body]).toEqual([path, 204, '']);
      expect(headers.get('access-control-allow-origin')).toBe('*');
      expect(headers.get('access-control-allow-methods')).toBe(
        path.endsWith('events') ? 'GET, OPTIONS' : 'POST, OPTIONS',
      );
      for (const name of ['Authorization', 'X-API-Key', 'Content-Type', 'If-None-Match']) {
        expect(headers.get('access-control-allow-headers')).toContain(name);
      }
      expect(headers.has('access-control-allow-credentials')).toBe(false);
    }
    const answers = [
      await evaluate(call, BULK, {}, { origin }),
      await evaluate(call, BULK, {}, { origin, 'if-none-match': (await evaluate(call, BULK)).headers.get('etag')! }),
      await evaluate(call, `${BULK}/nobody`, {}, { origin }),
      await call('POST', BULK, '[', { origin }),
      await call('GET', '/ofrep/v1/events?ticket=none', undefined, { origin }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 304, 404, 400, 401]);
    for (const { headers } of answers) {
      expect(headers.get('access-control-allow-origin')).toBe('*');
      expect(headers.get('access-control-expose-headers')).toBe('ETag, Retry-After');
    }
  });

  it('reads nothing that the browser got by a cookie, and nothing of other routes', async () => {
    const { call } = await open();
    const origin = 'https://shop.example';
    const cookie = await evaluate(call, BULK, {}, { origin, cookie: 'c13_session=x' });
    const patch = await call('PATCH', '/api/v1/configs/default', { rows: 30 }, { origin });
    const users = await call('GET', '/api/v1/users', undefined, { origin });
    for (const { headers } of [cookie, patch, users]) expect(headers.has('access-control-allow-origin')).toBe(false);
  });

  it('reads nothing where nobody is let in', async () => {
    const { call } = await open(() => ANONYMOUS);
    const { status, body, headers } = await evaluate(call, BULK);
    expect([status, body.code, headers.get('content-type')]).toEqual([
      401,
      'ERR_UNAUTHENTICATED',
      'application/problem+json',
    ]);
  });
});
