/** The interface as it describes itself: for machines at /openapi.json, for people at /docs. @module */
import { plainTags, Precompressed } from '../../http/compression.ts';
import { describeRoutes } from '../openapi.ts';
import { referencePage } from '../pages/reference-page.ts';
import { PAGE_POLICY } from '../pages/reference-style.ts';
import { route, type Route } from '../route.ts';

/** `routes` are all that there are, these included; each is made once, when it is first asked for. */
export function referenceRoutes(version: string, routes: () => readonly Route[]): readonly Route[] {
  const document = once(() => describeRoutes(routes(), version));
  const json = once(async () => lasting(JSON.stringify(document()), { 'content-type': 'application/json' }));
  const page = once(async () =>
    lasting(String(await referencePage(document())), {
      'content-type': 'text/html; charset=UTF-8',
      'content-security-policy': PAGE_POLICY,
    }),
  );
  const described = ['/openapi.json', '/-/openapi.json'].map((path) =>
    route({
      method: 'get',
      path,
      tag: 'reference',
      summary: 'This description',
      access: 'granted',
      answers: { 200: { description: 'OpenAPI 3.1', contentType: 'application/json' }, 304: KNOWN },
      handle: async ({ c }) => await respond(c.req.raw, await json()),
    }),
  );
  const shown = ['/docs', '/-/docs'].map((path) =>
    route({
      method: 'get',
      path,
      tag: 'pages',
      summary: 'This description, for people',
      access: 'granted',
      answers: { 200: { description: 'A page', contentType: 'text/html' }, 304: KNOWN },
      handle: async ({ c }) => await respond(c.req.raw, await page()),
    }),
  );
  return [...described, ...shown];
}

const KNOWN = { description: 'The reader has it already' };

/** What stays the same as long as the process runs: encoded once for each encoding. */
interface Lasting {
  readonly etag: string;
  readonly body: Precompressed;
}

function lasting(text: string, headers: Readonly<Record<string, string>>): Lasting {
  const etag = `"${new Bun.CryptoHasher('sha256').update(text).digest('hex').slice(0, 32)}"`;
  const bytes = new TextEncoder().encode(text);
  return { etag, body: new Precompressed(bytes, { ...headers, etag, 'cache-control': 'no-cache' }) };
}

async function respond(request: Request, { etag, body }: Lasting): Promise<Response> {
  const known = plainTags(request.headers.get('if-none-match') ?? '');
  // HEAD is answered as GET is; the server leaves the body out.
  if (!known.includes(etag)) return await body.respond(new Request('http://localhost/', { headers: request.headers }));
  return new Response(null, { status: 304, headers: { etag, 'cache-control': 'no-cache' } });
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}
