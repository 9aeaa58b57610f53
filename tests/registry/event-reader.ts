/** Server-sent events as a client reads them. @module */

export interface ReadEvent {
  readonly id: string;
  readonly event: string;
  readonly data: any;
}

export interface EventReader {
  /** What the server wants a client to wait. */
  readonly retry_ms: number;
  /** How many were read. */
  readonly count: number;
  /** Throws where the stream ends instead. */
  next(): Promise<ReadEvent>;
  /** Resolves when the server has ended it; throws for one more event. */
  end(): Promise<void>;
  leave(): Promise<void>;
}

export function eventsOf(response: Response): EventReader {
  if (response.status !== 200) throw new Error(`answered ${response.status}`);
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let [text, retry_ms, count] = ['', 0, 0];
  const block = async (): Promise<string | null> => {
    while (!text.includes('\n\n')) {
      const { done, value } = await reader.read();
      if (done) return null;
      text += value;
    }
    const end = text.indexOf('\n\n');
    const found = text.slice(0, end);
    text = text.slice(end + 2);
    return found;
  };
  const find = async (): Promise<ReadEvent | null> => {
    for (let found = await block(); found !== null; found = await block()) {
      const fields = Object.fromEntries(
        found.split('\n').map((line) => [/^[^:]*/.exec(line)![0], line.replace(/^[^:]*: ?/, '')]),
      );
      if (fields['retry'] !== undefined) retry_ms = Number(fields['retry']);
      if (fields['data'] === undefined) continue;
      count++;
      return { id: fields['id'] ?? '', event: fields['event'] ?? 'message', data: JSON.parse(fields['data']) };
    }
    return null;
  };
  return {
    get retry_ms() {
      return retry_ms;
    },
    get count() {
      return count;
    },
    async next() {
      const found = await find();
      if (found === null) throw new Error('the stream has ended');
      return found;
    },
    async end() {
      const found = await find();
      if (found !== null) throw new Error(`another event: ${found.id}`);
    },
    leave: () => reader.cancel(),
  };
}
