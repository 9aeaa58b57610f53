/**
 * Uplinks as the team keeps them: declarations in the journal, credentials beside it, and the one that there is when
 * none is declared. Held in memory while nothing changes.
 * @module
 */
import { ConfigError } from '../../errors/errors.ts';
import type { Journal } from '../../journal/journal.ts';
import { Resources, type Resource, type ResourceWrite } from '../../journal/resources.ts';
import type { SideStore } from '../../journal/side-store.ts';
import { KeptCredentials, parseCredentials } from './credentials.ts';
import { parseUplink, type Uplink, type UplinkDeclaration } from './uplink.ts';

const KIND = 'uplink';
const DEFAULT = 'default';

export interface DeclaredOptions {
  readonly journal: Journal;
  readonly keyring: SideStore;
  /** Where everything is asked for while no uplink is declared; null: nowhere. Called when it is first needed. */
  readonly upstream: () => Promise<string | null>;
  /** Whether a URL leads to this registry: it would ask itself, without an end. */
  readonly isItself: (url: string) => boolean;
}

export class DeclaredUplinks {
  readonly resources: Resources<UplinkDeclaration>;
  readonly #credentials: KeptCredentials;
  readonly #upstream: DeclaredOptions['upstream'];
  readonly #isItself: DeclaredOptions['isItself'];
  #all: Promise<readonly Uplink[]> | null = null;

  constructor({ journal, keyring, upstream, isItself }: DeclaredOptions) {
    this.resources = new Resources(journal, KIND, parseUplink);
    this.#credentials = new KeptCredentials(keyring);
    this.#upstream = upstream;
    this.#isItself = isItself;
  }

  /**
   * In the order in which they are asked. Shared: never change it. Errors: those of `upstream` and of the journal,
   * ERR_STORE.
   */
  all(): Promise<readonly Uplink[]> {
    this.#all ??= this.#read();
    return this.#all;
  }

  hasCredentials(name: string, url: string | null): boolean {
    return this.#credentials.find(name, url) !== null;
  }

  /**
   * Makes or replaces one. `credentials`: undefined leaves what there is, unless the uplink moves to another origin;
   * null takes it away. Errors: ERR_WRONG_TYPE, those of `parseUplink` and of `Resources.put`.
   */
  async put(
    name: string,
    { credentials, ...input }: Readonly<Record<string, unknown>>,
    write: ResourceWrite,
  ): Promise<Resource<UplinkDeclaration>> {
    const declaration = parseUplink(input);
    if (declaration.url !== null && this.#isItself(declaration.url)) throw itself();
    const parsed = credentials === undefined || credentials === null ? null : parseCredentials(credentials);
    if (parsed !== null && declaration.url === null) throw nowhereToShow();
    const uplink = await this.resources.put(name, declaration, write);
    if (parsed !== null && declaration.url !== null) this.#credentials.set(name, declaration.url, parsed);
    else if (credentials === null || !this.hasCredentials(name, declaration.url)) this.#credentials.delete(name);
    this.#all = null;
    return uplink;
  }

  /** With its credentials. Errors: those of `Resources.delete`, ERR_STORE. */
  async delete(name: string, write: ResourceWrite): Promise<void> {
    await this.resources.delete(name, write);
    this.#credentials.delete(name);
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
  async #read(): Promise<readonly Uplink[]> {
    try {
      const declared = await this.resources.all();
      if (declared.length === 0) return await this.#default();
      return declared
        .map(({ key: name, value }) => ({ ...value, name, authorization: this.#credentials.find(name, value.url) }))
        .toSorted((a, b) => a.order - b.order);
    } catch (error) {
      this.#all = null;
      throw error;
    }
  }

  async #default(): Promise<readonly Uplink[]> {
    const url = await this.#upstream();
    return url === null ? [] : [{ ...parseUplink({ url }), name: DEFAULT, authorization: null }];
  }
}

function itself(): ConfigError {
  const expected = 'the URL of another registry: this one would ask itself';
  return new ConfigError('ERR_WRONG_TYPE', {
    message: `Invalid url: must be ${expected}`,
    hint: 'Give the URL of the registry that packages come from; what is published here is there without an uplink.',
    details: { field: 'url', expected, found: 'this registry' },
  });
}

function nowhereToShow(): ConfigError {
  const expected = 'left out where there is no url';
  return new ConfigError('ERR_WRONG_TYPE', {
    message: `Invalid credentials: must be ${expected}`,
    hint: 'Leave them out: nobody is asked.',
    details: { field: 'credentials', expected, found: 'object' },
  });
}
