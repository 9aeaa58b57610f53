/**
 * Entries of the journal as people read them: who did what to which stream, and what it is that changed, where the kind
 * is one of ours. What is not known is not shown, and nothing that could be used to sign in ever is.
 * @module
 */
import { parseDeclaration, type FeatureSet } from '../config/features.ts';
import { rolloutsByName } from '../config/debug-view.ts';
import { configOfStream, serviceOfStream } from '../config/name.ts';
import { configHex, decodeConfig } from '../config/value.ts';
import { isConfigError } from '../errors/errors.ts';
import type { Entry } from '../journal/journal.ts';
import { valueIn } from '../journal/resources.ts';
import { decodeChange, type ConfigState } from '../live/change.ts';
import { decodePackageEntry, packageOfStream } from '../packages/entries.ts';

export interface AuditEntry extends Omit<Entry, 'body'> {
  /** What was written; null for a deletion, for what was erased, and for a kind that is not shown. */
  readonly body: unknown;
  readonly isErased: boolean;
}

/** Kinds of resources whose values may be read, and the fields that may not. */
const SHOWN: Readonly<Record<string, readonly string[]>> = {
  template: [],
  rule: [],
  user: [],
  grant: [],
  token: ['hash'],
  // Where a message goes is often all that is needed to send one.
  webhook: ['url'],
  alert_rule: [],
  change_request: [],
  flag: [],
  flagset: [],
  feature: [],
  uplink: [],
  package_filter: [],
};

/** `features` names the bits of a config's service. */
export async function auditEntry(entry: Entry, features: (config: string) => Promise<FeatureSet>): Promise<AuditEntry> {
  return { ...entry, body: await bodyOf(entry, features), isErased: entry.body === null };
}

async function bodyOf(entry: Entry, features: (config: string) => Promise<FeatureSet>): Promise<unknown> {
  const { seq, stream, type, body } = entry;
  if (body === null || body.length === 0) return null;
  try {
    const config = configOfStream(stream);
    if (config !== null) {
      const { before, after } = decodeChange(seq, type, body);
      const names = await features(config);
      return { before: before === null ? null : shownState(before, names), after: shownState(after, names) };
    }
    if (serviceOfStream(stream) !== null) return parseDeclaration(new TextDecoder().decode(body));
    if (packageOfStream(stream) !== null) return packageChange({ seq, type, body });
    return resourceOf(entry);
  } catch (error) {
    // Written by a newer version, or by another program: it stays in the journal as it is.
    if (isConfigError(error)) return null;
    throw error;
  }
}

function shownState({ config: bytes, rollouts }: ConfigState, features: FeatureSet): object {
  const config = decodeConfig(bytes);
  return {
    ...config,
    hex: configHex(config),
    enabled: features.enabledIn(config.featureFlags),
    rollouts: rolloutsByName(rollouts, features),
  };
}

/** What a package says of itself is read where the package is; here, what was done to it. */
function packageChange(entry: Parameters<typeof decodePackageEntry>[0]): object {
  const { manifest: _, readme: __, ...change }: Record<string, unknown> = { ...decodePackageEntry(entry) };
  return change;
}

function resourceOf(entry: Entry): unknown {
  const hidden = SHOWN[entry.type.replace(/\.put$/, '')];
  if (hidden === undefined) return null;
  return Object.fromEntries(Object.entries(valueIn(entry) as object).filter(([field]) => !hidden.includes(field)));
}
