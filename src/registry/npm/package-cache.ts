/**
 * Packages as clients read them: rendered once for each change, and held, as bytes, until an entry of the journal
 * touches them or the room is needed. Speaks of journalled state only; whom it may be shown to is not known here.
 * @module
 */
import type { Entry } from '../../journal/journal.ts';
import { redactedSeq } from '../../journal/redaction.ts';
import { packageOfStream } from '../../packages/entries.ts';
import type { Maintainer } from '../../packages/packument.ts';
import { renderPackument } from '../../packages/packument.ts';
import type { PackageSettings, PackageState } from '../../packages/package.ts';
import { Held } from '../../packages/held.ts';
import type { OriginFor } from '../origins.ts';
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
  /** Where clients reach the registry, by the host that a request names. */
  readonly origin: OriginFor;
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
  /** Names of the registry that something was rendered for: a handful, whatever is asked. */
  readonly #origins = new Set<string>();

  constructor(options: PackageCacheOptions) {
    this.#options = options;
    this.#held = new Held(options.budget_bytes ?? BUDGET_BYTES);
  }

  /** What is held of a package, if that is what the journal says; `host`: what the request calls the registry. */
  held(name: string, host?: string): RenderedPackage | undefined {
    return this.#isUsable ? this.#held.get(keyOf(this.#options.origin(host), name)) : undefined;
  }

  /** null: nothing was ever published here under this name. Rendered once, however many ask for it meanwhile. */
  async read(name: string, host?: string): Promise<RenderedPackage | null> {
    const origin = this.#options.origin(host);
    const key = keyOf(origin, name);
    if (!this.#isUsable) return await this.#render(name, origin, key);
    const held = this.#held.get(key);
    if (held !== undefined) return held;
    const known = this.#rendering.get(key);
    if (known !== undefined) return await known;
    this.#origins.add(origin);
    const rendering = this.#render(name, origin, key);
    this.#rendering.set(key, rendering);
    try {
      const rendered = await rendering;
      // What was dropped meanwhile may have changed since it was read.
      if (rendered !== null && this.#rendering.get(key) === rendering) this.#hold(key, rendered);
      return rendered;
    } finally {
      if (this.#rendering.get(key) === rendering) this.#rendering.delete(key);
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

  async #render(name: string, origin: string, key: string): Promise<RenderedPackage | null> {
    const { stateOf, maintainersOf } = this.#options;
    const state = await stateOf(name);
    if (state === null) return null;
    const { full, abbreviated } = renderPackument(state, {
      origin,
      maintainers: await maintainersOf(name),
    });
    const grown = (size_bytes: number): void => this.#held.grow(key, rendered, size_bytes);
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

  #hold(key: string, rendered: RenderedPackage): void {
    const { full, short } = rendered;
    this.#held.set(key, rendered, full.size_bytes + short.size_bytes + OVERHEAD_BYTES);
  }

  #drop(name: string): void {
    for (const origin of this.#origins) {
      this.#rendering.delete(keyOf(origin, name));
      this.#held.delete(keyOf(origin, name));
    }
  }
}

/** Tarballs have other addresses for each name that clients call the registry by. */
function keyOf(origin: string, name: string): string {
  return `${origin} ${name}`;
}
