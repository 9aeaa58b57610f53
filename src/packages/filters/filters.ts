/** Package filters as the team keeps them: resources of the journal, held in memory while it has not moved. @module */
import type { Journal } from '../../journal/journal.ts';
import { Resources, type Resource, type ResourceWrite } from '../../journal/resources.ts';
import { parseFilter, type Filter, type FilterDeclaration } from './filter.ts';

const KIND = 'package_filter';

export class Filters {
  readonly resources: Resources<FilterDeclaration>;
  #all: Promise<readonly Filter[]> | null = null;

  constructor(journal: Journal) {
    this.resources = new Resources(journal, KIND, parseFilter);
  }

  /** By name. Shared: never change it. Errors: those of the journal. */
  all(): Promise<readonly Filter[]> {
    this.#all ??= this.#read();
    return this.#all;
  }

  /** Makes or replaces one. Errors: those of `parseFilter` and of `Resources.put`. */
  async put(name: string, input: unknown, write: ResourceWrite): Promise<Resource<FilterDeclaration>> {
    const filter = await this.resources.put(name, parseFilter(input), write);
    this.#all = null;
    return filter;
  }

  /** Errors: those of `Resources.delete`. */
  async delete(name: string, write: ResourceWrite): Promise<void> {
    await this.resources.delete(name, write);
    this.#all = null;
  }

  /** Told of every entry, whoever made it. */
  follow(entries: readonly { readonly stream: string }[]): void {
    if (entries.some(({ stream }) => stream.startsWith(`${KIND}:`))) this.#all = null;
  }

  /** Something may have changed that nobody was told of. */
  forget(): void {
    this.#all = null;
  }

  /** What could not be read is read again by whoever asks next. */
  async #read(): Promise<readonly Filter[]> {
    try {
      return (await this.resources.all()).map(({ key, value }) => ({ name: key, ...value }));
    } catch (error) {
      this.#all = null;
      throw error;
    }
  }
}
