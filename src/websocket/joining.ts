/**
 * The way into a room: a place that keeps the room open from when somebody was let in to when he listens. Decides
 * nothing about him.
 * @module
 */
import { Connection, type Visitor } from './connection.ts';
import type { Hub } from './hub.ts';
import type { Leave, Listener } from './place.ts';
import type { Room } from './room.ts';

/** A place that is kept until it is taken by one of the two, or given up. */
export class Joining {
  readonly room: Room;
  readonly #hub: Hub;
  readonly #leave: () => void;

  constructor(hub: Hub, room: Room, leave: () => void) {
    this.#hub = hub;
    this.room = room;
    this.#leave = leave;
  }

  /** For a socket that is about to open; `since`: a revision to go on from, null: a snapshot. */
  connect(visitor: Visitor, since: number | null): Connection {
    return new Connection(this.#hub, this.room, visitor, since, this.#leave);
  }

  /** Answers how to leave. Throws ERR_CLOSED where the room has ended meanwhile. */
  listen(listener: Listener): Leave {
    try {
      return this.#hub.listen(this.room, listener);
    } finally {
      this.#leave();
    }
  }

  giveUp(): void {
    this.#leave();
  }
}
