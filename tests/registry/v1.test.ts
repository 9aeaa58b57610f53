/** What /api/v1 does, over a real database; every answer is held against the description besides. @module */
import { describe, expect, it } from 'vitest';
import { owner, type Grant, type Principal } from '../../src/auth/rights.ts';
import { openApp } from './app-fixtures.ts';
import { Description } from './description.ts';
import type { Call } from './fixtures.ts';

const CONFIGS = '/api/v1/configs';
const CHECKOUT = `${CONFIGS}/checkout%2Fproduction`;

/** An app whose every answer must be as described; `caller.is` says who asks. */
async function openV1() {
  const caller: { is: Principal } = { is: owner('ann') };
  const app = await openApp(undefined, () => caller.is);
  const description = new Description((await app.call('GET', '/openapi.json')).body);
  const call: Call = async (method, path, ...rest) => {
    const answer = await app.call(method, path.startsWith('/') ? path : `/api/v1/${path}`, ...rest);
    const described = description.find(
      method,
      new URL(path.startsWith('/') ? path : `/api/v1/${path}`, 'http://x').pathname,
    );
    expect(described, `${method} ${path}`).toBeDefined();
    expect(description.faultOf(described!, answer), `${method} ${path}`).toBeNull();
    return answer;
  };
  const head = async (): Promise<number> => (await app.operations.store.journal.head()).seq;
  return { ...app, call, caller, head };
}

function user(...grants: Partial<Grant>[]): Principal {
  const whole = grants.map((grant): Grant => ({ role: 'operator', pattern: 'config:*', sections: null, ...grant }));
  return { kind: 'user', actor: 'bob', user: 'bob', grants: whole, scope: null, readOnly: false };
}

describe('a config', () => {
  it('comes back by a rollback when it was deleted', async () => {
    const { call } = await openV1();
    await call('POST', CONFIGS, { name: 'checkout/production', rows: 50 });
    await call('DELETE', CHECKOUT);
    const back = await call('POST', `${CHECKOUT}/rollback`, { revision: 1 });
    expect([back.status, back.body.config.revision, back.body.config.rows]).toEqual([200, 3, 50]);
    expect((await call('GET', CHECKOUT)).body.rows).toBe(50);
    expect((await call('POST', `${CONFIGS}/never/rollback`, { revision: 1 })).status).toBe(404);
  });

  it('is made, read, changed, deleted, and made again at the next revision', async () => {
    const { call } = await openV1();
    const made = await call('POST', CONFIGS, { name: 'checkout/production', rows: 30, reason: 'new' });
    expect([made.status, made.headers.get('location'), made.headers.get('etag')]).toEqual([201, CHECKOUT, '"1"']);
    const twice = await call('POST', CONFIGS, { name: 'checkout/production' });
    expect([twice.status, twice.body.code]).toEqual([409, 'ERR_REVISION_CONFLICT']);
    const read = await call('GET', CHECKOUT);
    expect([read.body.name, read.body.rows, read.headers.get('etag')]).toEqual(['checkout/production', 30, '"1"']);
    expect((await call('GET', CHECKOUT, undefined, { 'if-none-match': '"1"' })).status).toBe(304);
    const changed = await call('PATCH', CHECKOUT, { features: { metrics: true }, rollouts: { beta_feature: 5 } });
    expect(changed.body.config).toMatchObject({ revision: 2, rows: 30, rollouts: { beta_feature: 5 } });
    expect((await call('DELETE', CHECKOUT, undefined, { 'if-match': '"1"' })).body.current.revision).toBe(2);
    expect((await call('DELETE', `${CHECKOUT}?reason=over`, undefined, { 'if-match': '"2"' })).status).toBe(204);
    expect([(await call('GET', CHECKOUT)).status, (await call('DELETE', CHECKOUT)).status]).toEqual([404, 404]);
    const { entries } = (await call('GET', `${CHECKOUT}/history`)).body;
    expect(entries[0]).toMatchObject({ kind: 'delete', revision: 3, reason: 'over', actor: 'ann' });
    expect((await call('GET', `${CHECKOUT}/revisions/2`)).body).toMatchObject({ revision: 2, rows: 30 });
    const again = await call('POST', CONFIGS, { name: 'checkout/production' });
    expect(again.body.config).toMatchObject({ revision: 4, rows: 24 });
  });

  it('that is not there is made by nothing but a wish to make it', async () => {
    const { call, head } = await openV1();
    const before = await head();
    for (const [method, path, body] of [
      ['PATCH', CHECKOUT, { rows: 30 }],
      ['PATCH', `${CHECKOUT}/features/metrics`, { enabled: true }],
      ['PUT', `${CHECKOUT}/features`, { enabled: [] }],
      ['PUT', `${CHECKOUT}/rollouts`, { rollouts: {} }],
      ['POST', `${CHECKOUT}/template`, { template: 'production' }],
      ['POST', `${CHECKOUT}/reset`, {}],
    ] as const) {
      expect((await call(method, path, body)).body.code, `${method} ${path}`).toBe('ERR_NOT_FOUND');
    }
    expect(await head()).toBe(before);
    const made = await call('PATCH', CHECKOUT, { rows: 30 }, { 'if-none-match': '*' });
    expect(made.body).toMatchObject({ changed: true, config: { revision: 1, rows: 30 } });
  });

  it('is given as its bytes, whole', async () => {
    const { call } = await openV1();
    const hex = '0x019ad10e930700000001185000';
    expect((await call('POST', CONFIGS, { name: 'bytes', hex })).body.config).toMatchObject({ hex, featureFlags: 7 });
    const mixed = await call('PATCH', `${CONFIGS}/bytes`, { hex, rows: 30 });
    expect([mixed.status, mixed.body.code]).toEqual([400, 'ERR_WRONG_TYPE']);
  });

  it('called registry or default stays', async () => {
    const { call } = await openV1();
    for (const name of ['registry', 'default']) {
      expect((await call('DELETE', `${CONFIGS}/${name}`)).body.code).toBe('ERR_FORBIDDEN');
    }
  });
});

