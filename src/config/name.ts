/**
 * What configs are called: `checkout` or `checkout/production`. A name becomes part of a stream, an address
 * and a file's board entry, so it has one spelling: lower case only, and nothing that a path could mean.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';

/** A parsed name; `name` is the spelling everything else uses. */
export interface ConfigName {
  readonly name: string;
  readonly service: string;
  readonly environment: string | null;
}

export const DEFAULT_NAME = 'default';
/** Characters of a service or of an environment. */
const SEGMENT_LENGTH_MAX = 63;
const SEGMENT = /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/;
const CONFIG_STREAM = 'config:';
const FEATURES_STREAM = 'features:';

/**
 * Throws ERR_NAME for everything but `service` or `service/environment`: each 1-63 lower-case letters, digits,
 * `.`, `_`, `-`, a letter or digit first and last, and no `..`.
 * @example parseConfigName('checkout/production').environment // 'production'
 */
export function parseConfigName(name: unknown): ConfigName {
  if (typeof name !== 'string') throw badName(String(name), 'it is not text');
  const segments = name.split('/');
  if (segments.length > 2) throw badName(name, "it has more than one '/'");
  for (const segment of segments) checkSegment(name, segment);
  return { name, service: segments[0]!, environment: segments[1] ?? null };
}

/** The name of a service's config in an environment; without one, the service's own. Throws ERR_NAME. */
export function configNameOf(service: string, environment?: string | null): string {
  return parseConfigName(environment ? `${service}/${environment}` : service).name;
}

/** The journal's stream of a config. Throws ERR_NAME. */
export function configStream(name: string): string {
  return CONFIG_STREAM + parseConfigName(name).name;
}

/** The journal's stream of the features that all environments of a service share. Throws ERR_NAME. */
export function featuresStream(name: string): string {
  return FEATURES_STREAM + parseConfigName(name).service;
}

/** The config a stream belongs to, or null when it is no config's stream. */
export function configOfStream(stream: string): string | null {
  return stream.startsWith(CONFIG_STREAM) ? stream.slice(CONFIG_STREAM.length) : null;
}

/** The service whose features a stream declares, or null when it is no such stream. */
export function serviceOfStream(stream: string): string | null {
  return stream.startsWith(FEATURES_STREAM) ? stream.slice(FEATURES_STREAM.length) : null;
}

function checkSegment(name: string, segment: string): void {
  if (segment === '') throw badName(name, 'a part of it is empty');
  if (segment.length > SEGMENT_LENGTH_MAX)
    throw badName(name, `a part is longer than ${SEGMENT_LENGTH_MAX} characters`);
  if (segment.includes('..')) throw badName(name, "it contains '..'");
  if (SEGMENT.test(segment)) return;
  const reason = /[A-Z]/.test(segment)
    ? 'it has upper-case letters'
    : 'it has a character that names do not have there';
  throw badName(name, reason);
}

function badName(name: string, reason: string): ConfigError<'ERR_NAME'> {
  const shown = name.slice(0, 80);
  return new ConfigError('ERR_NAME', {
    message: `Invalid config name ${JSON.stringify(shown)}: ${reason}`,
    hint: "Use 'service' or 'service/environment': lower-case letters, digits, '.', '_' and '-' between them.",
    details: { name: shown },
  });
}
