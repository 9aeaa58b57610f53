/**
 * What the journal's streams of configs are about: the config, the service, the flag. Written and read here, so that
 * whoever follows the journal agrees on what an entry touches. Knows no entry, and no stream of anything else.
 *
 *     config:<config>   flagset:<config>   flag:<config>/<key>   features:<service>   feature:<service>/<key>
 * @module
 */
import { configOfStream, serviceOfStream } from './name.ts';

/** A config, what its flags share, one of its flags, the features of a service, or what is said about one of them. */
export type Subject =
  | { readonly kind: 'config' | 'flagset'; readonly config: string }
  | { readonly kind: 'flag'; readonly config: string; readonly key: string }
  | { readonly kind: 'features'; readonly service: string }
  | { readonly kind: 'feature'; readonly service: string; readonly key: string };

const FLAG = 'flag:';
const FLAG_SET = 'flagset:';
const FACTS = 'feature:';

/** Of a rich flag. `config` is the name of one, as `parseConfigName` spells it. */
export function flagStream(config: string, key: string): string {
  return `${FLAG}${config}/${key}`;
}

/** Of what the flags of a config share. */
export function flagSetStream(config: string): string {
  return FLAG_SET + config;
}

/** Of what is said about a feature of a service. */
export function factsStream(service: string, feature: string): string {
  return `${FACTS}${service}/${feature}`;
}

/**
 * null: it is about no config and no service.
 * @example subjectOf('flag:shop/production/banner') // { kind: 'flag', config: 'shop/production', key: 'banner' }
 */
export function subjectOf(stream: string): Subject | null {
  const config = configOfStream(stream);
  if (config !== null) return { kind: 'config', config };
  const service = serviceOfStream(stream);
  if (service !== null) return { kind: 'features', service };
  if (stream.startsWith(FLAG_SET)) return { kind: 'flagset', config: stream.slice(FLAG_SET.length) };
  if (stream.startsWith(FLAG))
    return partsOf(stream.slice(FLAG.length), (of, key) => ({ kind: 'flag', config: of, key }));
  if (!stream.startsWith(FACTS)) return null;
  return partsOf(stream.slice(FACTS.length), (of, key) => ({ kind: 'feature', service: of, key }));
}

/** Keys hold no slash: what stands before the last one is what they are of. */
function partsOf(place: string, made: (of: string, key: string) => Subject): Subject | null {
  const end = place.lastIndexOf('/');
  return end === -1 ? null : made(place.slice(0, end), place.slice(end + 1));
}
