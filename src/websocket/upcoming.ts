/** Changes of one config that are to come, as one audience sees them, and what is told when they differ. @module */
import type { Look } from './look.ts';
import type { ServerMessage, Upcoming } from './subprotocol.ts';

export class UpcomingChanges {
  readonly #now: () => number;
  /** By id. */
  #known = new Map<string, { readonly at: number; readonly text: string; readonly message: ServerMessage }>();

  /** `now` in milliseconds since 1970. */
  constructor(now: () => number) {
    this.#now = now;
  }

  messages(): readonly ServerMessage[] {
    return [...this.#known.values()].map(({ message }) => message);
  }

  /** What there is from now on; answers what has to be told of it. */
  replace(upcoming: readonly Upcoming[], look: Look): readonly ServerMessage[] {
    const past = this.#known;
    this.#known = new Map(upcoming.flatMap((one) => this.#seen(one, look)));
    const gone = [...past].filter(([id]) => !this.#known.has(id));
    const news = [...this.#known].filter(([id, { text }]) => past.get(id)?.text !== text);
    return [
      ...gone.map(([id, { at }]): ServerMessage => ({ type: at > this.#now() ? 'cancelled' : 'done', id })),
      ...news.map(([, { message }]) => message),
    ];
  }

  #seen({ id, at, patch }: Upcoming, look: Look) {
    const seen = look.seenOf(patch);
    if (seen === null) return [];
    const message = { type: 'scheduled', id, at, patch: seen } as const;
    return [[id, { at, message, text: JSON.stringify(message) }] as const];
  }
}
