/** The packages of a running registry: one request for each method. @module */
import type { RegistryClient } from './registry-client.ts';
import { isConfigError } from '../errors/errors.ts';
import type { PackageSettings, TrustedPublisher } from '../packages/package.ts';
import type { PackageListing, PackageView, TrustedListing } from '../registry/routes/v1/package-shapes.ts';
import type { CollectedView, ImportedView, ScrubbedView } from '../registry/routes/v1/package-storage-shapes.ts';

const PATH = '/api/v1/packages';

/** Why a package is changed, and under which condition. */
export interface PackageSaid {
  readonly reason?: string | undefined;
  readonly expected?: number | undefined;
}

export interface TagChanges {
  readonly set: Readonly<Record<string, string>>;
  readonly removed: readonly string[];
}

/**
 * Errors: those of the routes.
 * @example (await new HttpPackages(client).get('@acme/ui')).tags
 */
export class HttpPackages {
  readonly #client: RegistryClient;

  constructor(client: RegistryClient) {
    this.#client = client;
  }

  async list(filter?: string): Promise<PackageListing['packages'][number][]> {
    const found: PackageListing['packages'][number][] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: PackageListing = await this.#client.json(PATH, { query: { filter, cursor } });
      found.push(...page.packages);
      ({ cursor } = page);
    }
    return found;
  }

  get(name: string): Promise<PackageView> {
    return this.#client.json(pathOf(name));
  }

  /** null where there is none that may be read. */
  async find(name: string): Promise<PackageView | null> {
    try {
      return await this.get(name);
    } catch (error) {
      if (isConfigError(error) && error.code === 'ERR_NOT_FOUND') return null;
      throw error;
    }
  }

  change(
    name: string,
    change: Partial<Pick<PackageSettings, 'access' | 'isPremium'>>,
    { expected, reason }: PackageSaid,
  ): Promise<PackageView> {
    return this.#client.json(pathOf(name), { method: 'PATCH', body: { ...change, reason }, expected });
  }

  tag(name: string, changes: TagChanges, { expected, reason }: PackageSaid): Promise<PackageView> {
    return this.#client.json(`${pathOf(name)}/tags`, { method: 'POST', body: { ...changes, reason }, expected });
  }

  /** `messages` by version; null: not any more. */
  deprecate(
    name: string,
    messages: Readonly<Record<string, string | null>>,
    { expected, reason }: PackageSaid,
  ): Promise<PackageView> {
    const body = { messages, reason };
    return this.#client.json(`${pathOf(name)}/deprecate`, { method: 'POST', body, expected });
  }

  /** `version` null: all of them. */
  async unpublish(name: string, version: string | null, { expected, reason }: PackageSaid): Promise<void> {
    const path = version === null ? pathOf(name) : `${pathOf(name)}/versions/${encodeURIComponent(version)}`;
    await this.#client.answer(path, { method: 'DELETE', query: { reason }, expected });
  }

  async trusted(name: string): Promise<readonly TrustedPublisher[]> {
    const path = `${pathOf(name)}/trusted-publishers`;
    return (await this.#client.json<TrustedListing>(path)).trustedPublishers;
  }

  trust(
    name: string,
    publisher: Omit<TrustedPublisher, 'id'>,
    { expected, reason }: PackageSaid,
  ): Promise<TrustedPublisher> {
    const body = { ...publisher, reason };
    return this.#client.json(`${pathOf(name)}/trusted-publishers`, { method: 'POST', body, expected });
  }

  async distrust(name: string, id: string, { expected, reason }: PackageSaid): Promise<void> {
    const path = `${pathOf(name)}/trusted-publishers/${encodeURIComponent(id)}`;
    await this.#client.answer(path, { method: 'DELETE', query: { reason }, expected });
  }

  /** A part of all blobs, from after `cursor`; '': from the first. */
  scrub(cursor: string): Promise<ScrubbedView> {
    return this.#client.json(`${PATH}/scrub`, { method: 'POST', body: { cursor } });
  }

  /** A part of all blobs, as `scrub`. */
  collect(dryRun: boolean, cursor: string): Promise<CollectedView> {
    return this.#client.json(`${PATH}/collect`, { method: 'POST', body: { dryRun, cursor } });
  }

  /** A version that was published elsewhere before, as the document of a publish with its `time`. */
  import(name: string, document: Blob, reason: string | undefined): Promise<ImportedView> {
    return this.#client.json(`${pathOf(name)}/import`, { method: 'POST', query: { reason }, document });
  }
}

function pathOf(name: string): string {
  return `${PATH}/${encodeURIComponent(name)}`;
}
