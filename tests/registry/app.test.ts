/** What the registry answers, endpoint by endpoint, over a real database. @module */
import { describe, expect, it } from 'vitest';
import { owner, type Principal } from '../../src/auth/rights.ts';
import { BUILTIN_TEMPLATES } from '../../src/config/templates.ts';
import { openApp } from './app-fixtures.ts';

describe('a config', () => {
  it('is read, with its revision as ETag, and 304 when the reader has it', async () => {
    const { call } = await openApp();
    const read = await call('GET', 'config?name=registry');
    expect(read.status).toBe(200);
    expect(read.headers.get('etag')).toBe(`"${read.body.revision}"`);
    expect(read.headers.get('cache-control')).toBe('no-cache');
    expect(read.body).toMatchObject({ name: 'registry', version: 1, rows: 24, cols: 80 });
    expect(read.body.features.enabled).toEqual([
      'proxy_mode',
      'binary_protocol',
      'cache_enabled',
      'metrics',
      'logging',
    ]);
    for (const tags of ['"1"', 'W/"1"', '"9", "1"', '*']) {
      const again = await call('GET', 'config?name=registry', undefined, { 'if-none-match': tags });
      expect([again.status, again.body, again.headers.get('etag')], tags).toEqual([304, '', '"1"']);
    }
    expect((await call('GET', 'config?name=registry', undefined, { 'if-none-match': '"2"' })).status).toBe(200);
  });

  it('is changed by field, by feature and by rollout, signed and with its reason', async () => {
    const { call } = await openApp();
    const written = await call('POST', 'config', {
      rows: 50,
      terminalMode: 'raw',
      features: { debug: true },
      rollouts: { metrics: 12.5 },
      reason: 'line one\nline two: \r\nX-Injected: 1',
    });
    expect(written.headers.get('etag')).toBe('"2"');
    expect(written.headers.get('x-injected')).toBeNull();
    expect(written.body).toMatchObject({
      changed: true,
      config: { revision: 2, rows: 50, rollouts: { metrics: 12.5 } },
    });
    const { entries } = (await call('GET', 'config/history')).body;
    expect(entries[0]).toMatchObject({
      actor: 'ann@loopback',
      reason: 'line one\nline two: \r\nX-Injected: 1',
      changedFields: ['featureFlags', 'terminalMode', 'rows', 'rollouts'],
    });
    expect((await call('POST', 'config', { rows: 50 })).body).toMatchObject({
      changed: false,
      config: { revision: 2 },
    });
  });

  it('that is not there is made by the first write, as it wants it, in one entry', async () => {
    const { call } = await openApp();
    const made = await call('POST', 'config?name=checkout/production', { rows: 60, reason: 'new' });
    expect(made.body).toMatchObject({ changed: true, config: { revision: 1, rows: 60, environment: 'production' } });
    const { entries, cursor } = (await call('GET', 'config/history?name=checkout/production')).body;
    expect(entries).toMatchObject([{ revision: 1, kind: 'create', reason: 'new', before: null }]);
    expect(cursor).toBeNull();
  });

  it('is listed by name, page by page', async () => {
    const { call } = await openApp();
    await call('POST', 'config?name=checkout', {});
    const first = (await call('GET', 'configs?limit=2')).body;
    expect([first.configs.map((c: any) => c.name), first.cursor]).toEqual([['checkout', 'default'], 'default']);
    expect(first.count).toBe(3);
    const second = (await call('GET', 'configs?limit=2&cursor=default')).body;
    expect([second.configs.map((c: any) => c.name), second.cursor]).toEqual([['registry'], null]);
  });

  it('is reset, migrated there and back with a backup before, and exported', async () => {
    const { call } = await openApp();
    await call('POST', 'config', { rows: 99, features: { debug: true } });
    expect((await call('POST', 'config/migrate')).body).toMatchObject({ changed: false, log: [], backup: null });
    const legacy = (await call('POST', 'config/migrate', { to: 0 })).body;
    expect(legacy).toMatchObject({ changed: true, config: { version: 0 }, log: [{ from: 1, to: 0 }] });
    expect((await call('GET', 'config/backups')).body.backups).toHaveLength(1);
    expect((await call('GET', 'env')).body).toContain("export BUN_TERMINAL_ROWS='99'\n");
    expect((await call('GET', 'env?format=json')).body).toMatchObject({ BUN_CONFIG_VERSION: '0' });
    expect((await call('POST', 'config/reset', { reason: 'again' })).body).toMatchObject({
      config: { rows: 24, version: 1 },
    });
  });

  it('is judged without being changed', async () => {
    const { call } = await openApp();
    const good = await call('POST', 'config/validate', { config: { version: 1, featureFlags: 7 } });
    expect([good.status, good.body.isValid]).toEqual([200, true]);
    const bad = await call('POST', 'config/validate', { config: { rows: 0, nope: 1 } });
    expect([bad.status, bad.body.isValid]).toEqual([200, false]);
    expect(bad.body.errors.map((issue: any) => issue.code)).toEqual(
      expect.arrayContaining(['ERR_UNKNOWN_FIELD', 'CONFIG_ROWS']),
    );
    expect((await call('POST', 'config/validate')).body.isValid).toBe(true);
    expect((await call('GET', 'config')).body.revision).toBe(1);
  });
});

