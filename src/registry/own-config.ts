/**
 * The config that the registry itself obeys: what it is called, and what its maintenance lets through. Whoever obeys
 * another of its bits looks at it where he works.
 * @module
 */
import type { BuiltinFeature } from '../config/features.ts';
import { configStream } from '../config/name.ts';
import { ConfigError } from '../errors/errors.ts';

export const REGISTRY_CONFIG = 'registry';

/** What it says now; looked at anew at every request. */
export interface OwnConfig {
  readonly flags: Readonly<Record<BuiltinFeature, boolean>>;
}

const STREAM = configStream(REGISTRY_CONFIG);
const MAINTENANCE = 'feature:maintenance_mode';

/** Throws ERR_MAINTENANCE unless a change ends the maintenance and does nothing else. */
export function checkMaintained(stream: string, touched: readonly string[]): void {
  if (stream !== STREAM || touched.some((section) => section !== MAINTENANCE)) throw maintained();
}

export function maintained(): ConfigError {
  return new ConfigError('ERR_MAINTENANCE', {
    message: "The registry's own feature 'maintenance_mode' is on: nothing changes meanwhile",
    hint: `Turn it off in the config '${REGISTRY_CONFIG}', or try again when somebody has.`,
    details: { config: REGISTRY_CONFIG },
  });
}
