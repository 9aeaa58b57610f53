/**
 * Packages as clients read them: rendered once for each change, and held, as bytes, until an entry of the journal
 * touches them or the room is needed. Speaks of journalled state only; whom it may be shown to is not known here.
 * @module
 */
import type { Entry } from '../../journal/journal.ts';
import { redactedSeq } from '../../journal/redaction.ts';
import { packageOfStream } from '../../packages/log.ts';
import type { Maintainer } from '../../packages/packument.ts';
import { renderPackument } from '../../packages/packument.ts';
import type { PackageSettings, PackageState } from '../../packages/package.ts';
import { Held } from './held.ts';
import { FULL_TYPE, Representation, SHORT_TYPE } from './representation.ts';

const BUDGET_BYTES = 64 * 1024 * 1024;
/** What a document costs besides its bytes, about. */
const OVERHEAD_BYTES = 2048;
/** Who maintains a package, and what people are called, is in the documents of all packages. */
const OF_PEOPLE = /^(?:user|grant|identities):/;

/** A tarball that a version names. */
export interface Tarball {
  readonly blob: string;
  readonly integrity: string;
  readonly size_bytes: number;
}

export interface RenderedPackage {
  readonly name: string;
  readonly revision: number;
  readonly settings: PackageSettings;
  /** By version. */
  readonly tarballs: ReadonlyMap<string, Tarball>;
  readonly full: Representation;
  readonly short: Representation;
}

export interface PackageCacheOptions {
  readonly stateOf: (name: string) => Promise<PackageState | null>;
  readonly maintainersOf: (name: string) => Promise<readonly Maintainer[]>;
  /** Where clients reach the registry. */
  readonly origin: () => string;
  /** The registry's own feature `cache_enabled`, looked at each time. */
  readonly isEnabled: () => boolean;
  /** Whether everything that is on disk has been followed. */
  readonly isCurrent: () => boolean;
  readonly budget_bytes?: number;
}

export class PackageCache {
  readonly #options: PackageCacheOptions;
  readonly #held: Held<RenderedPackage>;
  readonly #rendering = new Map<string, Promise<RenderedPackage | null>>();

  constructor(options: PackageCacheOptions) {
    this.#options = options;
    this.#held = new Held(options.budget_bytes ?? BUDGET_BYTES);
  }

  /** What is held of a package, if that is what the journal says. */
  held(name: string): RenderedPackage | undefined {
    return this.#isUsable ? this.#held.get(name) : undefined;
  }

  /** null: nothing was ever published here under this name. Rendered once, however many ask for it meanwhile. */
  async read(name: string): Promise<RenderedPackage | null> {
    if (!this.#isUsable) return await this.#render(name);
    const held = this.held(name);
    if (held !== undefined) return held;
    const known = this.#rendering.get(name);
    if (known !== undefined) return await known;
    const rendering = this.#render(name);
    this.#rendering.set(name, rendering);
    try {
      const rendered = await rendering;
      // What was dropped meanwhile may have changed since it was read.
      if (rendered !== null && this.#rendering.get(name) === rendering) this.#hold(rendered);
      return rendered;
    } finally {
      if (this.#rendering.get(name) === rendering) this.#rendering.delete(name);
    }
  }

  /** Lets go of what the entries may have changed. */
  follow(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (redactedSeq(entry) !== null || OF_PEOPLE.test(entry.stream)) return this.forget();
      const name = packageOfStream(entry.stream);
      if (name !== null) this.#drop(name);
    }
  }

  forget(): void {
    this.#held.clear();
    this.#rendering.clear();
  }

  get #isUsable(): boolean {
    const { isEnabled, isCurrent } = this.#options;
    return isEnabled() && isCurrent();
  }

  async #render(name: string): Promise<RenderedPackage | null> {
    const { stateOf, maintainersOf, origin } = this.#options;
    const state = await stateOf(name);
    if (state === null) return null;
    const { full, abbreviated } = renderPackument(state, {
      origin: origin(),
      maintainers: await maintainersOf(name),
    });
    const grown = (size_bytes: number): void => this.#held.grow(name, rendered, size_bytes);
    const rendered: RenderedPackage = {
      name,
      revision: state.revision,
      settings: state.settings,
      tarballs: new Map(
        state.versions.map(({ version, blob, dist: { integrity, size_bytes } }) => [
          version,
          { blob, integrity, size_bytes },
        ]),
      ),
      full: new Representation(full, FULL_TYPE, grown),
      short: new Representation(abbreviated, SHORT_TYPE, grown),
    };
    return rendered;
  }

  #hold(rendered: RenderedPackage): void {
    const { name, full, short } = rendered;
    this.#held.set(name, rendered, full.size_bytes + short.size_bytes + OVERHEAD_BYTES);
  }

  #drop(name: string): void {
    this.#rendering.delete(name);
    this.#held.delete(name);
  }
}