describe('conditions', () => {
  it('write at the revision that was seen, or answer 412 with what is there', async () => {
    const { call } = await openApp();
    expect((await call('POST', 'config', { rows: 30 }, { 'if-match': '"1"' })).status).toBe(200);
    const lost = await call('POST', 'config', { rows: 31 }, { 'if-match': '"1"' });
    expect(lost.status).toBe(412);
    expect(lost.body).toMatchObject({
      code: 'ERR_REVISION_CONFLICT',
      current: { name: 'default', revision: 2, rows: 30 },
    });
    for (const never of ['"01"', '2', 'W/"2"', '"two"', '"7", "8"', '']) {
      const { status, body } = await call('POST', 'config', { rows: 32 }, { 'if-match': never });
      expect([status, body.code, body.current.revision], never).toEqual([412, 'ERR_PRECONDITION', 2]);
    }
    expect((await call('POST', 'config', { rows: 33 }, { 'if-match': '"7", "2"' })).body.config.revision).toBe(3);
    expect((await call('POST', 'config', { rows: 34 }, { 'if-match': '*' })).body.config.revision).toBe(4);
    const anyRevision = await Promise.all(
      Array.from({ length: 40 }, (_, i) => call('POST', 'config', { cols: 100 + i }, { 'if-match': '*' })),
    );
    expect(new Set(anyRevision.map(({ status }) => status))).toEqual(new Set([200]));
  });

  it('make only what is not there', async () => {
    const { call } = await openApp();
    const only = { 'if-none-match': '*' };
    expect((await call('POST', 'config?name=new', { rows: 30 }, only)).body.config).toMatchObject({
      revision: 1,
      rows: 30,
    });
    const taken = await call('POST', 'config?name=new', { rows: 31 }, only);
    expect([taken.status, taken.body.current.rows]).toEqual([412, 30]);
    const absent = await call('POST', 'config?name=newer', { rows: 31 }, { 'if-match': '"1"' });
    expect([absent.status, absent.body.current]).toEqual([412, null]);
    expect((await call('POST', 'config?name=newer', { rows: 31 }, { 'if-match': '*' })).status).toBe(412);
    expect((await call('GET', 'config?name=newer')).status).toBe(404);
    const unclear = await call('POST', 'config', { rows: 31 }, { 'if-none-match': '"1"' });
    expect([unclear.status, unclear.body.code]).toEqual([400, 'ERR_BAD_REQUEST']);
  });

  it('let one of fifty at once win', async () => {
    const { call } = await openApp();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => call('POST', 'config', { rows: 100 + i }, { 'if-match': '"1"' })),
    );
    const winners = answers.filter(({ status }) => status === 200);
    expect(winners).toHaveLength(1);
    const losers = answers.filter(({ status }) => status === 412);
    expect(losers.map((loser) => loser.body.current.revision)).toEqual(Array(49).fill(2));
    const { body } = await call('GET', 'config');
    expect(body).toMatchObject({ revision: 2, rows: winners[0]!.body.config.rows });
  });
});

