/**
 * Uplinks and package filters of a running registry: one request for each method. Errors: those of the routes.
 * @module
 */
import { openClient } from './open-target.ts';
import type { RegistryClient } from './registry-client.ts';
import type { Session } from './session.ts';
import type { FilterDeclaration } from '../packages/filters/filter.ts';
import type { UplinkDeclaration } from '../packages/uplinks/uplink.ts';
import type { UplinkTest } from '../packages/uplinks/uplinks.ts';

const UPLINKS = '/api/v1/uplinks';
const FILTERS = '/api/v1/package-filters';

export interface UplinkView extends UplinkDeclaration {
  readonly name: string;
  readonly revision: number | null;
  readonly hasCredentials: boolean;
  readonly rest_s: number;
}

export interface ListedUplinks {
  readonly uplinks: readonly UplinkView[];
  /** null: uplinks are asked. */
  readonly whyNobody: string | null;
  readonly default: { readonly url: string | null; readonly reason: string | null };
}

export interface FilterView extends FilterDeclaration {
  readonly name: string;
  readonly revision: number;
}

interface Said {
  readonly reason?: string | undefined;
  readonly expected?: number | undefined;
}

export async function uplinksOf({ options, interrupt }: Session): Promise<HttpUplinks> {
  return new HttpUplinks(await openClient(options, interrupt.signal));
}

/** Why, and under which condition. */
export function saidOf({ options: { reason, ifRevision } }: Session): Said {
  return { reason, expected: ifRevision };
}

export class HttpUplinks {
  readonly #client: RegistryClient;

  constructor(client: RegistryClient) {
    this.#client = client;
  }

  async list(): Promise<readonly UplinkView[]> {
    return (await this.listed()).uplinks;
  }

  /** With whether anybody is asked. */
  async listed(): Promise<ListedUplinks> {
    return await this.#client.json<ListedUplinks>(UPLINKS);
  }

  put(name: string, body: Readonly<Record<string, unknown>>, { reason, expected }: Said): Promise<UplinkView> {
    return this.#client.json(pathOf(UPLINKS, name), { method: 'PUT', body: { ...body, reason }, expected });
  }

  async remove(name: string, { expected }: Said): Promise<void> {
    await this.#client.answer(pathOf(UPLINKS, name), { method: 'DELETE', expected });
  }

  test(name: string): Promise<UplinkTest> {
    return this.#client.json(`${pathOf(UPLINKS, name)}/test`, { method: 'POST', body: {} });
  }

  async filters(): Promise<readonly FilterView[]> {
    return (await this.#client.json<{ filters: FilterView[] }>(FILTERS)).filters;
  }

  putFilter(name: string, filter: FilterDeclaration, { reason, expected }: Said): Promise<FilterView> {
    return this.#client.json(pathOf(FILTERS, name), { method: 'PUT', body: { ...filter, reason }, expected });
  }

  async removeFilter(name: string, { expected }: Said): Promise<void> {
    await this.#client.answer(pathOf(FILTERS, name), { method: 'DELETE', expected });
  }
}

function pathOf(path: string, name: string): string {
  return `${path}/${encodeURIComponent(name)}`;
}
