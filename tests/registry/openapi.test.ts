/** The description: valid in the eyes of others, whole, and true of what its own examples are answered. @module */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import { openApp } from './app-fixtures.ts';
import { Description } from './description.ts';
import { ROOT } from './fixtures.ts';
import { prepared } from './prepared.ts';

async function openDescribed() {
  const app = await openApp();
  const { body } = await app.call('GET', '/openapi.json');
  return { ...app, document: body, description: new Description(body) };
}

/** The value of each parameter's own example, of those that must be there; null where one has none. */
function examplePath(template: string, parameters: readonly any[]): string | null {
  let isWhole = true;
  const query = parameters.filter((one) => one.in === 'query' && one.required === true);
  const path = template.replace(/\{([^}]+)\}/g, (_, name: string) => {
    const parameter = parameters.find((one) => one.name === name);
    const example = parameter?.example ?? parameter?.schema?.example;
    isWhole &&= example !== undefined;
    return encodeURIComponent(String(example));
  });
  const values = query.map(({ name, schema }) => `${name}=${schema.example ?? schema.enum[0]}`);
  return isWhole ? [path, ...values].join('?') : null;
}

/** Asked by somebody who never signed in, or before there is anything to ask for. */
const NOT_NOW = [
  // A WebSocket.
  'GET /_dashboard/ws',
  // Its ticket comes with the answer for all flags.
  'GET /ofrep/v1/events',
  'POST /api/v1/logout',
  'POST /api/v1/users',
  'GET /api/v1/users/{name}',
  'PATCH /api/v1/users/{name}',
  'GET /-/user/{document}',
  'GET /-/npm/v1/user',
  'POST /-/npm/v1/user',
  'GET /-/npm/v1/attestations/{spec}',
  'GET /-/v1/done',
  // What it takes is in a header.
  'PUT /-/user/{document}/-rev/{rev}',
  'POST /-/npm/v1/oidc/token/exchange/package/{package}',
];

/** Of JSON Schema 2020-12 and OpenAPI 3.1, as far as we use them. */
const SCHEMA_KEYS = `
  $ref type enum const description default example examples title format contentEncoding
  allOf anyOf oneOf not properties required additionalProperties propertyNames items prefixItems minItems maxItems
  uniqueItems minLength maxLength pattern minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minProperties
  maxProperties`.split(/\s+/);

/** Keys of a schema and of all in it that no reader of schemas knows, each with where it is. */
function strangeKeys(schema: any, where: string): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const strange = Object.keys(schema).filter((key) => !SCHEMA_KEYS.includes(key));
  const named = Object.entries(schema.properties ?? {});
  const lists = ['allOf', 'anyOf', 'oneOf', 'prefixItems'].flatMap((key) => Object.entries(schema[key] ?? {}));
  const single = ['items', 'additionalProperties', 'propertyNames', 'not'].map((key) => [key, schema[key]] as const);
  const below = [...named, ...lists, ...single].flatMap(([key, one]) => strangeKeys(one, `${where}.${key}`));
  return [...strange.map((key) => `${where}.${key}`), ...below];
}

/** Every schema of the document, wherever it is. */
function schemasIn(value: any, where = ''): [string, any][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries<any>(value).flatMap(([key, one]) =>
    key === 'schema'
      ? [[`${where}.schema`, one] as [string, any]]
      : key === 'example'
        ? []
        : schemasIn(one, `${where}.${key}`),
  );
}