describe('features', () => {
  it('are listed, flipped, ramped up and declared', async () => {
    const { call } = await openApp();
    expect((await call('POST', 'features', { declare: { new_checkout: 12 } })).body).toEqual({
      declaration: { new_checkout: 12 },
    });
    expect((await call('POST', 'features', { feature: 'new_checkout', rollout: 10 })).body.config.rollouts).toEqual({
      new_checkout: 10,
    });
    await call('POST', 'features', { feature: 'debug', enabled: true });
    const { features } = (await call('GET', 'features')).body;
    expect(features).toHaveLength(13);
    expect(features).toContainEqual({ feature: 'new_checkout', bit: 12, enabled: false, rollout: 10 });
    expect(features).toContainEqual({ feature: 'debug', bit: 2, enabled: true, rollout: 0 });
    const bound = await call('POST', 'features', { declare: { other: 13 } }, { 'if-match': '"1"' });
    expect([bound.status, bound.body.code]).toEqual([400, 'ERR_BAD_REQUEST']);
  });
});

describe('the past', () => {
  it('is filtered, paged, counted, and put back', async () => {
    const { call } = await openApp();
    for (const rows of [30, 31, 32]) await call('POST', 'config', { rows, reason: `to ${rows}` });
    await call('POST', 'config', { cols: 100 });
    const page = (await call('GET', 'config/history?field=rows&limit=2')).body;
    expect(page.entries.map((entry: any) => entry.reason)).toEqual(['to 32', 'to 31']);
    const rest = (await call('GET', `config/history?field=rows&limit=2&cursor=${page.cursor}`)).body;
    expect([rest.entries.map((entry: any) => entry.revision), rest.cursor]).toEqual([[2, 1], null]);
    expect((await call('GET', 'config/history?actor=bob')).body.entries).toEqual([]);
    expect((await call('GET', 'config/history?since=2999-01-01')).body.entries).toEqual([]);
    expect((await call('GET', 'config/history?until=2999-01-01T00:00:00%2B02:00')).body.entries).toHaveLength(5);
    expect((await call('GET', 'config/analytics')).body).toMatchObject({
      changes: 4,
      fields: { rows: { changes: 3 } },
    });
    expect((await call('GET', 'config/analytics/field?field=cols')).body).toMatchObject({ cols: { changes: 1 } });
    const back = await call('POST', 'config/rollback', { revision: 2, reason: 'too high' });
    expect(back.body).toMatchObject({ changed: true, config: { revision: 6, rows: 30, cols: 80 } });
    expect((await call('POST', 'config/rollback', { entry: page.entries[0].seq })).body.config.rows).toBe(32);
    expect((await call('POST', 'config/rollback', { at: '2999-01-01T00:00:00Z' })).body.changed).toBe(false);
  });

  it('is backed up as often as asked, each time whole', async () => {
    const { call } = await openApp();
    const made = await Promise.all(Array.from({ length: 5 }, () => call('POST', 'config/backup')));
    expect(made.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201]);
    expect(new Set(made.map(({ body }) => body.name)).size).toBe(5);
  });

  it('comes back under the condition that was given, or not at all', async () => {
    const { call } = await openApp();
    await call('POST', 'config', { rows: 30 });
    for (const [path, body] of [
      ['config/rollback', { revision: 1 }],
      ['config/reset', {}],
      ['config/template', { templateName: 'minimal' }],
      ['features', { feature: 'debug', enabled: true }],
      ['config/migrate', { to: 0 }],
    ] as const) {
      const lost = await call('POST', path, body, { 'if-match': '"1"' });
      expect([lost.status, lost.body.current.revision], path).toEqual([412, 2]);
    }
    expect((await call('GET', 'config/backups')).body.backups).toEqual([]);
    expect((await call('POST', 'config/rollback', { revision: 1 }, { 'if-match': '"2"' })).body.config.revision).toBe(
      3,
    );
  });

  it('is kept in backups, from which one config comes back', async () => {
    const { call } = await openApp();
    await call('POST', 'config', { rows: 30 });
    const made = await call('POST', 'config/backup');
    expect([made.status, made.body.size_bytes > 0, made.body.head.seq]).toEqual([201, true, 3]);
    await call('POST', 'config', { rows: 31 });
    await call('POST', 'config?name=other', { rows: 5 });
    expect((await call('GET', 'config/backups')).body.backups.map((file: any) => file.name)).toEqual([made.body.name]);
    const restored = await call('POST', 'config/restore', { backup: made.body.name });
    expect(restored.body).toMatchObject({ changed: true, config: { revision: 4, rows: 30 } });
    expect((await call('GET', 'config?name=other')).body.rows).toBe(5);
  });
});

