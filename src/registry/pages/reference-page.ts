/**
 * The description of the interface as one page, made from the document once: it needs no script, nothing from the
 * network, and reads well in a terminal's browser too. Knows OpenAPI, and nothing of our routes.
 * @module
 */
import { html, raw } from 'hono/html';
import type { oas31 } from 'zod-openapi';
import type { OpenApiDocument } from '../openapi.ts';
import { STYLE } from './reference-style.ts';
import { typeText } from './type-text.ts';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

type Html = ReturnType<typeof html>;

interface Operation extends oas31.OperationObject {
  readonly method: string;
  readonly path: string;
}

export async function referencePage(document: OpenApiDocument): Promise<string> {
  const { info, components = {} } = document;
  const operations = operationsOf(document);
  const tags = [...new Set(operations.map(({ tags: [tag] = [] }) => tag ?? ''))];
  const ofTag = (tag: string) => operations.filter(({ tags: [own] = [] }) => own === tag);
  const parameters = (components.parameters ?? {}) as Record<string, oas31.ParameterObject>;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${info.title}: HTTP interface</title>
        ${raw(`<style>${STYLE}</style>`)}
      </head>
      <body>
        <nav id="operations" aria-label="Operations">
          ${tags.map(
            (tag) =>
              html`<h2>${tag}</h2>
                <ul>
                  ${ofTag(tag).map(link)}
                </ul>`,
          )}
          <h2>schemas</h2>
          <ul>
            ${Object.keys(components.schemas ?? {}).map((name) => html`<li><a href="#${name}">${name}</a></li>`)}
          </ul>
        </nav>
        <main>
          <h1>${info.title}: HTTP interface</h1>
          <p>Version ${info.version}. For machines: <a href="/openapi.json">/openapi.json</a>.</p>
          <p class="jump"><a href="#operations">All operations</a></p>
          ${prose(info.description ?? '')}
          ${tags.map(
            (tag) =>
              html`<h2 class="tag">${tag}</h2>
                ${ofTag(tag).map((one) => article(one, parameters))}`,
          )}
          <h2 class="tag">schemas</h2>
          ${Object.entries(components.schemas ?? {}).map(([name, schema]) => schemaArticle(name, schema))}
        </main>
      </body>
    </html>`;
  return (await page).toString();
}

function operationsOf({ paths = {} }: OpenApiDocument): Operation[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      return operation === undefined ? [] : [{ ...operation, method: method.toUpperCase(), path }];
    }),
  );
}

function link({ operationId, method, path }: Operation): Html {
  return html`<li>
    <a href="#${operationId}"><span class="method">${method}</span> ${shortened(path)}</a>
  </li>`;
}

function shortened(path: string): string {
  return path.replace(/^\/api\/v1/, '');
}

function article(operation: Operation, known: Readonly<Record<string, oas31.ParameterObject>>): Html {
  const { operationId, method, path, summary = '', description, parameters = [], requestBody, responses } = operation;
  const all = parameters.map((one) => resolved(one, known));
  return html`<article id="${operationId}">
    <h3><span class="method">${method}</span> <code>${path}</code></h3>
    <p>${inline(summary)}.${operation.security?.length === 0 ? ' Anybody may ask.' : ''}${betaMark(operation)}</p>
    ${description === undefined ? '' : prose(description)} ${all.length === 0 ? '' : parameterTable(all)}
    ${requestBody === undefined ? '' : bodyPart(operation, all, requestBody as oas31.RequestBodyObject)}
    <h4>Answers</h4>
    ${answerTable(responses ?? {})}
  </article>`;
}

function betaMark(operation: Operation): string {
  const isBeta = 'x-beta' in operation && operation['x-beta'] === true;
  return isBeta ? ' Beta: it may still change, and is there while the registry obeys beta_feature.' : '';
}

function resolved(
  one: oas31.ParameterObject | oas31.ReferenceObject,
  known: Readonly<Record<string, oas31.ParameterObject>>,
) {
  return '$ref' in one ? known[one.$ref!.split('/').at(-1)!]! : (one as oas31.ParameterObject);
}

function parameterTable(parameters: readonly oas31.ParameterObject[]): Html {
  const row = ({ name, in: where, required, schema, description }: oas31.ParameterObject) => {
    const said = description ?? (schema as oas31.SchemaObject | undefined)?.description ?? '';
    return html`<tr>
      <th scope="row"><code>${name}</code></th>
      <td>${where}${required === true ? ', required' : ''}</td>
      <td><code>${raw(typeText(schema ?? {}))}</code></td>
      <td>${inline(said)}</td>
    </tr>`;
  };
  return html`<h4>Parameters</h4>
    <table>
      ${parameters.map(row)}
    </table>`;
}

function bodyPart(
  { method, path }: Operation,
  parameters: readonly oas31.ParameterObject[],
  { content, required }: oas31.RequestBodyObject,
): Html {
  const { schema = {}, example } = content['application/json'] ?? {};
  const sample = [
    `curl -X ${method} http://localhost:4873${examplePath(path, parameters)} \\`,
    "  -H 'Content-Type: application/json' \\",
    `  -d '${JSON.stringify(example)}'`,
  ].join('\n');
  return html`<h4>Body${required === true ? '' : ' (may be left out)'}</h4>
    <pre>${raw(typeText(schema))}</pre>
    ${
      example === undefined
        ? ''
        : html`<h4>Example</h4>
            <pre>${sample}</pre>`
    }`;
}

