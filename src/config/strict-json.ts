/**
 * JSON in the body of a request, or the reason why it is none: well-formed UTF-8, no key twice in one object. What it
 * means is not known here.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';
import { DEPTH_MAX, findJsonFault } from './json-fault.ts';

/** Characters of a key that its error repeats. */
const SHOWN = 80;

/**
 * Throws ERR_BODY_JSON, ERR_DUPLICATE_KEY. `positionOf` says where in the body a character of these bytes was, for
 * bodies that something was cut out of.
 * @example parseStrictJson(new TextEncoder().encode('{"a": 1}')) // { a: 1 }
 */
export function parseStrictJson(bytes: Uint8Array, positionOf = (position: number): number => position): unknown {
  const text = decode(bytes);
  const fault = findJsonFault(text);
  if (fault === null) return JSON.parse(text);
  const position = positionOf(fault.position);
  if (fault.kind === 'syntax') throw notJson(`the fault is at character ${position}`, position);
  if (fault.kind === 'deep') throw notJson(`at character ${position} it is deeper than ${DEPTH_MAX} levels`, position);
  const key = fault.key.slice(0, SHOWN);
  throw new ConfigError('ERR_DUPLICATE_KEY', {
    message: `The body has the key ${JSON.stringify(key)} twice in one object, again at character ${position}`,
    hint: 'Leave one of them: which value was meant cannot be known.',
    details: { key },
  });
}

/** `why` continues "The body is not JSON: ...". */
export function notJson(why: string, position: number | null, cause?: unknown): ConfigError<'ERR_BODY_JSON'> {
  return new ConfigError('ERR_BODY_JSON', {
    message: `The body is not JSON: ${why}`,
    hint: 'Send one JSON object, with quotes around every key and no comma after the last.',
    details: { position },
    cause,
  });
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw notJson('it is not UTF-8', null, cause);
  }
}
