/** A room, and who is in it or on the way in: it stays open as long as there is somebody. @module */
import type { Connection, Visitor } from './connection.ts';
import type { Room } from './room.ts';
import type { ServerMessage } from './subprotocol.ts';

/** Somebody who listens without a socket: server-sent events. */
export interface Listener {
  readonly visitor: Visitor;
  /** Tells of an update, or ends him. */
  tell(message: ServerMessage, text: string): void;
  end(reason: string): void;
}

/** Leaves; `slow`: because he did not read. */
export type Leave = (why?: 'slow') => void;

export class Place {
  readonly room: Room;
  readonly opening: Promise<void>;
  readonly sockets = new Set<Connection>();
  readonly listeners = new Set<Listener>();
  /** Those who are on their way in. */
  expected = 0;

  constructor(room: Room) {
    this.room = room;
    this.opening = room.open();
  }

  get isEmpty(): boolean {
    return this.sockets.size + this.listeners.size + this.expected === 0;
  }
}

/** Of a config as an audience sees it; also what its sockets subscribe to. */
export function keyOf({ name, audience }: Pick<Room, 'name' | 'audience'>): string {
  return `${audience}:${name}`;
}
