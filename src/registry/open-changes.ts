/**
 * Change requests of a running registry: their parts put together, and the clock that makes them.
 * @module
 */
import type { Identities } from '../auth/identities.ts';
import { ChangeRequests } from '../changes/change-requests.ts';
import type { Flags } from '../flags/flags.ts';
import type { ConfigOperations } from '../live/operations.ts';
import type { Figures } from '../metrics/figures.ts';
import type { Upcoming } from '../websocket/subprotocol.ts';
import { ChangeApplication } from './change-application.ts';
import { ChangeFlags } from './change-flags.ts';
import { ChangePremises } from './change-premises.ts';
import { ChangeTargets } from './change-targets.ts';
import { upcoming } from './change-upcoming.ts';
import { checkMaintained, type OwnConfig } from './own-config.ts';
import { repeated } from './repeated.ts';

/** How late a change may be. */
const LOOK_INTERVAL_MS = 1000;
/** For so long a failed request is counted. */
const DAY_MS = 24 * 3600 * 1000;

export interface ChangesOptions {
  readonly operations: ConfigOperations;
  readonly flags: Flags;
  readonly identities: Identities;
  readonly own: OwnConfig;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** As `Math.random`. */
  readonly random: () => number;
}

/** All that the routes and the streams need. */
export interface Changes {
  readonly requests: ChangeRequests;
  readonly application: ChangeApplication;
  /** Changes of a config that can be told ahead. */
  readonly upcoming: (config: string) => Promise<readonly Upcoming[]>;
  readonly close: () => void;
}

/** Nothing is made by the clock before `makeDue`. */
export function openChanges({ operations, flags, identities, own, now, random }: ChangesOptions): Changes {
  const { store } = operations;
  const requests = new ChangeRequests({ journal: store.journal, now, random });
  const targets = new ChangeTargets(operations, new ChangeFlags({ flags, store }));
  const application = new ChangeApplication({
    requests,
    targets,
    premises: new ChangePremises({ operations, flags }),
    names: () => store.names(),
    identities,
    now,
    check: (stream, touched) => {
      if (own.flags.maintenance_mode) checkMaintained(stream, touched);
    },
  });
  return {
    requests,
    application,
    upcoming: async (config) => await upcoming(requests, config, await store.features(config)),
    close: () => requests.close(),
  };
}

export interface MakeDueOptions {
  readonly figures: Figures['changeRequests'];
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly onFailure: (failure: string) => void;
}

/** Makes what is due, about once a second, and counts what waits. Returns the way to stop. */
export function makeDue(changes: Changes, { figures, now, onFailure }: MakeDueOptions): () => Promise<void> {
  const { application, requests } = changes;
  const work = async (): Promise<void> => {
    try {
      await application.look();
    } finally {
      figures.proposed.set(await requests.count('proposed'));
      figures.scheduled.set(await requests.count('scheduled'));
      figures.failed.set(await requests.count('failed', now() - DAY_MS));
    }
  };
  return repeated({ interval_ms: LOOK_INTERVAL_MS, work, onFailure });
}
