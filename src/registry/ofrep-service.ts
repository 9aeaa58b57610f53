/**
 * OFREP over one data directory, put together: the flags of configs, what is answered of them, and the streams that
 * tell of changes with the tickets that open them.
 * @module
 */
import { isWithin } from '../auth/networks.ts';
import { may, outsideNetworks, type Principal } from '../auth/rights.ts';
import { audienceOf } from '../config/audience.ts';
import { configStream } from '../config/name.ts';
import type { Entry } from '../journal/journal.ts';
import { Evaluations, type EvaluationsOptions, type ReadyFlags } from './evaluations.ts';
import { holderOf, type Holder } from './holder.ts';
import { Ofrep, type OfrepAnswer, type OfrepOptions } from './ofrep.ts';
import { notListening, OfrepEvents, type Listening, type OfrepEventsOptions } from './ofrep-events.ts';
import type { StreamTickets, Ticket } from './ofrep-tickets.ts';

export const OFREP_PATH = '/ofrep/v1';
/** One for all configs: the ticket says which. */
export const EVENTS_PATH = `${OFREP_PATH}/events`;

export interface OfrepServiceOptions
  extends
    Pick<OfrepOptions, 'figures' | 'evaluated'>,
    Pick<EvaluationsOptions, 'source' | 'isCurrent'>,
    Pick<OfrepEventsOptions, 'level' | 'places' | 'onFailure'> {
  /** Keys the hashes in tags and versions; 32 bytes. */
  readonly secret: Uint8Array;
  readonly tickets: StreamTickets;
  /** Whoever holds a ticket, as he is now; null: nobody. */
  readonly whois: (holder: Holder) => Promise<Principal | null>;
  /** null: clients know where they ask. */
  readonly publicUrl: string | null;
}

/** What somebody asks for; without a key, for all flags. */
export interface OfrepAsked {
  readonly key: string | null;
  readonly bytes: Uint8Array;
  readonly principal: Principal;
  /** `If-None-Match`, if sent. */
  readonly known: string | null;
}

/** Of one principal and config, as long as tickets are the same. */
interface Streams {
  readonly epoch: number;
  readonly config: string;
  readonly json: string;
}

/**
 * @example
 * const flags = await service.evaluations.read('checkout/production');
 * service.answer(flags, { key: 'banner', bytes, principal, known: null }).status; // 200
 */
export class OfrepService {
  readonly evaluations: Evaluations;
  readonly #options: OfrepServiceOptions;
  readonly #ofrep: Ofrep;
  readonly #events: OfrepEvents;
  readonly #streams = new WeakMap<Principal, Streams>();

  constructor(options: OfrepServiceOptions) {
    const { secret } = options;
    const hash = (text: string): string => new Bun.CryptoHasher('sha256', secret).update(text).digest('base64url');
    this.#options = options;
    this.#ofrep = new Ofrep({ ...options, hash });
    this.evaluations = new Evaluations({ ...options, hash });
    const mayRead: OfrepEventsOptions['mayRead'] = async (holder, config) => await this.#mayRead(holder, config);
    this.#events = new OfrepEvents({ ...options, evaluations: this.evaluations, mayRead });
  }

  answer(flags: ReadyFlags, { key, bytes, principal, known }: OfrepAsked): OfrepAnswer {
    const audience = audienceOf(principal);
    if (key !== null) return this.#ofrep.one(flags, key, bytes, audience);
    return this.#ofrep.all(flags, bytes, { audience, known, streams: this.#streamsOf(principal, flags.name) });
  }

  /**
   * The stream of events that a ticket opens. Errors: ERR_UNAUTHENTICATED for a ticket that is none, too old, or of
   * somebody who may not read the config any more; ERR_FORBIDDEN outside the networks of the token that it was made
   * for; ERR_NOT_FOUND, ERR_BUSY.
   */
  async listen(text: string, how: Omit<Listening, keyof Ticket>): Promise<Response> {
    const ticket = this.#options.tickets.read(text);
    if (ticket === null) throw notListening();
    const principal = await this.#options.whois(ticket.holder);
    // Once is enough: neither the networks of a token change, nor where a stream goes.
    const isThere = principal?.cidrs === undefined || isWithin(principal.cidrs, how.address);
    if (!isThere) throw outsideNetworks(principal, how.address);
    return await this.#events.open({ ...ticket, ...how });
  }

  follow(entries: readonly Entry[]): void {
    this.evaluations.follow(entries);
    this.#events.follow(entries);
  }

  /** Lets go of all flags, and looks at what is told to whoever listens. */
  forget(): void {
    this.evaluations.forget();
    this.#events.forget();
  }

  /**
   * Ends streams of those who may not listen any more; to be called by the clock, for tokens expire. Errors: those of
   * the journal.
   */
  async recheck(): Promise<void> {
    await this.#events.recheck();
  }

  /** Ends all streams. */
  close(): void {
    this.#events.close();
  }

  async #mayRead(holder: Holder, config: string): Promise<boolean> {
    const principal = await this.#options.whois(holder);
    if (principal === null || !may(principal, 'read', configStream(config))) return false;
    // What he would be told now is not what he has been told.
    return audienceOf(principal) === audienceOf(holder);
  }

  /** `eventStreams` as JSON. A known token brings the same principal again, and mostly for the same config. */
  #streamsOf(principal: Principal, config: string): string {
    const { tickets, publicUrl } = this.#options;
    const { epoch } = tickets;
    const known = this.#streams.get(principal);
    if (known?.epoch === epoch && known.config === config) return known.json;
    const requestUri = `${EVENTS_PATH}?ticket=${tickets.issue({ holder: holderOf(principal), config })}`;
    // Where it is not said how we are reached, the client goes by where it asked: never by a Host that was sent.
    const place = publicUrl === null ? { endpoint: { requestUri } } : { url: publicUrl + requestUri };
    const json = JSON.stringify([{ type: 'sse', ...place }]);
    this.#streams.set(principal, { epoch, config, json });
    return json;
  }
}
