/**
 * What operators see the registry by, put together over one data directory: figures, a day of samples, alerts and those
 * who are told of them.
 * @module
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Journal } from '../journal/journal.ts';
import type { SideStore } from '../journal/side-store.ts';
import { Observability } from '../metrics/observability.ts';
import { Alerting } from './alerting.ts';
import type { Send } from '../metrics/webhooks.ts';
import type { RegistryMetrics } from './metrics.ts';

const SAMPLES_FILE = 'samples';

export interface SeeingOptions {
  readonly directory: string;
  readonly journal: Journal;
  /** Where webhooks have their secrets. */
  readonly keyring: SideStore;
  readonly metrics: RegistryMetrics;
  /** How webhooks are told. Default: plain requests. */
  readonly send?: Send;
  /** What could not be done, in words. */
  readonly warn: (text: string) => void;
}

export function openAlerting({ directory, journal, keyring, metrics, send, warn }: SeeingOptions): Alerting {
  const observability = new Observability({
    figures: metrics.figures,
    journal: async () => ({ head: (await journal.head()).seq, size_bytes: statSync(journal.path).size }),
    path: join(directory, SAMPLES_FILE),
    now: Date.now,
    warn,
    ...(send === undefined ? {} : { send }),
  });
  return new Alerting(journal, keyring, observability);
}