describe('features and rollouts', () => {
  it('are set one by one, both at once, and as a whole', async () => {
    const { call } = await openV1();
    const path = `${CONFIGS}/default`;
    expect((await call('PATCH', '/api/v1/services/default/features', { declare: { mine: 12 } })).body).toEqual({
      declaration: { mine: 12 },
    });
    expect((await call('GET', '/api/v1/services/default/features')).body).toEqual({ declaration: { mine: 12 } });
    await call('PATCH', `${path}/features/mine`, { enabled: false, rollout: 12.5 });
    expect((await call('GET', `${path}/features/mine`)).body).toEqual({
      feature: 'mine',
      bit: 12,
      enabled: false,
      rollout: 12.5,
    });
    await call('PUT', `${path}/features`, { enabled: ['metrics', 'mine'] });
    await call('PUT', `${path}/features`, { enabled: ['logging'] });
    const { features } = (await call('GET', `${path}/features`)).body;
    expect(features.filter((one: any) => one.enabled).map((one: any) => one.feature)).toEqual(['logging']);
    await call('PUT', `${path}/rollouts`, { rollouts: { debug: 1 } });
    expect((await call('GET', `${path}/rollouts`)).body).toEqual({ rollouts: { debug: 1 } });
    expect((await call('PATCH', `${path}/features/mine`, {})).body.code).toBe('ERR_BAD_REQUEST');
    expect((await call('GET', `${path}/features/mien`)).body.hint).toBe("Did you mean 'mine'?");
  });

  it('are one entry of the journal for each request', async () => {
    const { call, head } = await openV1();
    const before = await head();
    await call('PATCH', `${CONFIGS}/default/features/debug`, { enabled: true, rollout: 10, reason: 'both' });
    expect(await head()).toBe(before + 1);
  });
});

