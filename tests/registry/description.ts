/** The description that the registry gives of itself, held against what it answers. @module */
import Ajv2020 from 'ajv/dist/2020.js';
import type { OpenApiDocument } from '../../src/registry/openapi.ts';
import type { Answer } from './fixtures.ts';

export const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

export interface Described {
  readonly method: string;
  /** `/api/v1/configs/{name}` */
  readonly template: string;
  readonly operation: any;
}

export class Description {
  readonly document: OpenApiDocument;
  readonly operations: readonly Described[];
  readonly #ajv = new Ajv2020({ strict: false, validateSchema: false, allErrors: false });

  constructor(document: OpenApiDocument) {
    this.document = document;
    this.#ajv.addSchema(document as object, 'openapi');
    this.operations = Object.entries(document.paths ?? {}).flatMap(([template, item]) =>
      METHODS.flatMap((method) =>
        item[method] === undefined ? [] : [{ method: method.toUpperCase(), template, operation: item[method] }],
      ),
    );
  }

  /** What has this path, a literal part before a parameter. */
  find(method: string, path: string): Described | undefined {
    const parts = path.replace(/\?.*/, '').split('/');
    const fits = ({ method: own, template }: Described): boolean => {
      const wanted = template.split('/');
      const isSame = (part: string, i: number): boolean => (part.startsWith('{') ? parts[i] !== '' : part === parts[i]);
      return own === method && wanted.length === parts.length && wanted.every(isSame);
    };
    const found = this.operations.filter(fits);
    return found.toSorted((a, b) => a.template.split('{').length - b.template.split('{').length)[0];
  }

  /** What is wrong with an answer; null: it is as described. */
  faultOf({ method, template, operation }: Described, { status, headers, body }: Answer): string | null {
    const described = operation.responses[String(status)];
    if (described === undefined) return `${status} is not described: ${JSON.stringify(body)}`;
    const type = (headers.get('content-type') ?? '').split(';')[0]!;
    if (described.content === undefined) return body === '' ? null : `${status} has a body: ${JSON.stringify(body)}`;
    const media = described.content[type];
    if (media === undefined) return `${status} is of the type ${type}`;
    if (media.schema === undefined) return null;
    const pointer = ['paths', template, method.toLowerCase(), 'responses', String(status), 'content', type, 'schema'];
    const check = this.#ajv.getSchema(`openapi#/${pointer.map(escaped).join('/')}`)!;
    if (check(body) === true) return null;
    return `${status} ${JSON.stringify(check.errors)} in ${JSON.stringify(body)}`;
  }
}

function escaped(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));
}
