/**
 * Sockets that are told to go, and have not read yet what waits for them: what they would hear last waits behind it. A
 * few seconds are theirs, then the connection is broken off and what it held is free. Knows nobody's name.
 * @module
 */
import type { Socket } from './connection.ts';

/** Looks, one a second, at a socket that reads nothing or too slowly. */
const LOOKS_MAX = 5;
/** UTF-8 bytes of a close frame's reason. */
const REASON_MAX = 120;
const OPEN = 1;

interface Farewell {
  readonly code: number;
  readonly reason: string;
  looks: number;
}

export class Leaving {
  readonly #farewells = new Map<Socket, Farewell>();

  /** Closes it, as soon as it has read all that was sent before. */
  add(socket: Socket, code: number, reason: string): void {
    const said = reason.slice(0, REASON_MAX);
    if (socket.getBufferedAmount() === 0) socket.close(code, said);
    else this.#farewells.set(socket, { code, reason: said, looks: 0 });
  }

  /** To be called every second. */
  look(): void {
    for (const [socket, farewell] of this.#farewells) {
      const isRead = socket.readyState !== OPEN || socket.getBufferedAmount() === 0;
      farewell.looks++;
      if (!isRead && farewell.looks < LOOKS_MAX) continue;
      this.#farewells.delete(socket);
      if (isRead) socket.close(farewell.code, farewell.reason);
      else socket.terminate();
    }
  }

  /** Waits for nobody any more. */
  close(): void {
    for (const socket of this.#farewells.keys()) socket.terminate();
    this.#farewells.clear();
  }
}
