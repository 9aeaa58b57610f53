/**
 * The samples on disk, so that a restart keeps them. Always whole: a new file takes the place of the old one. They are
 * worth less than what is served, so a file that cannot be read is reported and left behind.
 * @module
 */
import { readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import type { Samples } from './samples.ts';

const OWNER_ONLY = 0o600;

export class SampleFile {
  readonly #path: string;
  readonly #samples: Samples;
  #saving: Promise<void> = Promise.resolve();

  constructor(path: string, samples: Samples) {
    this.#path = path;
    this.#samples = samples;
  }

  /** Adds what the file holds, up to `now`. Returns what is wrong with it, or null; none is not wrong. */
  load(now: number): string | null {
    try {
      this.#samples.addBytes(readFileSync(this.#path), now);
      return null;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return code === 'ENOENT' ? null : `the samples in ${this.#path} cannot be read: ${message}`;
    }
  }

  /** Rejects when the disk does not take it; the file is then as it was. One at a time. */
  async save(): Promise<void> {
    const before = this.#saving;
    const saved = before.then(
      () => this.#write(),
      () => this.#write(),
    );
    this.#saving = saved;
    await saved;
  }

  async #write(): Promise<void> {
    const draft = `${this.#path}.draft`;
    const file = await open(draft, 'w', OWNER_ONLY);
    try {
      await file.writeFile(this.#samples.toBytes());
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, this.#path);
  }
}
