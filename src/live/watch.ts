/**
 * Tells subscribers of changes: of this process's own at once, of others' when a look at the slot's notify word (one
 * load, many times a second) says that there was one.
 * @module
 */
import type { RegistryConfig } from '../config/value.ts';
import { isConfigError } from '../errors/errors.ts';

/** How late a subscriber may hear of another process's change. Reads see it at once. */
const LOOK_INTERVAL_MS = 20;

export interface ChangeEvent {
  readonly revision: number;
  readonly config: RegistryConfig;
  /** Fields that differ from what the subscriber was told last, and `rollouts`. */
  readonly changedFields: readonly string[];
  /** `local`: this process changed it; `remote`: another one. */
  readonly origin: 'local' | 'remote';
}

export type Subscriber = (event: ChangeEvent) => void;

export class Watch {
  readonly #look: () => ChangeEvent | null;
  readonly #isShared: boolean;
  readonly #subscribers = new Set<Subscriber>();
  /** The one being told, and those to be told after it. */
  readonly #events: ChangeEvent[] = [];
  #timer: ReturnType<typeof setInterval> | null = null;
  /** Whether the last look failed. */
  #isBlind = false;

  /** `look` answers what another process changed since the last event, or null. */
  constructor(isShared: boolean, look: () => ChangeEvent | null) {
    this.#isShared = isShared;
    this.#look = look;
  }

  get isWatched(): boolean {
    return this.#subscribers.size > 0;
  }

  subscribe(subscriber: Subscriber): () => void {
    // A subscriber may be the same function twice: each subscription ends for itself.
    const own: Subscriber = (event) => subscriber(event);
    this.#subscribers.add(own);
    this.#startLooking();
    return () => {
      this.#subscribers.delete(own);
      if (this.#subscribers.size === 0) this.#stopLooking();
    };
  }

  /**
   * A subscriber that throws does not keep others from hearing: its error surfaces as an uncaught one, like an
   * event's.
   */
  tell(event: ChangeEvent): void {
    this.#events.push(event);
    // A change that a subscriber makes is told after the one it hears of now, so that all hear both in this order.
    if (this.#events.length > 1) return;
    for (let next: ChangeEvent | undefined = event; next !== undefined; next = this.#events[0]) {
      const subscribed = [...this.#subscribers];
      for (const subscriber of subscribed) if (this.#subscribers.has(subscriber)) callSafely(subscriber, next);
      this.#events.shift();
    }
  }

  close(): void {
    this.#subscribers.clear();
    this.#stopLooking();
  }

  #startLooking(): void {
    if (!this.#isShared || this.#timer !== null) return;
    this.#timer = setInterval(() => {
      const event = this.#lookSafely();
      if (event !== null) this.tell(event);
    }, LOOK_INTERVAL_MS);
    this.#timer.unref();
  }

  /** Nobody called for this look, so nobody could catch what it meets: a warning tells it, once until it is mended. */
  #lookSafely(): ChangeEvent | null {
    try {
      const event = this.#look();
      this.#isBlind = false;
      return event;
    } catch (error) {
      if (!isConfigError(error)) throw error;
      if (!this.#isBlind) process.emitWarning(error);
      this.#isBlind = true;
      return null;
    }
  }

  #stopLooking(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}

function callSafely(subscriber: Subscriber, event: ChangeEvent): void {
  try {
    subscriber(event);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
