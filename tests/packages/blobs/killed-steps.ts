/** Where a process that keeps a blob can be killed. @module */
import type { Disk } from '../../../src/packages/blobs/disk.ts';

export const KILLED_STEPS = ['create', 'write', 'sync', 'rename', 'syncDirectory'] as const satisfies (keyof Disk)[];
