/**
 * The few things that a file store does to a disk, each whole: what a blob's safety rests on stands here, and a test
 * can end the process between any two of them.
 * @module
 */
import { closeSync, fsync, openSync, renameSync, rmSync, utimesSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';

/** Waited for off the event loop: a disk may take its time. */
const synced = promisify(fsync);

export interface Disk {
  /** A new file, its owner's alone; nobody else may have made it. */
  create(path: string): number;
  /** One that is there already. */
  reopen(path: string): number;
  /** All of the bytes. */
  write(file: number, bytes: Uint8Array): void;
  /** Returns when the file's bytes survive a loss of power. */
  sync(file: number): Promise<void>;
  close(file: number): void;
  rename(from: string, to: string): void;
  /** It is gone, though perhaps not after a loss of power. */
  remove(path: string): void;
  /** Returns when what was renamed into it survives a loss of power. */
  syncDirectory(path: string): Promise<void>;
  /** Counts as modified at `at` (ms) from now on; false: it is not there. */
  touch(path: string, at: number): boolean;
}

export const REAL_DISK: Disk = {
  create: (path) => openSync(path, 'wx', 0o600),
  reopen: (path) => openSync(path, 'r+'),
  write: (file, bytes) => {
    for (let from = 0; from < bytes.length;) from += writeSync(file, bytes, from);
  },
  sync: (file) => synced(file),
  close: (file) => closeSync(file),
  rename: (from, to) => renameSync(from, to),
  remove: (path) => rmSync(path),
  syncDirectory: async (path) => {
    const directory = openSync(path, 'r');
    try {
      await synced(directory);
    } finally {
      closeSync(directory);
    }
  },
  touch: (path, at) => {
    try {
      utimesSync(path, at / 1000, at / 1000);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
  },
};
