/** As much of EventSource as OFREP's web provider needs, where there is none: over fetch. @module */
import { eventsOf } from './event-reader.ts';

type Handler = ((event: { data: string; lastEventId: string }) => void) | null;

export class FetchedEvents {
  static readonly CLOSED = 2;
  /** When the first one of the test is connected. */
  static opened: Promise<void>;
  static #open: () => void;
  static {
    const { promise, resolve } = Promise.withResolvers<void>();
    [FetchedEvents.opened, FetchedEvents.#open] = [promise, resolve];
  }

  onopen: (() => void) | null = null;
  onmessage: Handler = null;
  onerror: (() => void) | null = null;
  readyState = 0;
  readonly #abort = new AbortController();
  readonly #listeners = new Map<string, Set<(event: never) => void>>();

  constructor(url: string) {
    this.#run(url).catch(() => {
      this.readyState = FetchedEvents.CLOSED;
      this.#tell('error', {});
    });
  }

  addEventListener(name: string, listener: (event: never) => void): void {
    this.#listeners.set(name, (this.#listeners.get(name) ?? new Set()).add(listener));
  }

  removeEventListener(name: string, listener: (event: never) => void): void {
    this.#listeners.get(name)?.delete(listener);
  }

  close(): void {
    this.readyState = FetchedEvents.CLOSED;
    this.#abort.abort();
  }

  async #run(url: string): Promise<void> {
    const reader = eventsOf(await fetch(url, { signal: this.#abort.signal }));
    this.readyState = 1;
    FetchedEvents.#open();
    this.#tell('open', {});
    for (;;) {
      const { id, event, data } = await reader.next();
      this.#tell(event, { data: JSON.stringify(data), lastEventId: id });
    }
  }

  #tell(name: string, event: object): void {
    if (name === 'open') this.onopen?.();
    if (name === 'error') this.onerror?.();
    if (name === 'message') this.onmessage?.(event as never);
    for (const listener of this.#listeners.get(name) ?? []) listener(event as never);
  }
}