describe('many changes', () => {
  it('are all done, one after the other in the journal, or none', async () => {
    const { call, head } = await openV1();
    await call('POST', CONFIGS, { name: 'old' });
    const before = await head();
    const changes = [
      { name: 'a', set: { rows: 40 }, expected: 0 },
      { name: 'default', set: { features: { metrics: true }, rollouts: { debug: 5 } } },
      { name: 'b', template: 'production' },
      { name: 'old', delete: true, expected: 1 },
    ];
    const { body } = await call('POST', `${CONFIGS}/bulk`, { changes, reason: 'one release' });
    expect(body.results.map((one: any) => [one.name, one.changed, one.config?.revision ?? null])).toEqual([
      ['a', true, 1],
      ['default', true, 2],
      ['b', true, 1],
      ['old', true, null],
    ]);
    expect(await head()).toBe(before + 4);
    const { entries } = (await call('GET', 'audit?limit=4')).body;
    expect(new Set(entries.map((one: any) => `${one.actor} ${one.reason}`))).toEqual(new Set(['ann one release']));
    const bad: [object, number, string][] = [
      [{ name: 'c', set: { rows: 999 } }, 400, 'ERR_OUT_OF_RANGE'],
      [{ name: 'a', set: { rows: 1 }, expected: 7 }, 409, 'ERR_REVISION_CONFLICT'],
      [{ name: 'nobody', reset: true }, 404, 'ERR_NOT_FOUND'],
      [{ name: 'c', template: 'prod' }, 400, 'ERR_UNKNOWN_TEMPLATE'],
      [{ name: 'x/production', set: { features: { debug: true } } }, 422, 'ERR_CONFIG_INVALID'],
      [{ name: 'registry', delete: true }, 403, 'ERR_FORBIDDEN'],
      [{ name: 'default', set: { cols: 100 } }, 400, 'ERR_DUPLICATE_KEY'],
      [{ name: 'c' }, 400, 'ERR_WRONG_TYPE'],
      [{ name: 'c', set: {}, reset: true }, 400, 'ERR_WRONG_TYPE'],
    ];
    for (const [change, status, code] of bad) {
      const refused = await call('POST', `${CONFIGS}/bulk`, {
        changes: [{ name: 'default', set: { rows: 50 } }, change],
      });
      expect([refused.status, refused.body.code], JSON.stringify(change)).toEqual([status, code]);
    }
    expect(await head()).toBe(before + 4);
    expect((await call('GET', `${CONFIGS}/default`)).body.rows).toBe(24);
  });
});

describe('who asks', () => {
  it('sees what he may, page by page, and counts no more', async () => {
    const { call, caller } = await openV1();
    for (const name of ['a', 'b', 'mine', 'mine/staging', 'z']) await call('POST', CONFIGS, { name });
    caller.is = user({ role: 'viewer', pattern: 'config:mine*' });
    const first = (await call('GET', `${CONFIGS}?limit=1`)).body;
    expect([first.configs.map((c: any) => c.name), first.count, first.cursor]).toEqual([['mine'], 2, 'mine']);
    const second = (await call('GET', `${CONFIGS}?limit=1&cursor=${encodeURIComponent(first.cursor)}`)).body;
    expect([second.configs.map((c: any) => c.name), second.cursor]).toEqual([['mine/staging'], null]);
    // Whether what he may not see is there, he does not learn.
    for (const name of ['a', 'nobody']) expect((await call('GET', `${CONFIGS}/${name}`)).status).toBe(403);
    expect((await call('POST', CONFIGS, { name: 'mine/new' })).status).toBe(403);
  });

  it('touches the sections he was given, in every kind of write, and nothing else', async () => {
    const { call, caller, head } = await openV1();
    await call('PATCH', `${CONFIGS}/default`, { rows: 30 });
    const before = await head();
    caller.is = user({ pattern: 'config:default', sections: ['feature:m*'] });
    const refused: [string, string, object | undefined][] = [
      ['PATCH', '/default', { features: { metrics: true, debug: true } }],
      ['PATCH', '/default', { rows: 40 }],
      ['PATCH', '/default/features/debug', { rollout: 3 }],
      ['PUT', '/default/rollouts', { rollouts: { debug: 3 } }],
      ['POST', '/default/reset', {}],
      ['POST', '/default/template', { template: 'minimal' }],
      ['POST', '/default/rollback', { revision: 1 }],
      ['POST', '/bulk', { changes: [{ name: 'default', set: { cols: 100 } }] }],
      [
        'POST',
        '/bulk',
        {
          changes: [
            { name: 'default', set: { features: { metrics: true } } },
            { name: 'a', set: {} },
          ],
        },
      ],
    ];
    for (const [method, path, body] of refused) {
      expect((await call(method, CONFIGS + path, body)).body.code, `${method} ${path}`).toBe('ERR_FORBIDDEN');
    }
    caller.is = owner('ann');
    expect(await head()).toBe(before);
    caller.is = user({ pattern: 'config:default', sections: ['feature:m*'] });
    expect((await call('PATCH', `${CONFIGS}/default/features/metrics`, { enabled: true })).status).toBe(200);
  });
});

