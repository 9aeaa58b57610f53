/**
 * The streams of events that OFREP's clients listen to: one event whenever what they see of a config's flags has become
 * another, telling them to ask again, never what has changed. What an audience cannot see moves nothing here.
 * @module
 */
import { ORDER } from '../auth/identities.ts';
import { tellable, unauthenticated } from '../auth/refusal.ts';
import { audienceOf, type Audience } from '../config/audience.ts';
import { isConfigError } from '../errors/errors.ts';
import type { Entry } from '../journal/journal.ts';
import { eventStream, type EventStream } from '../http/event-stream.ts';
import { touchedBy, type Evaluations } from './evaluations.ts';
import type { Holder } from './holder.ts';
import type { Ticket } from './ofrep-tickets.ts';
import type { StreamPlaces } from './stream-places.ts';

/** Below the idle limits of proxies, and of our own server. */
const HEARTBEAT_MS = 15_000;
const RETRY_MS = 2000;
/** Clients wait 50 ms for the next event before they act: events that came faster would keep them waiting. */
const TOGETHER_MS = 100;
const AGAIN_MS = 1000;
/** What an audience sees of a config that is gone. */
const GONE = 'gone';

export interface OfrepEventsOptions {
  readonly evaluations: Pick<Evaluations, 'read'>;
  /** So many may be open, with the other streams of the registry. */
  readonly places: Pick<StreamPlaces, 'take'>;
  /** Counts those that are open. */
  readonly level: { add(difference: number): void };
  /** Whether whoever holds a ticket may still read the config. */
  readonly mayRead: (holder: Holder, config: string) => Promise<boolean>;
  readonly onFailure: (failure: string) => void;
}

/** One open stream. */
interface Listener {
  readonly stream: EventStream;
  readonly holder: Holder;
  /** What its client knows of, and from which look. */
  told: string;
  look: number;
}

/** All who listen to what one audience sees of one config. */
interface Room {
  readonly config: string;
  readonly audience: Audience;
  readonly listeners: Set<Listener>;
  /** Rises with every look: what was begun before may end after. */
  looks: number;
  timer: ReturnType<typeof setTimeout> | null;
}

export interface Listening extends Ticket {
  /** The id of the last event that the client saw; null: it comes for the first time. */
  readonly lastEventId: string | null;
  readonly closing: AbortSignal | undefined;
  /** Where it comes from; null: without a connection. */
  readonly address: string | null;
}

/**
 * @example
 * const events = new OfrepEvents({ evaluations, places, level, mayRead, onFailure });
 * return await events.open({ config: 'checkout/production', holder, lastEventId: null, closing, address });
 */
export class OfrepEvents {
  readonly #options: OfrepEventsOptions;
  readonly #rooms = new Map<string, Room>();
  #isClosed = false;

  constructor(options: OfrepEventsOptions) {
    this.#options = options;
  }

