/**
 * Traces of requests for OpenTelemetry: a span for each, below the one that the caller names, with its parts inside.
 * Nothing of OpenTelemetry is loaded unless a receiver is set. A span says what was asked for and how it ended;
 * queries, headers, bodies and messages of errors stay out of it.
 * @module
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Attributes, Context, Span, SpanContext, Tracer } from '@opentelemetry/api';
import type { TracingSettings } from '../env/tracing-settings.ts';
import { redactPath, redactText } from './redaction.ts';

export interface Tracing {
  /** Runs a request inside a SERVER span; `run` tells what becomes known on the way. */
  span(request: Request, run: (told: RequestSpan) => Promise<Response>): Promise<Response>;
  /** Runs a part of a request inside an INTERNAL span; outside of one it just runs. */
  inner<T>(name: string, run: () => Promise<T>): Promise<T>;
  /** Sends what has not been sent. */
  shutdown(): Promise<void>;
}

export interface RequestSpan {
  /** The pattern that the path matched: `/api/v1/configs/:name`. */
  route: string | null;
  /** Where the request came from. */
  address: string | null;
}

export interface TracingOptions {
  readonly version: string;
  /** What could not be sent, in words. */
  readonly warn: (text: string) => void;
}

const KNOWN_METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT', 'TRACE']);
const ERROR_FROM = 500;
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const PATH_MAX = 500;

/** null where there are no settings: nothing is loaded then, and nothing to be called. */
export async function startTracing(settings: TracingSettings | null, options: TracingOptions): Promise<Tracing | null> {
  if (settings === null) return null;
  const [api, { BasicTracerProvider, BatchSpanProcessor }, { OTLPTraceExporter }, { resourceFromAttributes }] =
    await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace-base'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ]);
  const say = (text: string): void => options.warn(redactText(`traces: ${text}`));
  const silent = (): void => {};
  api.diag.setLogger({ error: say, warn: say, info: silent, debug: silent, verbose: silent }, api.DiagLogLevel.WARN);
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': settings.serviceName, 'service.version': options.version }),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url: settings.url }))],
  });
  // Spans that nobody takes are no reason not to stop.
  const shutdown = async (): Promise<void> => {
    await provider.shutdown().catch((error: unknown) => say(String(error)));
  };
  return new RequestTracing(api, provider.getTracer('13byte-config', options.version), shutdown);
}

type Api = typeof import('@opentelemetry/api');

class RequestTracing implements Tracing {
  readonly shutdown: () => Promise<void>;
  readonly #api: Api;
  readonly #tracer: Tracer;
  readonly #current = new AsyncLocalStorage<Context>();

  constructor(api: Api, tracer: Tracer, shutdown: () => Promise<void>) {
    this.#api = api;
    this.#tracer = tracer;
    this.shutdown = shutdown;
  }

  async span(request: Request, run: (told: RequestSpan) => Promise<Response>): Promise<Response> {
    const { trace, ROOT_CONTEXT, SpanKind } = this.#api;
    const caller = parseTraceparent(request.headers.get('traceparent'));
    const above = caller === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, caller);
    const method = KNOWN_METHODS.has(request.method) ? request.method : 'HTTP';
    const span = this.#tracer.startSpan(method, { kind: SpanKind.SERVER, attributes: attributesOf(request) }, above);
    const told: RequestSpan = { route: null, address: null };
    return await this.#inside(span, above, async () => {
      const response = await run(told);
      tell(span, method, told);
      span.setAttribute('http.response.status_code', response.status);
      if (response.status >= ERROR_FROM) this.#failed(span, String(response.status));
      return response;
    });
  }

  async inner<T>(name: string, run: () => Promise<T>): Promise<T> {
    const above = this.#current.getStore();
    if (above === undefined) return await run();
    return await this.#inside(this.#tracer.startSpan(name, { kind: this.#api.SpanKind.INTERNAL }, above), above, run);
  }

  async #inside<T>(span: Span, above: Context, run: () => Promise<T>): Promise<T> {
    try {
      return await this.#current.run(this.#api.trace.setSpan(above, span), run);
    } catch (error) {
      const { code, name } = error as { code?: unknown; name?: unknown };
      this.#failed(span, [code, name].find((text) => typeof text === 'string') ?? 'error');
      throw error;
    } finally {
      span.end();
    }
  }

  #failed(span: Span, type: string): void {
    span.setAttribute('error.type', type);
    span.setStatus({ code: this.#api.SpanStatusCode.ERROR });
  }
}

function tell(span: Span, method: string, { route, address }: RequestSpan): void {
  if (route !== null) span.setAttribute('http.route', route).updateName(`${method} ${route}`);
  if (address !== null) span.setAttribute('client.address', address);
}

/** Of a request whose Host no URL can hold. */
const NOWHERE = { protocol: 'http:', pathname: '', hostname: '', port: '' };

function attributesOf({ method, url, headers }: Request): Attributes {
  const { protocol, pathname, hostname, port } = URL.parse(url, 'http://localhost') ?? NOWHERE;
  const agent = headers.get('user-agent');
  return {
    'http.request.method': KNOWN_METHODS.has(method) ? method : '_OTHER',
    ...(KNOWN_METHODS.has(method) ? {} : { 'http.request.method_original': method.slice(0, 20) }),
    'url.path': redactPath(pathname).slice(0, PATH_MAX),
    'url.scheme': protocol.replace(':', ''),
    'server.address': hostname,
    ...(port === '' ? {} : { 'server.port': Number(port) }),
    ...(agent === null ? {} : { 'user_agent.original': redactText(agent).slice(0, PATH_MAX) }),
  };
}

/** The caller's span, as W3C Trace Context writes it; null for none, and for what is not one. */
export function parseTraceparent(header: string | null): SpanContext | null {
  const [, version, traceId, spanId, flags, rest] = TRACEPARENT.exec(header?.trim() ?? '') ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && rest !== undefined)) return null;
  if (/^0+$/.test(traceId!) || /^0+$/.test(spanId!)) return null;
  return { traceId: traceId!, spanId: spanId!, traceFlags: parseInt(flags!, 16) & 1, isRemote: true };
}
