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
import { isReachable } from '../../packages/uplinks/uplink.ts';
import { Uplinks } from '../../packages/uplinks/uplinks.ts';
import type { OwnConfig } from '../own-config.ts';
import type { OriginFor } from '../origins.ts';
import { defaultUpstream } from './default-upstream.ts';
import { UplinkDocuments } from './uplink-documents.ts';

const CACHE_DIRECTORY = 'cache';

export interface UplinkServices {
  readonly uplinks: Uplinks;
  readonly declaredUplinks: DeclaredUplinks;
  readonly packageFilters: Filters;
  /** Packages of uplinks as they are answered. */
  readonly uplinkDocuments: UplinkDocuments;
  /** Why uplinks are not asked, whichever there are; null: they are. */
  readonly whySilent: () => string | null;
  /** Why there is no uplink when none is declared; null: there is one, or nobody wanted to know yet. */
  readonly whyNoDefault: () => string | null;
  /**
   * Why nobody is asked, also because there is no uplink; null: somebody is. Errors: those of `DeclaredUplinks.all`.
   */
  readonly whyNobody: () => Promise<string | null>;
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
  readonly ownedAmong: (names: readonly string[]) => Promise<ReadonlySet<string>>;
  /** Where clients reach the registry, by the host that a request names. */
  readonly origin: OriginFor;
  /** Whether a URL leads to this registry. */
  readonly isItself: (url: string) => boolean;
  readonly send: Send;
  readonly tell: Tell;
}

/** To be closed by `uplinks.close()`. Errors: ERR_STORE, those of the file system. */
export function openUplinks(options: UplinkServicesOptions): UplinkServices {
  const { directory, journal, keyring, own, settings, ownedAmong, origin, isItself, send, tell } = options;
  let noDefault: string | null = null;
  const log = (line: string): void => {
    noDefault = line;
    if (settings.upstream !== 'none') tell(`no uplink: ${line}`, {});
  };
  const upstream = async (): Promise<string | null> => {
    noDefault = null;
    return await defaultUpstream({ setting: settings.upstream, isItself, log });
  };
  const declared = new DeclaredUplinks({ journal, keyring, upstream, isItself });
  const whySilent = (): string | null => {
    if (!own.flags.proxy_mode) return 'the feature proxy_mode of this registry is off';
    return settings.isOffline ? 'this registry is offline (C13_OFFLINE)' : null;
  };
  const filters = new Filters(journal);
  const uplinks = new Uplinks({
    directory: join(directory, CACHE_DIRECTORY),
    cacheLimit_bytes: settings.cacheLimit,
    tarballLimit_bytes: settings.packageLimit,
    uplinks: async () => (own.flags.proxy_mode ? await declared.all() : []),
    filters: () => filters.all(),
    ownedAmong,
    isOffline: () => settings.isOffline,
    send,
    tell,
    now: Date.now,
    random: Math.random,
    wait: waitInProcess,
  });
  const uplinkDocuments = new UplinkDocuments({ uplinks, origin });
  const whyNobody = async (): Promise<string | null> => {
    const silent = whySilent();
    if (silent !== null) return silent;
    const all = await declared.all();
    if (all.some(isReachable)) return null;
    return all.length === 0 ? noDefault : 'of the uplinks that are declared none is switched on and has a URL';
  };
  const whys = { whySilent, whyNobody, whyNoDefault: () => noDefault };
  return { uplinks, declaredUplinks: declared, packageFilters: filters, uplinkDocuments, ...whys };
}