  /** Errors: ERR_UNAUTHENTICATED for one who may not read the config, ERR_NOT_FOUND, ERR_BUSY. */
  async open({ config, holder, lastEventId, closing, address }: Listening): Promise<Response> {
    const leave = this.#options.places.take(address, holder);
    const room = this.#roomOf(config, audienceOf(holder));
    const onClose = (): void => {
      leave();
      this.#left(room, listener);
    };
    const stream = eventStream({ heartbeat_ms: HEARTBEAT_MS, retry_ms: RETRY_MS, closing, onClose });
    const listener: Listener = { stream, holder, told: lastEventId ?? '', look: 0 };
    // Among those who listen before anything is read: what changes meanwhile is told to it too.
    room.listeners.add(listener);
    this.#options.level.add(1);
    try {
      if (!(await this.#options.mayRead(holder, config))) throw notListening();
      const look = ++room.looks;
      // Between its answer and this connection something may have changed; a browser that comes back does not look.
      tell(listener, look, await this.#versionOf(room));
    } catch (error) {
      stream.close('refused');
      throw error;
    }
    if (this.#isClosed) stream.close('closing');
    return stream.response;
  }

  follow(entries: readonly Entry[]): void {
    if (this.#rooms.size === 0) return;
    const isTouched = touchedBy(entries);
    for (const room of this.#rooms.values()) if (isTouched(room.config)) this.#lookSoon(room, TOGETHER_MS);
    if (entries.some(({ stream }) => stream === ORDER)) void this.#recheckNow();
  }

  /** Looks at everything that somebody listens to, and at who they are. */
  forget(): void {
    void this.#recheckNow();
    for (const room of this.#rooms.values()) this.#lookSoon(room, TOGETHER_MS);
  }

  /** Ends the streams of those who may not listen any more. Errors: those of `mayRead`. */
  async recheck(): Promise<void> {
    for (const { config, listeners } of this.#rooms.values()) {
      const byHolder = Map.groupBy(listeners, ({ holder }) => JSON.stringify(holder));
      for (const some of byHolder.values()) {
        if (await this.#options.mayRead(some[0]!.holder, config)) continue;
        for (const { stream } of some) stream.close('refused');
      }
    }
  }

  /** Ends them all, and looks at nothing any more. */
  close(): void {
    this.#isClosed = true;
    for (const { listeners, timer } of this.#rooms.values()) {
      if (timer !== null) clearTimeout(timer);
      for (const { stream } of listeners) stream.close('closing');
    }
  }

  async #recheckNow(): Promise<void> {
    try {
      await this.recheck();
    } catch (error) {
      this.#options.onFailure(`it cannot be told who may still listen: ${String(error)}`);
    }
  }

  #roomOf(config: string, audience: Audience): Room {
    const key = `${audience} ${config}`;
    let room = this.#rooms.get(key);
    if (room === undefined) {
      room = { config, audience, listeners: new Set(), looks: 0, timer: null };
      this.#rooms.set(key, room);
    }
    return room;
  }

  #left(room: Room, listener: Listener): void {
    room.listeners.delete(listener);
    this.#options.level.add(-1);
    if (room.listeners.size > 0) return;
    if (room.timer !== null) clearTimeout(room.timer);
    this.#rooms.delete(`${room.audience} ${room.config}`);
  }

  #lookSoon(room: Room, delay_ms: number): void {
    if (this.#isClosed || room.listeners.size === 0) return;
    room.timer ??= setTimeout(() => {
      room.timer = null;
      void this.#look(room);
    }, delay_ms);
  }

  async #look(room: Room): Promise<void> {
    const look = ++room.looks;
    try {
      const version = await this.#versionOrGone(room);
      for (const listener of room.listeners) tell(listener, look, version);
    } catch (error) {
      if (this.#isClosed) return;
      this.#options.onFailure(`flags cannot be read for those who listen: ${String(error)}`);
      this.#lookSoon(room, AGAIN_MS);
    }
  }

  async #versionOrGone(room: Room): Promise<string> {
    try {
      return await this.#versionOf(room);
    } catch (error) {
      if (isConfigError(error) && error.code === 'ERR_NOT_FOUND') return GONE;
      throw error;
    }
  }

  async #versionOf({ config, audience }: Room): Promise<string> {
    const flags = await this.#options.evaluations.read(config);
    // Who hears of it asks for all of them next.
    await flags.compiled.makeReady();
    return flags.version(audience);
  }
}

/** To one who may not listen, or not any more; why is not said. */
export function notListening(): Error {
  return tellable(unauthenticated('unknown'));
}

function tell(listener: Listener, look: number, version: string): void {
  if (listener.look >= look) return;
  listener.look = look;
  if (listener.told === version) return;
  listener.told = version;
  const data = JSON.stringify({ type: 'refetchEvaluation', etag: `"${version}"` });
  listener.stream.send({ id: version, event: 'message', data });
}