describe('the registry itself', () => {
  it('says how it does, to machines and to people', async () => {
    const { call } = await openApp();
    const { body } = await call('GET', 'status');
    expect(body).toMatchObject({
      version: '1.2.3',
      pid: 7,
      started: 1000,
      uptime_ms: 500,
      configs: 2,
      actor: 'ann@loopback',
    });
    expect(body.journal).toMatchObject({ head: { seq: 2 }, path: /journal.db$/ });
    expect([body.core.kind, body.core.reason]).toEqual([expect.any(String), expect.any(String)]);
    expect((await call('GET', '/-/ping')).body).toEqual({});
    const page = await call('GET', '/_dashboard');
    // A browser hashes what stands between the tags, to the letter.
    const style = /<style>([\s\S]*)<\/style>/.exec(page.body)![1]!;
    const hash = new Bun.CryptoHasher('sha256').update(style).digest('base64');
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; /);
    expect(page.headers.get('content-security-policy')).toContain(`style-src 'sha256-${hash}'`);
    expect(page.body).toContain('curl http://localhost:4873/_dashboard/api/config');
    expect(page.body).not.toMatch(/<script|https:|src=/);
  });

  it("shows a team's templates to those who may read them, under the short name too", async () => {
    const grant = (pattern: string) => ({ role: 'viewer' as const, pattern, sections: null });
    const eve = { kind: 'user', actor: 'eve', user: 'eve', scope: null, readOnly: false } as const;
    const narrow = { ...eve, grants: [grant('config:*')] };
    const wide = { ...eve, grants: [grant('config:*'), grant('template:team-*')] };
    let asking: Principal = owner('ann');
    const { call } = await openApp(undefined, () => asking);
    await call('PUT', '/api/v1/templates/team-default', { set: ['metrics'] });
    const names = async (principal: Principal) => {
      asking = principal;
      const { body } = await call('GET', 'config/templates');
      return body.templates.map((template: { name: string }) => template.name);
    };
    const builtin = BUILTIN_TEMPLATES.map(({ name }) => name);
    expect(await names(narrow)).toEqual(builtin);
    for (const principal of [wide, owner('ann')]) {
      expect((await names(principal)).toSorted()).toEqual([...builtin, 'team-default'].toSorted());
    }
  });

  it('counts requests by route, however many paths a scanner asks for', async () => {
    const { call } = await openApp();
    await call('GET', 'config');
    await call('POST', 'config', '{');
    for (let i = 0; i < 5; i++) await call('GET', `/-/scan-${i}`);
    for (let i = 0; i < 3; i++) await call('GET', `/scan-${i}`);
    const { body, headers } = await call('GET', 'metrics');
    expect(headers.get('content-type')).toMatch(/^text\/plain; version=0.0.4/);
    expect(body).toContain('c13_http_requests_total{method="GET",route="/_dashboard/api/config",status="200"} 1\n');
    expect(body).toContain('c13_http_requests_total{method="POST",route="/_dashboard/api/config",status="400"} 1\n');
    expect(body).toContain('c13_http_requests_total{method="any",route="none",status="404"} 5\n');
    expect(body).toContain('c13_http_requests_total{method="GET",route="/:package",status="404"} 3\n');
    expect(body).toContain('c13_journal_head_sequence 2\n');
    expect(body).not.toContain('scan-');
  });

  it('obeys its own config: no lines without logging, no figures without metrics', async () => {
    const { call, own, lines } = await openApp();
    await call('GET', 'config');
    expect(lines).toEqual(['GET /_dashboard/api/config 200']);
    own.flags = { ...own.flags, logging: false, metrics: false };
    expect((await call('GET', 'metrics')).status).toBe(404);
    expect(lines).toHaveLength(1);
  });

  it('protects every answer from a browser', async () => {
    const { call } = await openApp();
    for (const [method, path] of [
      ['GET', 'config'],
      ['GET', 'nothing'],
      ['DELETE', 'config'],
      ['GET', '/health'],
    ] as const) {
      const { headers } = await call(method, path);
      expect(headers.get('x-content-type-options'), path).toBe('nosniff');
      expect(headers.get('content-security-policy'), path).toMatch(/default-src 'none'/);
      expect(headers.get('access-control-allow-origin'), path).toBeNull();
    }
  });
});