describe('the past', () => {
  it('is walked by its cursor, each change once and in order', async () => {
    const { call } = await openV1();
    for (let rows = 30; rows < 41; rows++) await call('PATCH', `${CONFIGS}/default`, { rows });
    for (const path of [`${CONFIGS}/default/history`, '/api/v1/audit']) {
      const whole = (await call('GET', path)).body.entries.map((one: any) => one.seq);
      const walked: number[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const page: any = (await call('GET', `${path}?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`)).body;
        walked.push(...page.entries.map((one: any) => one.seq));
        cursor = page.cursor;
      }
      expect(walked).toEqual(whole);
      expect(walked).toEqual(walked.toSorted((a, b) => b - a));
    }
    const back = await call('POST', `${CONFIGS}/default/rollback`, { revision: 2 });
    expect(back.body.config).toMatchObject({ revision: 13, rows: 30 });
    expect((await call('GET', `${CONFIGS}/default/revisions/99`)).body.code).toBe('ERR_ENTRY_NOT_FOUND');
    expect((await call('GET', `${CONFIGS}/default/analytics`)).body).toMatchObject({ changes: 12 });
  });

  it('tells administrators everything but secrets', async () => {
    const { call, operations } = await openV1();
    await call('PATCH', `${CONFIGS}/default`, { features: { metrics: true }, rollouts: { debug: 7 } });
    await call('PATCH', '/api/v1/services/default/features', { declare: { mine: 12 } });
    const { journal } = operations.store;
    const value = {
      user: 'ann',
      name: 'ci',
      hash: 'f'.repeat(64),
      scope: null,
      readOnly: true,
      expiresAt: 1,
      createdAt: 1,
    };
    const text = (body: unknown) => new TextEncoder().encode(JSON.stringify(body));
    const by = { actor: 'somebody', reason: 'x', expected: 0 };
    await journal.append([{ stream: 'token:abc', type: 'token.put', body: text({ format: 1, value }), ...by }]);
    await journal.append([{ stream: 'stranger:1', type: 'stranger.said', body: text({ password: 'hunter2' }), ...by }]);
    const bodies = Object.fromEntries(
      (await call('GET', '/api/v1/audit')).body.entries.toReversed().map((one: any) => [one.stream, one.body]),
    );
    expect(bodies['config:default'].after).toMatchObject({ enabled: ['metrics'], rollouts: { debug: 7 } });
    expect(bodies['features:default']).toEqual({ mine: 12 });
    expect(bodies['token:abc']).toEqual({ ...value, hash: undefined });
    expect(bodies['stranger:1']).toBeNull();
    const definition = { state: 'ENABLED', variants: { a: 'one' }, defaultVariant: 'a' };
    await call('PUT', `${CONFIGS}/default/flags/banner`, { definition, owner: 'ann' });
    await call('PUT', `${CONFIGS}/default/flagset`, { metadata: { team: 'shop' } });
    await call('PATCH', '/api/v1/services/default/facts/debug', { owner: 'ann' });
    const shown = async (stream: string) =>
      (await call('GET', `/api/v1/audit?stream=${encodeURIComponent(stream)}`)).body.entries[0].body;
    expect(await shown('flag:default/banner')).toMatchObject({ definition, owner: 'ann' });
    expect(await shown('flagset:default')).toEqual({ evaluators: {}, metadata: { team: 'shop' } });
    expect(await shown('feature:default/debug')).toMatchObject({ owner: 'ann' });
    const filters: [string, number][] = [
      ['stream=config:default', 2],
      ['stream=config:*', 3],
      ['type=token.put', 1],
      ['actor=somebody', 2],
      ['since=2999-01-01', 0],
      ['until=2020-01-01', 0],
      ['stream=config:*&actor=ann', 1],
    ];
    for (const [query, count] of filters) {
      expect((await call('GET', `/api/v1/audit?${query}`)).body.entries.length, query).toBe(count);
    }
    const [seq] = (await call('GET', '/api/v1/audit?type=stranger.said')).body.entries.map((one: any) => one.seq);
    await journal.redact(seq, { actor: 'ann', reason: 'gdpr' });
    const [erased] = (await call('GET', '/api/v1/audit?type=stranger.said')).body.entries;
    expect([erased.isErased, erased.body, erased.hash.length]).toEqual([true, null, 64]);
  });
});

