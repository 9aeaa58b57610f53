/** Real processes for the tests of the board: started, listened to, killed, and none left over. @module */
import { fileURLToPath } from 'node:url';

const CHILD = fileURLToPath(new URL('board-child.ts', import.meta.url));

export interface Child {
  readonly process: Bun.Subprocess<'ignore', 'pipe', 'inherit'>;
  /** The next line it writes; null when it has ended. */
  line(): Promise<string | null>;
  /** SIGKILL, and its end. */
  kill(): Promise<void>;
}

export class Children {
  readonly #running = new Set<Child>();

  /** `before` is a command that starts it, such as one that gives it a mount of its own. */
  start(part: string, args: readonly string[], before: readonly string[] = []): Child {
    const command = [...before, process.execPath, CHILD, part, ...args];
    const spawned = Bun.spawn(command, { stdin: 'ignore', stdout: 'pipe', stderr: 'inherit' });
    const lines = linesOf(spawned.stdout);
    const child: Child = {
      process: spawned,
      line: async () => (await lines.next()).value ?? null,
      kill: async () => {
        spawned.kill('SIGKILL');
        await spawned.exited;
        this.#running.delete(child);
      },
    };
    this.#running.add(child);
    return child;
  }

  async ready(child: Child): Promise<Child> {
    const line = await child.line();
    if (line !== 'ready') throw new Error(`the process said ${String(line)}`);
    return child;
  }

  async killAll(): Promise<void> {
    await Promise.all([...this.#running].map((child) => child.kill()));
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, null> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      yield text.slice(0, end);
      text = text.slice(end + 1);
    }
  }
  return null;
}
