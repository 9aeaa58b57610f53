/**
 * The streams of events that OFREP's clients listen to: one event whenever what they see of a config's flags has become
 * another, telling them to ask again, never what has changed. What an audience cannot see moves nothing here.
 * @module
 */
import type { Entry } from '../journal/journal.ts';
import { ConfigError, isConfigError } from '../errors/errors.ts';
import type { Audience } from '../flags/evaluation.ts';
import { eventStream, type EventStream } from '../http/event-stream.ts';
import { touchedBy, type Evaluations } from './evaluations.ts';
import type { Ticket, TicketHolder } from './ofrep-tickets.ts';

/** Below the idle limits of proxies, and of our own server. */
const HEARTBEAT_MS = 15_000;
const RETRY_MS = 2000;
/** Clients wait 50 ms for the next event before they act: events that came faster would keep them waiting. */
const TOGETHER_MS = 100;
const AGAIN_MS = 1000;
const STREAMS_MAX = 10_000;
/** What an audience sees of a config that is gone. */
const GONE = 'gone';

export interface OfrepEventsOptions {
  readonly evaluations: Pick<Evaluations, 'read'>;
  /** Counts those that are open. */
  readonly level: { add(difference: number): void };
  /** Whether whoever holds a ticket may still read the config. */
  readonly mayRead: (holder: TicketHolder, config: string) => Promise<boolean>;
  readonly onFailure: (failure: string) => void;
}

/** One open stream. */
interface Listener {
  readonly stream: EventStream;
  readonly holder: TicketHolder;
  /** What its client knows of. */
  told: string;
}

/** All who listen to what one audience sees of one config. */
interface Room {
  readonly config: string;
  readonly audience: Audience;
  readonly listeners: Set<Listener>;
  timer: ReturnType<typeof setTimeout> | null;
}

export interface Listening extends Ticket {
  /** The id of the last event that the client saw; null: it comes for the first time. */
  readonly lastEventId: string | null;
  readonly closing: AbortSignal | undefined;
}

/**
 * @example
 * const events = new OfrepEvents({ evaluations, level, mayRead, onFailure });
 * return await events.open({ config: 'checkout/production', holder, lastEventId: null, closing });
 */
export class OfrepEvents {
  readonly #options: OfrepEventsOptions;
  readonly #rooms = new Map<string, Room>();
  #size = 0;

  constructor(options: OfrepEventsOptions) {
    this.#options = options;
  }

  /** Errors: ERR_NOT_FOUND, ERR_BUSY. */
  async open({ config, holder, lastEventId, closing }: Listening): Promise<Response> {
    if (this.#size >= STREAMS_MAX) throw tooMany();
    const audience: Audience = holder.isBrowser ? 'browser' : 'all';
    const version = (await this.#options.evaluations.read(config)).version(audience);
    const room = this.#roomOf(config, audience);
    const onClose = (): void => this.#left(room, listener);
    const stream = eventStream({ heartbeat_ms: HEARTBEAT_MS, retry_ms: RETRY_MS, closing, onClose });
    const listener: Listener = { stream, holder, told: lastEventId ?? '' };
    room.listeners.add(listener);
    this.#size++;
    this.#options.level.add(1);
    // Between its answer and this connection something may have changed; a browser that comes back does not look.
    tell(listener, version);
    return stream.response;
  }

  follow(entries: readonly Entry[]): void {
    if (this.#rooms.size === 0) return;
    const isTouched = touchedBy(entries);
    for (const room of this.#rooms.values()) if (isTouched(room.config)) this.#lookSoon(room, TOGETHER_MS);
  }

  /** Ends the streams of those who may not listen any more; to be called by the clock. Errors: those of `mayRead`. */
  async recheck(): Promise<void> {
    for (const { config, listeners } of this.#rooms.values()) {
      const byHolder = Map.groupBy(listeners, ({ holder }) => JSON.stringify(holder));
      for (const some of byHolder.values()) {
        if (await this.#options.mayRead(some[0]!.holder, config)) continue;
        for (const { stream } of some) stream.close('refused');
      }
    }
  }

  /** Ends them all. */
  close(): void {
    for (const { listeners, timer } of this.#rooms.values()) {
      if (timer !== null) clearTimeout(timer);
      for (const { stream } of listeners) stream.close('closing');
    }
  }

  #roomOf(config: string, audience: Audience): Room {
    const key = `${audience} ${config}`;
    let room = this.#rooms.get(key);
    if (room === undefined) this.#rooms.set(key, (room = { config, audience, listeners: new Set(), timer: null }));
    return room;
  }

  #left(room: Room, listener: Listener): void {
    room.listeners.delete(listener);
    this.#size--;
    this.#options.level.add(-1);
    if (room.listeners.size > 0) return;
    if (room.timer !== null) clearTimeout(room.timer);
    this.#rooms.delete(`${room.audience} ${room.config}`);
  }

  #lookSoon(room: Room, delay_ms: number): void {
    room.timer ??= setTimeout(() => {
      room.timer = null;
      void this.#look(room);
    }, delay_ms);
  }

  async #look(room: Room): Promise<void> {
    try {
      const version = await this.#versionOf(room);
      for (const listener of room.listeners) tell(listener, version);
    } catch (error) {
      this.#options.onFailure(`flags cannot be read for those who listen: ${String(error)}`);
      this.#lookSoon(room, AGAIN_MS);
    }
  }

  async #versionOf({ config, audience }: Room): Promise<string> {
    try {
      return (await this.#options.evaluations.read(config)).version(audience);
    } catch (error) {
      if (isConfigError(error) && error.code === 'ERR_NOT_FOUND') return GONE;
      throw error;
    }
  }
}

function tell(listener: Listener, version: string): void {
  if (listener.told === version) return;
  listener.told = version;
  const data = JSON.stringify({ type: 'refetchEvaluation', etag: `"${version}"` });
  listener.stream.send({ id: version, event: 'message', data });
}

function tooMany(): ConfigError {
  return new ConfigError('ERR_BUSY', {
    message: `More than ${STREAMS_MAX} streams of events are open`,
    hint: 'Try again later; until then, ask for the flags from time to time.',
    details: { limit: STREAMS_MAX },
  });
}
