/**
 * The read that services repeat: one config, asked for with a token that is known already. Answered where the server
 * hands the request over, without a router, a promise or a query; whatever is unusual about a request makes it go the
 * ordinary way, which answers the same. Must decide nothing that the ordinary way would decide otherwise.
 * @module
 */
import { configStream } from '../config/name.ts';
import { isKnownToReader } from './conditions.ts';
import type { RequestFacts } from '../logging/request-log.ts';
import type { ConfigCache, RenderedConfig } from './config-cache.ts';
import { factsOf, plainHeadersOf, Readers, setCounted, type HotDoor, type PlainHeaders } from './hot-door.ts';

/** The one path that is answered so, as the server writes it. */
export const HOT_READ_PATH = '/api/v1/configs/:name';
/** Bodies from here on may be compressed: the ordinary way does that. */
const PLAIN_MAX_BYTES = 1024;

export interface HotReadOptions {
  readonly cache: Pick<ConfigCache, 'held'>;
  readonly door: HotDoor;
  /** Counts and logs; must not throw. */
  readonly answered: (facts: RequestFacts) => void;
}

/** null: the ordinary way must look at it. */
export type HotRead = (request: Request, name: string) => Response | null;

/**
 * @example
 * const read = hotReads({ cache, door, answered });
 * const answer = read(request, 'checkout/production') ?? (await app.fetch(request));
 */
export function hotReads({ cache, door, answered }: HotReadOptions): HotRead {
  const prepared = new WeakMap<RenderedConfig, Prepared>();
  return (request, name) => {
    const began = performance.now();
    const { method, url } = request;
    const headers = plainHeadersOf(request);
    if (isUnusual(method, url, headers)) return null;
    const config = cache.held(name);
    if (config === undefined || config.size_bytes >= PLAIN_MAX_BYTES) return null;
    const principal = door.identify(headers);
    if (principal === null) return null;
    const { readers, read, notRead } = prepared.get(config) ?? prepare(prepared, config, door);
    if (!readers.has(principal)) return null;
    const counted = door.count(principal, headers, began);
    if (counted === null) return null;
    const isKnown = isKnownToReader(headers['if-none-match'], config.etag);
    const status = isKnown ? 304 : 200;
    const sent = isKnown ? notRead : read;
    setCounted(sent, counted);
    const response = new Response(isKnown ? null : config.json, { status, headers: sent });
    answered(factsOf(request, principal, counted, status, began));
    return response;
  };
}

/** A parameter, or a page of another origin; the server hands over HEAD as if it were GET. */
function isUnusual(method: string, url: string, headers: PlainHeaders): boolean {
  return method !== 'GET' || url.includes('?') || headers['origin'] !== undefined;
}

/** What answers of one revision have in common. */
interface Prepared {
  readonly readers: Readers;
  /** Headers, by the same names as the ordinary way sends. A response copies them, so that one of each is enough. */
  readonly read: Headers;
  readonly notRead: Headers;
}

function prepare(prepared: WeakMap<RenderedConfig, Prepared>, config: RenderedConfig, door: HotDoor): Prepared {
  const notRead = door.prepare({ 'cache-control': 'no-cache', vary: 'Origin, Accept-Encoding', etag: config.etag });
  const read = new Headers([...notRead, ['content-type', 'application/json']]);
  const made = { readers: new Readers(configStream(config.name)), read, notRead };
  prepared.set(config, made);
  return made;
}
