/** The interface as it describes itself: for machines at /openapi.json, for people at /docs. @module */
import { describeRoutes } from '../openapi.ts';
import { referencePage } from '../pages/reference-page.ts';
import { PAGE_POLICY } from '../pages/reference-style.ts';
import { route, type Route } from '../route.ts';

/** `routes` are all that there are, these included; each is made once, when it is first asked for. */
export function referenceRoutes(version: string, routes: () => readonly Route[]): readonly Route[] {
  const document = once(() => describeRoutes(routes(), version));
  const json = once(() => JSON.stringify(document()));
  const page = once(() => referencePage(document()));
  const described = ['/openapi.json', '/-/openapi.json'].map((path) =>
    route({
      method: 'get',
      path,
      tag: 'reference',
      summary: 'This description',
      access: 'granted',
      answers: { 200: { description: 'OpenAPI 3.1', contentType: 'application/json' } },
      handle: ({ c }) => c.body(json(), 200, { 'content-type': 'application/json', 'cache-control': 'no-cache' }),
    }),
  );
  const shown = ['/docs', '/-/docs'].map((path) =>
    route({
      method: 'get',
      path,
      tag: 'pages',
      summary: 'This description, for people',
      access: 'granted',
      answers: { 200: { description: 'A page', contentType: 'text/html' } },
      handle: async ({ c }) => {
        c.header('content-security-policy', PAGE_POLICY);
        c.header('cache-control', 'no-cache');
        return c.html(await page());
      },
    }),
  );
  return [...described, ...shown];
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}
