/**
 * Forms that pages of ours send, as browsers encode them. For page routes alone: everything else takes JSON, which no
 * other site can make a browser send unasked.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';
import { readBytes } from './body.ts';
import type { RegistryContext } from './context.ts';
import { badRequest } from './parse.ts';

const FORM_TYPE = /^application\/x-www-form-urlencoded *(?:;.*)?$/i;

/**
 * These fields and no others, each once; '' for one left empty. Errors: ERR_CONTENT_TYPE, ERR_BODY_TOO_LARGE,
 * ERR_BODY_TIMEOUT, ERR_BAD_REQUEST.
 */
export async function readForm<F extends string>(
  { req, env }: RegistryContext,
  fields: readonly F[],
): Promise<Readonly<Record<F, string>>> {
  const type = req.raw.headers.get('content-type') ?? '';
  if (!FORM_TYPE.test(type)) throw notAForm(type);
  const sent = [...new URLSearchParams(new TextDecoder().decode(await readBytes(req.raw, env)))];
  for (const [field] of sent) {
    if (!fields.some((known) => known === field)) throw badRequest(field.slice(0, 80), 'The form has a field too many');
  }
  const form = fields.map((field) => {
    const values = sent.filter(([name]) => name === field);
    if (values.length > 1) throw badRequest(field, `The form has the field ${field} ${values.length} times`);
    return [field, values[0]?.[1] ?? ''];
  });
  return Object.fromEntries(form) as Record<F, string>;
}

function notAForm(found: string): ConfigError {
  return new ConfigError('ERR_CONTENT_TYPE', {
    message: 'The page was not sent what its own form sends',
    hint: 'Use the form, or the HTTP interface under /api/v1.',
    details: { found: found.slice(0, 80) },
  });
}
