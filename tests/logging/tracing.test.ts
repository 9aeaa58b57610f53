/** Spans as a real receiver gets them, and nothing loaded without one. @module */
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { readTracingSettings } from '../../src/env/tracing-settings.ts';
import { parseTraceparent, startTracing, type Tracing } from '../../src/logging/tracing.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

interface Received {
  readonly path: string;
  readonly resource: Record<string, unknown>;
  readonly spans: Record<string, any>[];
}

/** Takes OTLP over HTTP, as JSON. */
function receiver(status = 200) {
  const received: Received[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      const { resourceSpans } = (await request.json()) as any;
      for (const { resource, scopeSpans } of resourceSpans) {
        const spans = scopeSpans.flatMap((scope: any) => scope.spans);
        received.push({ path: new URL(request.url).pathname, resource: valuesOf(resource.attributes), spans });
      }
      return Response.json({}, { status });
    },
  });
  onTestFinished(() => server.stop(true));
  return { received, url: `http://127.0.0.1:${server.port}` };
}

function valuesOf(attributes: { key: string; value: Record<string, unknown> }[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

async function tracingTo(url: string, warn = (_text: string): void => {}): Promise<Tracing> {
  const settings = readTracingSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_SERVICE_NAME: 'checkout' });
  return (await startTracing(settings, { version: '1.2.3', warn }))!;
}

describe('a request', () => {
  it('is a span below the one of its caller, with what was asked and how it ended', async () => {
    const { received, url } = receiver();
    const tracing = await tracingTo(url);
    const request = new Request('http://c13.example:4873/api/v1/configs/checkout?token=hunter2', {
      method: 'PATCH',
      headers: { traceparent: `00-${TRACE}-${PARENT}-01`, 'user-agent': 'curl/8', authorization: 'Bearer hunter2' },
    });
    const response = await tracing.span(request, async (told) => {
      Object.assign(told, { route: '/api/v1/configs/:name', address: '192.0.2.7' });
      return new Response('done', { status: 201 });
    });
    expect([response.status, await response.text()]).toEqual([201, 'done']);
    await tracing.shutdown();
    const [{ path, resource, spans }] = received as [Received];
    expect(path).toBe('/v1/traces');
    expect(resource).toMatchObject({ 'service.name': 'checkout', 'service.version': '1.2.3' });
    expect(spans).toHaveLength(1);
    expect(spans[0]).toMatchObject({
      traceId: TRACE,
      parentSpanId: PARENT,
      name: 'PATCH /api/v1/configs/:name',
      kind: 2,
      status: { code: 0 },
    });
    expect(valuesOf(spans[0]!['attributes'])).toEqual({
      'http.request.method': 'PATCH',
      'http.response.status_code': 201,
      'http.route': '/api/v1/configs/:name',
      'url.path': '/api/v1/configs/checkout',
      'url.scheme': 'http',
      'server.address': 'c13.example',
      'server.port': 4873,
      'client.address': '192.0.2.7',
      'user_agent.original': 'curl/8',
    });
    expect(JSON.stringify(received)).not.toContain('hunter2');
  });

  it('has its parts inside, also of several at once; a failure is one of the span', async () => {
    const { received, url } = receiver();
    const tracing = await tracingTo(url);
    const ask = (path: string) =>
      tracing.span(new Request(`http://localhost${path}`, { method: 'PROPFIND' }), async () => {
        await tracing.inner('journal append', async () => await Promise.resolve());
        return new Response(null, { status: path === '/bad' ? 503 : 200 });
      });
    await Promise.all([ask('/good'), ask('/bad')]);
    const failing = tracing.span(new Request('http://localhost/throws'), async () => {
      throw Object.assign(new Error('secret'), { code: 'ERR_CLOSED' });
    });
    await expect(failing).rejects.toThrow('secret');
    expect(await tracing.inner('alone', async () => 5)).toBe(5);
    await tracing.shutdown();
    const spans = received.flatMap((one) => one.spans);
    expect(spans.map(({ name }) => String(name)).toSorted()).toEqual([
      'GET',
      'HTTP',
      'HTTP',
      'journal append',
      'journal append',
    ]);
    for (const inner of spans.filter(({ kind }) => kind === 1)) {
      const above = spans.find(({ spanId }) => spanId === inner['parentSpanId']);
      expect([above!['kind'], above!['traceId']]).toEqual([2, inner['traceId']]);
    }
    const failed = spans.filter(({ status }) => status.code === 2).map(({ attributes }) => valuesOf(attributes));
    expect(failed.map((one) => String(one['error.type'])).toSorted()).toEqual(['503', 'ERR_CLOSED']);
    expect(failed.find((one) => one['error.type'] === '503')).toMatchObject({
      'http.request.method': '_OTHER',
      'http.request.method_original': 'PROPFIND',
    });
    expect(JSON.stringify(spans)).not.toContain('secret');
  });

  it('is answered when nobody takes its span, and the operator hears why', async () => {
    const { url } = receiver(400);
    const said: string[] = [];
    const tracing = await tracingTo(url, (text) => said.push(text));
    expect((await tracing.span(new Request('http://localhost/'), async () => new Response())).status).toBe(200);
    await tracing.shutdown();
    expect(said.join('\n')).toContain('traces: ');
  });
});