describe('what a team declares', () => {
  it('templates of its own, applied by name like the built-in ones', async () => {
    const { call } = await openV1();
    const path = '/api/v1/templates/team';
    const made = await call('PUT', path, { description: 'ours', set: ['metrics'], rows: 40 });
    expect([made.status, made.headers.get('etag'), made.body.isBuiltin]).toEqual([201, '"1"', false]);
    expect((await call('PUT', path, { set: ['metrics'], rows: 41 }, { 'if-match': '"9"' })).body.current).toMatchObject(
      {
        name: 'team',
        revision: 1,
        rows: 40,
      },
    );
    expect((await call('PUT', path, { set: ['metrics'], rows: 41 }, { 'if-match': '"1"' })).status).toBe(200);
    const names = (await call('GET', '/api/v1/templates')).body.templates.map((one: any) => one.name);
    expect(names).toEqual(['development', 'minimal', 'production', 'staging', 'team']);
    const page = (await call('GET', '/api/v1/templates?limit=2&cursor=minimal')).body;
    expect([page.templates.map((one: any) => one.name), page.cursor]).toEqual([['production', 'staging'], 'staging']);
    expect((await call('GET', '/api/v1/templates/production')).body).toMatchObject({ isBuiltin: true, revision: 0 });
    const applied = await call('POST', `${CONFIGS}/default/template`, { template: 'team' });
    expect(applied.body.config).toMatchObject({ rows: 41, features: { enabled: ['metrics'] } });
    expect((await call('PUT', '/api/v1/templates/production', { rows: 3 })).body.code).toBe('ERR_TEMPLATE_INVALID');
    expect((await call('DELETE', '/api/v1/templates/production')).body.details.rule).toBe('builtin');
    expect((await call('DELETE', path)).status).toBe(204);
    expect([(await call('GET', path)).status, (await call('DELETE', path)).status]).toEqual([404, 404]);
  });

  it('rules of its own, by which every write is judged', async () => {
    const { call } = await openV1();
    const rule = {
      severity: 'error',
      message: 'Beta needs metrics',
      hint: 'Turn metrics on.',
      when: { on: ['beta_feature'] },
      require: { on: ['metrics'] },
    };
    expect((await call('PUT', '/api/v1/rules/TEAM_BETA', rule)).status).toBe(201);
    expect((await call('GET', '/api/v1/rules/TEAM_BETA')).body).toMatchObject({ code: 'TEAM_BETA', ...rule });
    const refused = await call('PATCH', `${CONFIGS}/default`, { features: { beta_feature: true } });
    expect([refused.status, refused.body.details.issues[0].code]).toEqual([422, 'TEAM_BETA']);
    expect(
      (await call('PATCH', `${CONFIGS}/default`, { features: { beta_feature: true, metrics: true } })).status,
    ).toBe(200);
    const codes = (await call('GET', '/api/v1/rules?limit=1000')).body.rules.map((one: any) => one.code);
    expect(codes).toEqual(expect.arrayContaining(['TEAM_BETA', 'PRODUCTION_DEBUG', 'CONFIG_ROWS']));
    expect(codes).toEqual(codes.toSorted());
    expect((await call('PUT', '/api/v1/rules/CONFIG_ROWS', rule)).body.code).toBe('ERR_USAGE');
    expect((await call('DELETE', '/api/v1/rules/TEAM_BETA')).status).toBe(204);
  });
});

describe('the whole', () => {
  it('is copied, listed page by page, exported, and brought back config by config', async () => {
    const { call } = await openV1();
    await call('PATCH', `${CONFIGS}/default`, { rows: 30 });
    const made = [await call('POST', '/api/v1/backups'), await call('POST', '/api/v1/backups')];
    expect(made.map(({ status }) => status)).toEqual([201, 201]);
    // Newest first.
    const names = made.map(({ body }) => body.name).toReversed();
    const first = (await call('GET', '/api/v1/backups?limit=1')).body;
    const second = (await call('GET', `/api/v1/backups?limit=1&cursor=${first.cursor}`)).body;
    expect([first, second].map(({ backups }) => backups[0].name)).toEqual(names);
    expect(second.cursor).toBeNull();
    const exported = await call('GET', '/api/v1/exports');
    expect(exported.body).toMatchObject({ format: '13byte-config', configs: { default: { rows: 30 } } });
    expect(exported.headers.get('content-disposition')).toContain('13byte-config.json');
    await call('PATCH', `${CONFIGS}/default`, { rows: 31 });
    const restored = await call('POST', `${CONFIGS}/default/restore`, { backup: names[0] });
    expect(restored.body.config.rows).toBe(30);
    expect((await call('GET', '/api/v1/status')).body).toMatchObject({ actor: 'ann', configs: 2 });
  });
});
