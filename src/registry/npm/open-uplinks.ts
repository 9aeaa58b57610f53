/**
 * Other registries behind this one, opened over its data directory: who is asked, what is let through, what is kept.
 * While the registry's own feature `proxy_mode` is off there are none. Answers no request.
 * @module
 */
import { join } from 'node:path';
import type { Journal } from '../../journal/journal.ts';
import type { SideStore } from '../../journal/side-store.ts';
import { waitInProcess } from '../../metrics/webhooks.ts';
import { Filters } from '../../packages/filters/filters.ts';
import type { Send, Tell } from '../../packages/uplinks/answers.ts';
import { DeclaredUplinks } from '../../packages/uplinks/declared-uplinks.ts';
import { Uplinks } from '../../packages/uplinks/uplinks.ts';
import type { OwnConfig } from '../own-config.ts';
import { defaultUpstream } from './default-upstream.ts';
import { UplinkDocuments } from './uplink-documents.ts';

const CACHE_DIRECTORY = 'cache';

export interface UplinkServices {
  readonly uplinks: Uplinks;
  readonly declaredUplinks: DeclaredUplinks;
  readonly packageFilters: Filters;
  /** Packages of uplinks as they are answered. */
  readonly uplinkDocuments: UplinkDocuments;
}

export interface UplinkServicesOptions {
  readonly directory: string;
  readonly journal: Journal;
  readonly keyring: SideStore;
  readonly own: OwnConfig;
  readonly settings: {
    readonly upstream: string;
    readonly isOffline: boolean;
    readonly cacheLimit: number;
    readonly packageLimit: number;
  };
  readonly isOwned: (name: string) => Promise<boolean>;
  /** Where clients reach the registry. */
  readonly origin: () => string;
  readonly send: Send;
  readonly tell: Tell;
}

/** To be closed by `uplinks.close()`. Errors: ERR_STORE, those of the file system. */
export function openUplinks(options: UplinkServicesOptions): UplinkServices {
  const { directory, journal, keyring, own, settings, isOwned, origin, send, tell } = options;
  const upstream = (): Promise<string | null> =>
    defaultUpstream({ setting: settings.upstream, origin, log: (line) => tell(line, {}) });
  const declared = new DeclaredUplinks({ journal, keyring, upstream });
  const filters = new Filters(journal);
  const uplinks = new Uplinks({
    directory: join(directory, CACHE_DIRECTORY),
    cacheLimit_bytes: settings.cacheLimit,
    tarballLimit_bytes: settings.packageLimit,
    uplinks: async () => (own.flags.proxy_mode ? await declared.all() : []),
    filters: () => filters.all(),
    isOwned,
    isOffline: () => settings.isOffline,
    send,
    tell,
    now: Date.now,
    random: Math.random,
    wait: waitInProcess,
  });
  const uplinkDocuments = new UplinkDocuments({ uplinks, origin });
  return { uplinks, declaredUplinks: declared, packageFilters: filters, uplinkDocuments };
}