describe('the description', () => {
  it('is valid OpenAPI 3.1 for a validator that knows nothing of us', async () => {
    const { document } = await openDescribed();
    const validator = new Validator();
    expect(await validator.validate(structuredClone(document))).toMatchObject({ valid: true });
    expect(validator.version).toBe('3.1');
  });

  it('has schemas of nothing but JSON Schema', async () => {
    const { document } = await openDescribed();
    const named = Object.entries<any>(document.components.schemas);
    const all = [...named, ...schemasIn(document.paths), ...schemasIn(document.components.parameters)];
    expect(all.length).toBeGreaterThan(100);
    expect(all.flatMap(([where, schema]) => strangeKeys(schema, where))).toEqual([]);
    expect(strangeKeys({ items: { properties: { a: { override: {} } } } }, 'x')).toEqual(['x.items.a.override']);
  });

  it('says what each tag is about', async () => {
    const { document } = await openDescribed();
    for (const { name, description } of document.tags) expect(description, name).toMatch(/^[A-Z].+\.$/);
  });

  it('names each operation once, and lists every refusal with its codes', async () => {
    const { description } = await openDescribed();
    const ids = description.operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[a-z]+([A-Z][a-z0-9]*)*$/);
    for (const { method, template, operation } of description.operations) {
      const where = `${method} ${template}`;
      expect(operation.summary, where).toMatch(/^[A-Z][^\n]{3,120}[^.]$/);
      expect(operation.tags, where).toHaveLength(1);
      const isPublic = operation.security?.length === 0;
      // Whoever signs in with a wrong password is told so, too.
      if (!isPublic) expect(operation.responses['401'], where).toBeDefined();
      expect(operation.responses['413'] === undefined, where).toBe(method === 'GET');
      for (const [status, { description: text, content }] of Object.entries<any>(operation.responses)) {
        const problem = content?.['application/problem+json'];
        if (Number(status) < 400 || problem === undefined) continue;
        const { code } = problem.schema.allOf[1].properties;
        if (Object.keys(content).length === 1) expect(code.enum.join(', '), where).toBe(text);
      }
    }
  });

  it('describes all of /api/v1 with schemas', async () => {
    const { description, app } = await openDescribed();
    const described = new Set(description.operations.map(({ method, template }) => `${method} ${template}`));
    const known = app.routes.filter(({ path }) => path.startsWith('/api/v1/'));
    expect(known.length).toBeGreaterThan(30);
    for (const { method, path } of known) {
      expect([...described], path).toContain(`${method} ${path.replace(/:([a-z]+)/gi, '{$1}')}`);
    }
    for (const { method, template, operation } of description.operations) {
      if (!template.startsWith('/api/v1/')) continue;
      const [, success] = Object.entries<any>(operation.responses).find(([status]) => status.startsWith('2'))!;
      const isJson = success.content?.['application/json'] !== undefined;
      const isFile = success.content?.['application/octet-stream'] !== undefined || template.endsWith('/env');
      if (isJson && !isFile) expect(success.content['application/json'].schema, `${method} ${template}`).toBeDefined();
    }
  });

  it('is what docs/API.md lists', async () => {
    const { description } = await openDescribed();
    const text = readFileSync(join(ROOT, 'docs/API.md'), 'utf8');
    const [v1] = text.split('## Short forms');
    const listed = [...v1!.matchAll(/^\| `([A-Z]+ \/\S+)` \| (.*) \|$/gm)].map(([, path, does]) => `${path}: ${does}`);
    const own = description.operations.filter(({ template }) => template.startsWith('/api/v1/'));
    const known = own.map(({ method, template, operation }) => `${method} ${template.slice(7)}: ${operation.summary}`);
    expect(listed.toSorted()).toEqual(known.toSorted());
  });

  it('has examples that are answered as it says', async () => {
    const opened = await openDescribed();
    await prepared(opened);
    const { description, call } = opened;
    const tried: string[] = [];
    for (const described of description.operations.filter(({ method }) => method !== 'DELETE')) {
      const { method, template, operation } = described;
      const media = operation.requestBody?.content['application/json'];
      const path = examplePath(template, operation.parameters ?? []);
      if (path === null || NOT_NOW.includes(`${method} ${template}`)) continue;
      if (path === null || (media !== undefined && media.example === undefined)) continue;
      const answer = await call(method, path, media?.example);
      expect(description.faultOf(described, answer), `${method} ${path}`).toBeNull();
      // Of what there never is here, no answer is good.
      const hasGood = Object.keys(operation.responses).some((status) => status < '300');
      if (hasGood) expect(answer.status, `${method} ${path} ${JSON.stringify(answer.body)}`).toBeLessThan(300);
      else expect([answer.status, answer.body.hint], `${method} ${path}`).toEqual([404, expect.stringMatching(/./)]);
      tried.push(`${method} ${template}`);
    }
    const own = description.operations.filter(({ template }) =>
      /^\/api\/v1\/(configs|templates|rules|services)/.test(template),
    );
    const missed = own.map(({ method, template }) => `${method} ${template}`).filter((one) => !tried.includes(one));
    expect(missed.filter((one) => !one.startsWith('DELETE'))).toEqual([]);
  });

  it('is the same at /-/, and known to the reader', async () => {
    const { call, document } = await openDescribed();
    const twin = await call('GET', '/-/openapi.json');
    expect([twin.status, twin.headers.get('content-type')]).toEqual([200, 'application/json']);
    expect(twin.body).toEqual(document);
  });
});

describe('the page', () => {
  it('shows every operation, without script and without anything from elsewhere', async () => {
    const { call, description } = await openDescribed();
    for (const path of ['/docs', '/-/docs']) {
      const page = await call('GET', path);
      expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=UTF-8']);
      const style = /<style>([\s\S]*)<\/style>/.exec(page.body)![1]!;
      const hash = new Bun.CryptoHasher('sha256').update(style).digest('base64');
      const policy = page.headers.get('content-security-policy')!;
      expect(policy).toMatch(/^default-src 'none'; /);
      expect(policy).toContain(`style-src 'sha256-${hash}'`);
      expect(/<script|<link|<img|href="(?![#/])|src=|@import|url\(/.exec(page.body)).toBeNull();
      for (const { operation } of description.operations) expect(page.body).toContain(`id="${operation.operationId}"`);
      const links = [...page.body.matchAll(/href="#([^"]+)"/g)].map((match) => match[1]!);
      expect(links.filter((id) => !page.body.includes(`id="${id}"`))).toEqual([]);
    }
  });
});
