/**
 * What operators see of a registry that runs as a process of its own: its log, which holds no secret, its traces, its
 * figures, and whether it is ready.
 * @module
 */
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { databaseIn } from '../../src/live/data-directory.ts';
import { signInAs, startProvider } from '../auth/oidc-fixtures.ts';
import { startProgram, tempDirectory, type RunningProgram } from './fixtures.ts';
import { PASSWORD, postForm, setupSecretOf, startWithAdmin, withToken } from './identity-fixtures.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const CALLBACK = '/_dashboard/oidc/callback';

/** Ends the registry as its operator would; what it has logged is whole then. */
async function logOf({ child }: RunningProgram): Promise<{ text: string; requests: any[] }> {
  child.kill('SIGTERM');
  const text = await new Response(child.stderr).text();
  const lines = text.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));
  return { text, requests: lines.filter(({ msg }) => msg === 'request') };
}

/** Bytes as they are, which no client would send. */
async function raw(url: string, text: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write(text);
  return await readAll(socket);
}

async function readAll(socket: Socket): Promise<string> {
  let said = '';
  socket.on('data', (data) => void (said += data.toString()));
  await once(socket, 'close');
  return said;
}

describe('traces', () => {
  it('reach a receiver: a span for each request, below the one of its caller, and no secret', async () => {
    const spans: any[] = [];
    const receiver = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      async fetch(request) {
        const { resourceSpans } = (await request.json()) as any;
        for (const { scopeSpans } of resourceSpans) spans.push(...scopeSpans.flatMap((scope: any) => scope.spans));
        return Response.json({});
      },
    });
    onTestFinished(() => receiver.stop(true));
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${receiver.port}` };
    const { registry, ann } = await startWithAdmin(undefined, [], env);
    const caller = { traceparent: `00-${TRACE}-${PARENT}-01` };
    for (let i = 0; i < 3; i++) await ann.call('GET', '/api/v1/configs/default', undefined, caller);
    await ann.call('PATCH', '/api/v1/configs/default?reason=x', { rows: 40 });
    await ann.call('GET', '/api/v1/configs/nobody?token=hunter2');
    await registry.call('GET', '/nothing');
    const bad = await raw(registry.url, 'GET //[ HTTP/1.1\r\nHost: [bad\r\nConnection: close\r\n\r\n');
    expect(bad).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(bad.toLowerCase()).toContain('x-content-type-options: nosniff');
    registry.child.kill('SIGTERM');
    expect(await registry.child.exited).toBe(0);
    const names = spans.map(({ name }) => name);
    expect(names.filter((name) => name === 'GET /api/v1/configs/:name')).toHaveLength(4);
    expect(names).toEqual(expect.arrayContaining(['POST /api/v1/setup', 'PATCH /api/v1/configs/:name']));
    expect(spans.filter(({ traceId }) => traceId === TRACE)).toMatchObject([
      { parentSpanId: PARENT },
      { parentSpanId: PARENT },
      { parentSpanId: PARENT },
    ]);
    const setup = spans.find(({ name }) => name === 'POST /api/v1/setup');
    const appends = spans.filter(({ name }) => name === 'journal append');
    expect(appends.map(({ parentSpanId }) => parentSpanId)).toContain(setup.spanId);
    const statuses = spans.map(({ attributes }) => valuesOf(attributes)['http.response.status_code']);
    expect(statuses).toEqual(expect.arrayContaining([200, 201, 400, 401]));
    const all = JSON.stringify(spans);
    for (const hidden of [PASSWORD, setupSecretOf(registry), ann.token, 'hunter2']) expect(all).not.toContain(hidden);
  });
});

function valuesOf(attributes: { key: string; value: Record<string, unknown> }[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

describe('the log', () => {
  it('has one line for each request, with its id and who asked', async () => {
    const { registry, ann } = await startWithAdmin();
    const ci = withToken(registry, (await ann.call('POST', '/api/v1/tokens', { name: 'ci' })).body.secret);
    const id = (i: number) => ({ 'x-request-id': `the-request-${i}` });
    // The second and the third are answered before the router.
    for (const i of [1, 2, 3]) await ci.call('GET', '/api/v1/configs/default', undefined, id(i));
    await registry.call('GET', '/health', undefined, id(4));
    await registry.call('GET', '/api/v1/configs', undefined, id(5));
    await ann.call('PATCH', '/api/v1/configs/default', { rows: 0 }, id(6));
    await ann.call('GET', '/nothing', undefined, id(7));
    const { requests } = await logOf(registry);
    const own = requests.filter((line) => line.id.startsWith('the-request-'));
    expect(own.map((line) => [line.id, line.method, line.path, line.status, line.user])).toEqual([
      ['the-request-1', 'GET', '/api/v1/configs/default', 200, 'ann/ci'],
      ['the-request-2', 'GET', '/api/v1/configs/default', 200, 'ann/ci'],
      ['the-request-3', 'GET', '/api/v1/configs/default', 200, 'ann/ci'],
      ['the-request-4', 'GET', '/health', 200, null],
      ['the-request-5', 'GET', '/api/v1/configs', 401, null],
      ['the-request-6', 'PATCH', '/api/v1/configs/default', 400, 'ann'],
      ['the-request-7', 'GET', '/nothing', 404, 'ann'],
    ]);
    for (const line of own) expect(line.duration_ms).toBeGreaterThanOrEqual(0);
    const [address, hot] = ['127.0.0.1', null];
    expect(own.map((line) => line.address)).toEqual([address, hot, hot, address, address, address, address]);
    expect(new Set(requests.map((line) => line.id)).size).toBe(requests.length);
  });

  it('says why credentials were refused while debug is on; the answer does not', async () => {
    const { registry, ann } = await startWithAdmin();
    const { secret, id } = (await ann.call('POST', '/api/v1/tokens', { name: 'ci' })).body;
    await ann.call('DELETE', `/api/v1/tokens/${id}`);
    await ann.call('PATCH', '/api/v1/configs/registry', { features: { debug: true } });
    const ask = async (token: string, requestId: string) =>
      await withToken(registry, token).call('GET', '/api/v1/whoami', undefined, { 'x-request-id': requestId });
    const answers = [await ask(secret, 'the-revoked-one'), await ask('nonsense', 'the-malformed-one')];
    expect(answers[0]!.body).toEqual(answers[1]!.body);
    const { text } = await logOf(registry);
    const refusals = text.split('\n').flatMap((line) => (line.includes('"msg":"refused"') ? [JSON.parse(line)] : []));
    expect(refusals.map(({ id: of, why }) => [of, why])).toEqual([
      ['the-revoked-one', expect.stringMatching(/: revoked$/)],
      ['the-malformed-one', expect.stringMatching(/: malformed$/)],
    ]);
  });

  it('warns of what maintenance refused, and no figure calls it an error', async () => {
    const { registry, ann } = await startWithAdmin();
    await ann.call('PATCH', '/api/v1/configs/registry', { features: { maintenance_mode: true } });
    const id = { 'x-request-id': 'the-refused-one' };
    const paths = ['/api/v1/configs/default', '/api/v1/templates/team'];
    expect((await ann.call('PATCH', paths[0]!, { rows: 31 }, id)).body.code).toBe('ERR_MAINTENANCE');
    expect((await ann.call('PUT', paths[1]!, { set: ['metrics'] }, id)).body.code).toBe('ERR_MAINTENANCE');
    const { requests } = await logOf(registry);
    const refused = requests.filter((line) => line.id === 'the-refused-one');
    expect(refused.map(({ level, status, path }) => [level, status, path])).toEqual(
      paths.map((path) => ['warn', 503, path]),
    );
  });

  it('holds no secret after a whole story of signing in, with all headers in it', async () => {
    const { port } = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const provider = await startProvider(url + CALLBACK);
    onTestFinished(() => provider.stop());
    const clientSecret = 'a secret & more: %/+';
    const file = join(tempDirectory(), 'secret');
    writeFileSync(file, `${clientSecret}\n`);
    const registry = await startProgram(undefined, ['--port', String(port)], {
      C13_PUBLIC_URL: url,
      C13_OIDC_ISSUER: provider.issuer,
      C13_OIDC_CLIENT_ID: 'registry',
      C13_OIDC_CLIENT_SECRET_FILE: file,
    });
    const secrets: Record<string, string> = { 'the setup secret': setupSecretOf(registry), 'the password': PASSWORD };
    secrets['the client secret'] = clientSecret;
    await registry.call('PATCH', '/api/v1/configs/registry', { features: { verbose: true, debug: true } });
    await tellStory(registry, url, secrets);
    const { text, requests } = await logOf(registry);
    expect(requests.length).toBeGreaterThan(15);
    expect(text).toContain('"cookie":"[redacted]"');
    expect(text).toContain('"authorization":"[redacted]"');
    expect(Object.keys(secrets).length).toBeGreaterThan(12);
    for (const [what, secret] of Object.entries(secrets)) {
      expect(secret.length, what).toBeGreaterThan(7);
      for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) {
        expect(text.includes(form), `${what} is in the log`).toBe(false);
      }
    }
  });
});

async function freePort(): Promise<AddressInfo> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return address;
}

/** Everything that shows a secret to the registry, in good ways and in bad ones; `secrets` gets each. */
async function tellStory(registry: RunningProgram, url: string, secrets: Record<string, string>): Promise<void> {
  const setup = secrets['the setup secret']!;
  await fetch(`${url}/_dashboard/setup?secret=${setup}`, { headers: { referer: `${url}/?secret=${setup}` } });
  const form = { secret: setup, user: 'ann', password: PASSWORD, again: PASSWORD };
  const made = await postForm(url, '/_dashboard/setup', form);
  secrets['the first cookie'] = /=(.*)/.exec(made.cookie!)![1]!;
  await registry.call('POST', '/api/v1/setup', { secret: setup, user: 'eve', password: PASSWORD });
  const login = await registry.call('POST', '/api/v1/login', { user: 'ann', password: PASSWORD });
  const ann = withToken(registry, (secrets['a session'] = login.body.token));
  secrets['a wrong password'] = 'not the password at all';
  await registry.call('POST', '/api/v1/login', { user: 'ann', password: secrets['a wrong password'] });
  await registry.call('POST', '/api/v1/login', { user: secrets['a wrong password'], password: 'x' });
  await postForm(url, '/_dashboard/login', { user: 'ann', password: secrets['a wrong password'], returnTo: '' });
  const page = await postForm(url, '/_dashboard/login', { user: 'ann', password: PASSWORD, returnTo: '' });
  secrets['a cookie'] = /=(.*)/.exec(page.cookie!)![1]!;
  await fetch(`${url}/_dashboard`, { headers: { cookie: page.cookie! } });
  const token = (secrets['an API token'] = (await ann.call('POST', '/api/v1/tokens', { name: 'ci' })).body.secret);
  await withToken(registry, token).call('GET', '/api/v1/configs/default');
  secrets['a token with a slip'] = `${token.slice(0, -2)}xx`;
  await withToken(registry, secrets['a token with a slip']!).call('GET', '/api/v1/configs/default');
  await registry.call('GET', `/api/v1/configs/default?token=${token}`);
  await registry.call('GET', `/api/v1/configs/${token}`, undefined, { 'x-api-key': token });
  secrets['a basic credential'] = btoa(`ann:${PASSWORD}`);
  const basic = { authorization: `Basic ${secrets['a basic credential']}` };
  await registry.call('GET', '/api/v1/configs', undefined, basic);
  const hook = await ann.call('PUT', '/api/v1/webhooks/pager', { url: `${url}/hook`, events: ['config.changed'] });
  secrets['the secret of a webhook'] = hook.body.secret;
  await ann.call('POST', '/api/v1/users', { name: 'anna', email: 'ann@example.com' });
  await tellOfProvider(url, secrets);
  await postForm(url, '/_dashboard/logout', {}, { origin: url, cookie: page.cookie! });
  await ann.call('PUT', '/api/v1/users/ann/password', { current: PASSWORD, password: 'another four random words' });
  secrets['the next password'] = 'another four random words';
}

async function tellOfProvider(url: string, secrets: Record<string, string>): Promise<void> {
  const start = await fetch(`${url}/_dashboard/oidc/start`, { redirect: 'manual' });
  const [cookie = ''] = start.headers.getSetCookie().map((line) => /^[^;]+/.exec(line)![0]);
  const there = start.headers.get('location')!;
  const back = await signInAs('ann', there, url + CALLBACK);
  const finish = await fetch(back, { redirect: 'manual', headers: { cookie, referer: back } });
  expect(finish.status).toBe(303);
  await fetch(back, { redirect: 'manual', headers: { cookie } });
  secrets["the provider's code"] = new URL(back).searchParams.get('code')!;
  for (const name of ['state', 'nonce']) {
    const value = new URL(there).searchParams.get(name);
    if (value !== null) secrets[name] = value;
  }
  secrets['what the browser keeps meanwhile'] = /=(.*)/.exec(cookie)![1]!;
  const session = finish.headers.getSetCookie().find((line) => line.startsWith('c13_session='))!;
  secrets['a session by the provider'] = /=([^;]+)/.exec(session)![1]!;
}

describe('figures', () => {
  it('tell of appends and of the board', async () => {
    const { registry, ann } = await startWithAdmin();
    const figure = async (name: string) => {
      const { body } = await ann.call('GET', '/metrics');
      return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(body)?.[1] ?? NaN);
    };
    const appends = 'c13_journal_append_duration_seconds_count';
    const before = await figure(appends);
    for (const rows of [31, 32, 33]) await ann.call('PATCH', '/api/v1/configs/default', { rows });
    await ann.call('PATCH', '/api/v1/configs/default', { rows: 34 }, { 'if-match': '"1"' });
    expect(await figure(appends)).toBe(before + 3);
    expect(await figure('c13_journal_append_failures_total')).toBe(0);
    expect(await figure('c13_board_slots')).toBe(2);
    expect(await figure('c13_board_capacity')).toBeGreaterThan(1000);
    expect(await figure('c13_board_announced_sequence')).toBe(await figure('c13_journal_head_sequence'));
    expect(await figure('c13_clients\\{kind="http"\\}')).toBe(1);
    expect(registry.child.exitCode).toBeNull();
  });
});

describe('limits', () => {
  it('are those of the settings, by the address that a trusted proxy tells of', async () => {
    const env = { C13_RATE_LIMIT: '5', C13_RATE_LIMIT_ANONYMOUS: '3', C13_TRUSTED_PROXIES: '127.0.0.1' };
    const { registry, ann } = await startWithAdmin(undefined, ['--host', '127.0.0.2'], env);
    const ask = async (address: string) =>
      await registry.call('GET', '/.well-known/jwks.json', undefined, {
        'x-forwarded-for': `198.51.100.9, ${address}`,
      });
    const statuses: number[] = [];
    for (let i = 0; i < 4; i++) statuses.push((await ask('2001:db8::1')).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    expect([(await ask('2001:db8::2')).status, (await ask('2001:db8:0:1::1')).status]).toEqual([429, 200]);
    const reads: number[] = [];
    // Most of them are answered before the router; the limit is the same.
    for (let i = 0; i < 6; i++) reads.push((await ann.call('GET', '/api/v1/configs/default')).status);
    expect(reads).toEqual([200, 200, 200, 200, 200, 429]);
    const refused = await ann.call('GET', '/api/v1/configs/default');
    expect(refused.body).toMatchObject({ code: 'ERR_RATE_LIMITED', details: { policy: 'token' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  });
});

describe('readiness', () => {
  it('ends when the database is replaced under it: nobody sees what it changes', async () => {
    const { registry, ann } = await startWithAdmin();
    expect((await registry.call('GET', '/health')).body.checks).toEqual({ journal: 'ok', serving: 'ok', board: 'ok' });
    const path = databaseIn(registry.data);
    for (const suffix of ['', '-wal', '-shm']) renameSync(path + suffix, `${path}.old${suffix}`);
    let { status, body } = await ann.call('GET', '/health');
    // The board is looked at once a second.
    while (status === 200) ({ status, body } = await ann.call('GET', '/health'));
    expect([status, body]).toEqual([503, { status: 'failing', checks: expect.objectContaining({ board: 'failing' }) }]);
    expect((await ann.call('GET', '/health/live')).status).toBe(200);
  });
});
