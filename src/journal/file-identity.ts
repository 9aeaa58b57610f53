/** Which file a path names: a database that was removed or replaced is told from the one that was opened. @module */
import { statSync } from 'node:fs';

/** Changes when another file takes the path; empty when none can be seen there. */
export function identityOf(path: string): string {
  try {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return '';
  }
}
