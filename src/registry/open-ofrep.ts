/** OFREP of a running registry, over what the registry has open already. @module */
import type { Principal } from '../auth/rights.ts';
import type { Flags } from '../flags/flags.ts';
import type { ConfigOperations } from '../live/operations.ts';
import type { Figures } from '../metrics/figures.ts';
import { holderNow, type Holder } from './holder.ts';
import { OfrepService, type OfrepServiceOptions } from './ofrep-service.ts';
import { StreamTickets } from './ofrep-tickets.ts';
import type { OpenedIdentity } from './open-identity.ts';
import type { OwnConfig } from './own-config.ts';
import { repeated } from './repeated.ts';

/** So long, at most, somebody whose token has expired still hears that something has changed. */
const RECHECK_MS = 10_000;

export interface OpenOfrepOptions extends Pick<
  OfrepServiceOptions,
  'isCurrent' | 'evaluated' | 'publicUrl' | 'places'
> {
  readonly operations: ConfigOperations;
  readonly flags: Pick<Flags, 'sourceOf'>;
  readonly identity: Pick<OpenedIdentity, 'identities' | 'keys'>;
  readonly own: OwnConfig;
  readonly figures: Pick<Figures, 'flagsEvaluated' | 'clients'>;
  readonly log: (line: string) => void;
}

/** The second is the way to end it: streams close, and nobody is looked after any more. */
export async function openOfrep(options: OpenOfrepOptions): Promise<[OfrepService, () => Promise<void>]> {
  const { operations, flags, identity, own, figures, log } = options;
  const { store } = operations;
  const { seal } = identity.keys;
  const whois = async (holder: Holder): Promise<Principal | null> =>
    holderNow(holder, await identity.identities.fresh(), { now: Date.now(), isPrivate: own.flags.private_registry });
  const service = new OfrepService({
    ...options,
    whois,
    secret: await seal.secretFor('evaluation tags'),
    tickets: new StreamTickets(await seal.secretFor('stream tickets'), Date.now),
    source: async (name) => {
      const snapshot = await store.get(name);
      // Read after the config: what has become hidden meanwhile is hidden.
      return await flags.sourceOf(snapshot.name, { ...snapshot, features: await store.features(snapshot.name) });
    },
    level: figures.clients.stream,
    onFailure: log,
  });
  const stop = repeated({ interval_ms: RECHECK_MS, work: () => service.recheck(), onFailure: log });
  const close = async (): Promise<void> => {
    await stop();
    service.close();
  };
  return [service, close];
}
