/** A server that answers as a test wants it to, also badly, and remembers what it was asked. @module */
import { createHash } from 'node:crypto';
import { onTestFinished } from 'vitest';

export type Answer = (request: Request) => Response | Promise<Response>;

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
}

export class Upstream {
  readonly asked: Asked[] = [];
  readonly url: string;
  readonly #answers = new Map<string, Answer>();
  readonly #waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  constructor() {
    const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: (request) => this.#answer(request) });
    this.url = `http://127.0.0.1:${server.port}`;
    onTestFinished(() => server.stop(true));
  }

  /** `/ui`, or `/@tools%2fui`: as it comes. */
  on(path: string, answer: Answer): this {
    this.#answers.set(path, answer);
    return this;
  }

  /** A package with these versions, and their tarballs. */
  serves(name: string, versions: Readonly<Record<string, Partial<Published>>>, etag = '"1"'): this {
    const document = packumentOf(this.url, name, versions);
    for (const [version, { tarball = `tarball of ${name}@${version}` }] of Object.entries(versions)) {
      this.on(`/${name}/-/${version}.tgz`, () => new Response(tarball));
    }
    return this.on(`/${name.replace('/', '%2f')}`, (request) =>
      request.headers.get('if-none-match') === etag
        ? new Response(null, { status: 304 })
        : Response.json(document, { headers: { etag } }),
    );
  }

  paths(): string[] {
    return this.asked.map(({ path }) => path);
  }

  /** When so many requests have come. */
  async hasBeenAsked(count: number): Promise<void> {
    if (this.asked.length >= count) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ count, resolve });
    await promise;
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    const { method, headers } = request;
    const answer = this.#answers.get(pathname);
    this.asked.push({ method, path: pathname + search, headers, body: await request.clone().text() });
    for (const { count, resolve } of this.#waiting) if (this.asked.length >= count) resolve();
    return answer === undefined ? Response.json({ error: 'not found' }, { status: 404 }) : await answer(request);
  }
}

interface Published {
  readonly tarball: string | Uint8Array<ArrayBuffer>;
  readonly time: string;
  readonly license: unknown;
  /** Instead of what is right. */
  readonly dist: Readonly<Record<string, unknown>>;
}

export function packumentOf(url: string, name: string, versions: Readonly<Record<string, Partial<Published>>>) {
  const list = Object.entries(versions).map(([version, published]) => {
    const { tarball = `tarball of ${name}@${version}`, license, dist = {} } = published;
    const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
    const manifest = { name, version, ...(license === undefined ? {} : { license }) };
    return [
      version,
      { ...manifest, dist: { integrity, tarball: `${url}/${name}/-/${version}.tgz`, ...dist } },
    ] as const;
  });
  const times = Object.entries(versions).map(([version, { time = '2020-01-01T00:00:00.000Z' }]) => [version, time]);
  return {
    name,
    'dist-tags': { latest: Object.keys(versions).at(-1)! },
    versions: Object.fromEntries(list),
    time: { created: '2020-01-01T00:00:00.000Z', ...Object.fromEntries(times) },
  };
}

/** An address where nobody listens any more. */
export async function deadUrl(): Promise<string> {
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() });
  const url = `http://127.0.0.1:${server.port}`;
  await server.stop(true);
  return url;
}

/** `length` bytes, then silence until the other side goes. */
export function dripping(bytes: string, headers: Record<string, string> = {}): Response {
  const { promise, resolve } = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode(bytes)),
    pull: () => promise,
    cancel: () => resolve(),
  });
  return new Response(body, { headers });
}