function examplePath(path: string, parameters: readonly oas31.ParameterObject[]): string {
  return path.replace(/\{([^}]+)\}/g, (part, name: string) => {
    const schema = parameters.find((one) => one.name === name)?.schema as oas31.SchemaObject | undefined;
    return schema?.example === undefined ? part : encodeURIComponent(String(schema.example));
  });
}

function answerTable(responses: oas31.ResponsesObject): Html {
  const row = ([status, answer]: [string, oas31.ResponseObject]) => {
    const [type, media] = Object.entries(answer.content ?? {})[0] ?? [];
    const isProblem = type === 'application/problem+json';
    const shape = isProblem || media?.schema === undefined ? '' : html`<pre>${raw(typeText(media.schema))}</pre>`;
    return html`<tr>
      <th scope="row">${status}</th>
      <td>${isProblem ? html`<code>${answer.description}</code>` : inline(answer.description ?? '')}${shape}</td>
    </tr>`;
  };
  const entries = Object.entries(responses) as [string, oas31.ResponseObject][];
  const successes = entries.filter(([status]) => Number(status) < 400);
  const problems = entries.filter(([status]) => Number(status) >= 400);
  return html`<table>
      ${successes.map(row)}
    </table>
    <details>
      <summary>Problems</summary>
      <table>
        ${problems.map(row)}
      </table>
    </details>`;
}

function schemaArticle(name: string, schema: object): Html {
  return html`<article id="${name}">
    <h3>${name}</h3>
    <p>${inline((schema as { description?: string }).description ?? '')}</p>
    <pre>${raw(typeText(schema))}</pre>
  </article>`;
}

/** Paragraphs and lists. */
function prose(text: string): Html[] {
  return text.split(/\n\n+/).map((paragraph) => {
    if (!paragraph.startsWith('- ')) return html`<p>${inline(paragraph)}</p>`;
    return html`<ul>
      ${paragraph
        .split(/^- /m)
        .slice(1)
        .map((item) => html`<li>${inline(item)}</li>`)}
    </ul>`;
  });
}

/** `code` and **words** of the document, which is ours. */
function inline(text: string): (Html | string)[] {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) => {
    if (part.startsWith('`')) return html`<code>${part.slice(1, -1)}</code>`;
    return part.startsWith('**') ? html`<strong>${part.slice(2, -2)}</strong>` : part;
  });
}
