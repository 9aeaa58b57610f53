/** Where a process that keeps a blob, or deletes it, can be killed. @module */
import type { Disk } from '../../../src/packages/blobs/disk.ts';

export const KILLED_STEPS: readonly (keyof Disk)[] = ['create', 'write', 'sync', 'rename', 'syncDirectory', 'remove'];
