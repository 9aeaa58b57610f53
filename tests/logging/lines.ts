/** A sink that keeps the lines, as text and as what they say. @module */
import { createLogger, type Logger } from '../../src/logging/logger.ts';

export interface KeptLines {
  readonly logger: Logger;
  /** What was written, as it was. */
  readonly text: () => string;
  /** The lines, parsed. */
  readonly all: () => any[];
}

export function keptLines(level: Logger['level'] = 'debug'): KeptLines {
  const lines: string[] = [];
  return {
    logger: createLogger('test', { level, sink: { write: (line) => void lines.push(line) } }),
    text: () => lines.join(''),
    all: () => lines.map((line) => JSON.parse(line)),
  };
}
