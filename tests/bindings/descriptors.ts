/** Open descriptors of this process, by what they lead to: others come and go with the runner. @module */
import { readdirSync, readlinkSync } from 'node:fs';

const DIRECTORY = '/proc/self/fd';

/** How many lead to a path that begins so. */
export function descriptorsTo(path: string): number {
  return readdirSync(DIRECTORY).filter((descriptor) => linkOf(descriptor).startsWith(path)).length;
}

/** The one that lists the others is gone by now. */
function linkOf(descriptor: string): string {
  try {
    return readlinkSync(`${DIRECTORY}/${descriptor}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