test('what a caller says of its span is taken only as W3C Trace Context has it', () => {
  const good = { traceId: TRACE, spanId: PARENT, isRemote: true };
  expect(parseTraceparent(`00-${TRACE}-${PARENT}-01`)).toEqual({ ...good, traceFlags: 1 });
  expect(parseTraceparent(` 00-${TRACE}-${PARENT}-02 `)).toEqual({ ...good, traceFlags: 0 });
  expect(parseTraceparent(`cc-${TRACE}-${PARENT}-01-what-the-future-brings`)).toEqual({ ...good, traceFlags: 1 });
  for (const header of [
    null,
    '',
    `00-${TRACE}-${PARENT}`,
    `00-${TRACE}-${PARENT}-01-more`,
    `ff-${TRACE}-${PARENT}-01`,
    `00-${'0'.repeat(32)}-${PARENT}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${PARENT}-01`,
    `00-${TRACE.slice(1)}-${PARENT}-01`,
    `cc-${TRACE}-${PARENT}-01.more`,
  ]) {
    expect(parseTraceparent(header), String(header)).toBeNull();
  }
});

describe('without a receiver', () => {
  const started = (env: Record<string, string>): { isTracing: boolean; loaded: number } =>
    JSON.parse(
      Bun.spawnSync([process.execPath, join(import.meta.dirname, 'tracing-program.ts')], {
        env: { ...Bun.env, ...env },
      }).stdout.toString(),
    );

  it('nothing of OpenTelemetry is loaded', () => {
    expect(started({})).toEqual({ isTracing: false, loaded: 0 });
    const { isTracing, loaded } = started({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' });
    expect([isTracing, loaded > 20]).toEqual([true, true]);
  });

  it('there are no settings, and wrong ones are refused', () => {
    expect(readTracingSettings({})).toBeNull();
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://otel.example/base/' };
    expect(readTracingSettings(endpoint)?.url).toBe('https://otel.example/base/v1/traces');
    expect(readTracingSettings({ ...endpoint, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t.example/x' })).toEqual({
      url: 'http://t.example/x',
      serviceName: '13byte-config',
    });
    expect(readTracingSettings({ ...endpoint, OTEL_SDK_DISABLED: 'true' })).toBeNull();
    expect(readTracingSettings({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' })).toBeNull();
    for (const text of ['otel.example:4318', 'ftp://otel.example', 'http://']) {
      expect(() => readTracingSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: text })).toThrow(/is not an http or https URL/);
    }
  });
});
