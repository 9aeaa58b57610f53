/** The flags of one config on a running registry: one request for each method. @module */
import type { RegistryClient } from './registry-client.ts';
import { parseConfigName } from '../config/name.ts';
import type { Flag, FlagSet } from '../flags/flag.ts';
import type { FlagdFile } from '../flags/export.ts';
import type { ConversionOptions, ImportFormat } from '../flags/import/conversion.ts';
import type { Finding, ImportStatus } from '../flags/import/findings.ts';
import type { FlagItem } from '../registry/flag-list.ts';
import type { ImportStep } from '../registry/flag-import.ts';
import type { StaleFlag } from '../registry/stale-flags.ts';

const V1 = '/api/v1';

export interface FlagView extends Flag {
  readonly config: string;
  readonly key: string;
  readonly isBound: boolean;
  readonly lastEvaluatedAt: number | null;
  readonly revision: number;
  readonly modifiedAt: number;
  readonly modifiedBy: string;
}

/** One answer of an evaluation: without a value, the caller's own default counts. */
export interface Evaluated {
  readonly key: string;
  readonly reason?: string;
  readonly variant?: string;
  readonly value?: unknown;
  readonly errorCode?: string;
  readonly errorDetails?: string;
}

export interface Imported {
  readonly format: ImportFormat;
  readonly flags: readonly {
    readonly key: string;
    readonly status: ImportStatus;
    readonly step: ImportStep;
    /** That was seen; 0: there is none. */
    readonly revision: number;
  }[];
  readonly findings: readonly Finding[];
  readonly written: number;
}

/** `expected`: by key, the revision that was seen. */
type ImportSaid = Omit<FlagSaid, 'expected'> & {
  readonly dryRun: boolean;
  readonly expected?: Readonly<Record<string, number>>;
};

/** One change of a flag. */
export interface FlagChange {
  readonly revision: number;
  readonly seq: number;
  readonly timestamp: number;
  readonly actor: string;
  readonly reason: string;
  readonly kind: 'put' | 'delete';
  /** As it was then; null: deleted, or erased. */
  readonly flag: Flag | null;
}

export interface FlagHistory {
  readonly entries: readonly FlagChange[];
  readonly cursor: string | null;
}

/** What the flags of a config share; at revision 0 nobody has put it. */
export interface SharedSet extends FlagSet {
  readonly config: string;
  readonly revision: number;
  readonly modifiedAt: number | null;
  readonly modifiedBy: string | null;
}

/** Why a flag is changed, and under which conditions. */
export interface FlagSaid {
  readonly reason?: string | undefined;
  readonly force?: boolean | undefined;
  readonly expected?: number | undefined;
}

export interface ListedFlags {
  readonly kind?: string | undefined;
  readonly tag?: string | undefined;
  readonly owner?: string | undefined;
  readonly archived?: string | undefined;
  readonly q?: string | undefined;
}

export class HttpFlags {
  readonly #client: RegistryClient;
  readonly #config: string;

  constructor(client: RegistryClient, config: string) {
    this.#client = client;
    this.#config = config;
  }

  async list(wanted: ListedFlags = {}): Promise<FlagItem[]> {
    return await this.#pages(this.#path(), { ...wanted });
  }

  get(key: string): Promise<FlagView> {
    return this.#client.json(this.#path(key));
  }

  put(key: string, input: Readonly<Record<string, unknown>>, { expected, ...said }: FlagSaid): Promise<FlagView> {
    return this.#client.json(this.#path(key), { method: 'PUT', body: { ...input, ...said }, expected });
  }

  patch(key: string, input: Readonly<Record<string, unknown>>, { expected, ...said }: FlagSaid): Promise<FlagView> {
    return this.#client.json(this.#path(key), { method: 'PATCH', body: { ...input, ...said }, expected });
  }

  move(key: string, verb: 'archive' | 'restore', { expected, ...said }: FlagSaid): Promise<FlagView> {
    return this.#client.json(`${this.#path(key)}/${verb}`, { method: 'POST', body: { ...said }, expected });
  }

  async delete(key: string, { reason, expected }: FlagSaid): Promise<void> {
    await this.#client.answer(this.#path(key), { method: 'DELETE', query: { reason }, expected });
  }

  history(key: string, bounds: { readonly limit?: number; readonly cursor?: number }): Promise<FlagHistory> {
    return this.#client.json(`${this.#path(key)}/history`, { query: { ...bounds } });
  }

  set(): Promise<SharedSet> {
    return this.#client.json(this.#setPath());
  }

  putSet(input: Readonly<Record<string, unknown>>, { reason, expected }: FlagSaid): Promise<SharedSet> {
    return this.#client.json(this.#setPath(), { method: 'PUT', body: { ...input, reason }, expected });
  }

  /** Of the service of the config. */
  async featureFacts(feature: string): Promise<Readonly<Record<string, unknown>> | null> {
    const { facts } = await this.#client.json<{ facts: { feature: string }[] }>(this.#factsPath());
    return facts.find((one) => one.feature === feature) ?? null;
  }

  patchFeatureFacts(
    feature: string,
    input: Readonly<Record<string, unknown>>,
    { reason, expected }: FlagSaid,
  ): Promise<Readonly<Record<string, unknown>>> {
    const path = `${this.#factsPath()}/${encodeURIComponent(feature)}`;
    return this.#client.json(path, { method: 'PATCH', body: { ...input, reason }, expected });
  }

  /** Of this config, or of all. */
  async stale(days: number | undefined, isEverywhere: boolean): Promise<StaleFlag[]> {
    return await this.#pages(`${V1}/flags/stale`, { days, name: isEverywhere ? undefined : this.#config });
  }

  /** `key` null: all flags. */
  async evaluate(key: string | null, context: Readonly<Record<string, unknown>>): Promise<readonly Evaluated[]> {
    const path = `${V1}/configs/${encodeURIComponent(this.#config)}/ofrep/v1/evaluate/flags`;
    const ask = { method: 'POST', body: { context } } as const;
    if (key !== null) return [await this.#client.json<Evaluated>(`${path}/${encodeURIComponent(key)}`, ask)];
    return (await this.#client.json<{ flags: Evaluated[] }>(path, ask)).flags;
  }

  import(text: string, options: ConversionOptions & ImportSaid): Promise<Imported> {
    return this.#client.json(`${this.#path()}/import`, { method: 'POST', body: { text, ...options } });
  }

  export(facts: boolean): Promise<FlagdFile> {
    return this.#client.json(`${V1}/flags/export`, { query: { name: this.#config, facts: String(facts) } });
  }

  async #pages<T>(path: string, wanted: Readonly<Record<string, string | number | undefined>>): Promise<T[]> {
    const found: T[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const query: Readonly<Record<string, string | number | undefined>> = { ...wanted, cursor };
      const page: { flags: T[]; cursor: string | null } = await this.#client.json(path, { query });
      found.push(...page.flags);
      ({ cursor } = page);
    }
    return found;
  }

  #path(key?: string): string {
    const flags = `${V1}/configs/${encodeURIComponent(this.#config)}/flags`;
    return key === undefined ? flags : `${flags}/${encodeURIComponent(key)}`;
  }

  #setPath(): string {
    return `${V1}/configs/${encodeURIComponent(this.#config)}/flagset`;
  }

  #factsPath(): string {
    return `${V1}/services/${encodeURIComponent(parseConfigName(this.#config).service)}/facts`;
  }
}
