/**
 * What webhooks hear of the journal's entries: which event an entry is, in words that say what happened and to what,
 * never what it is now: that may be read by whoever has the right to. Pure.
 * @module
 */
import { CHANGE_REQUEST_STATES, type ChangeRequest } from '../changes/change-request.ts';
import { parseChangeRequest } from '../changes/stored-request.ts';
import { subjectOf } from '../config/streams.ts';
import { isConfigError } from '../errors/errors.ts';
import type { Entry } from '../journal/journal.ts';
import { valueIn } from '../journal/resources.ts';
import type { WebhookEvent } from '../metrics/webhooks.ts';
import { decodePackageEntry, packageOfStream, type PackageEntry } from '../packages/entries.ts';

const REQUEST = 'change_request:';
/** `approved` stands for `scheduled`: a request that nobody has to approve is `proposed` too. */
type RequestVerb = Exclude<(typeof CHANGE_REQUEST_STATES)[number], 'scheduled'> | 'approved';

/** What a webhook can hear of. */
export const EVENTS = [
  'alert.firing',
  'alert.resolved',
  'config.changed',
  'flag.changed',
  'change_request.proposed',
  'change_request.approved',
  'change_request.applied',
  'change_request.rejected',
  'change_request.cancelled',
  'change_request.expired',
  'change_request.failed',
  'package.published',
  'package.unpublished',
  'package.deprecated',
] as const;

type Event = (typeof EVENTS)[number];

/**
 * In the order of the entries; each type is one of `EVENTS`. Flags of a config that are written together are one event:
 * an import would leave no room for others. One who approves what is due at once has made it too: two events.
 */
export function eventsOf(entries: readonly Entry[]): readonly WebhookEvent[] {
  return [...Map.groupBy(entries, groupOf).values()].flatMap(([entry, ...more]) => {
    const { stream, type, at } = entry!;
    if (stream.startsWith(REQUEST)) return requestEvents(entry!);
    const name = packageOfStream(stream);
    if (name !== null) return packageEvents(name, entry!);
    const subject = subjectOf(stream);
    const kind = type.slice(type.indexOf('.') + 1);
    if (subject?.kind === 'config') {
      const data = { name: subject.config, kind, ...signatureOf(entry!) };
      return [{ type: 'config.changed' satisfies Event, at, data }];
    }
    if (subject?.kind !== 'flag') return [];
    const keys = [subject.key, ...more.map((one) => one.stream.slice(one.stream.lastIndexOf('/') + 1))];
    const { seq, actor, reason } = more.at(-1) ?? entry!;
    return [
      { type: 'flag.changed' satisfies Event, at, data: { config: subject.config, keys, kind, seq, actor, reason } },
    ];
  });
}

/** What is told as one. */
function groupOf({ stream, seq, type, actor, reason }: Entry): string {
  const subject = subjectOf(stream);
  return JSON.stringify(subject?.kind === 'flag' ? [subject.config, type, actor, reason] : seq);
}

function requestEvents(entry: Entry): readonly WebhookEvent[] {
  const request = requestIn(entry);
  if (request === null) return [];
  const { state, author, base } = request;
  const about = { id: entry.stream.slice(REQUEST.length), state, author: author.actor, failure: request.failure };
  const data = { ...about, touches: base.map(({ stream }) => stream), ...signatureOf(entry) };
  return verbsOf(entry, request).map((verb) => {
    return { type: `change_request.${verb}` satisfies Event, at: entry.at, data };
  });
}

/** Of a deprecation, the versions that from now on are; taking one back is none. */
function packageEvents(name: string, entry: Entry): readonly WebhookEvent[] {
  const read = packageEntryIn(entry);
  const told = (type: Event, what: object): WebhookEvent[] => {
    return [{ type, at: entry.at, data: { name, ...what, ...signatureOf(entry) } }];
  };
  switch (read?.type) {
    case 'package.publish':
      return told('package.published', { version: read.version, tags: read.tags });
    case 'package.unpublish':
      return told('package.unpublished', { versions: read.versions });
    case 'package.deprecate': {
      const versions = Object.keys(read.messages).filter((version) => read.messages[version] !== null);
      return versions.length === 0 ? [] : told('package.deprecated', { versions });
    }
    default:
      return [];
  }
}

/** What the entry has made of the request: none for a step that is not the last. */
function verbsOf({ revision, actor }: Entry, { state, approval }: ChangeRequest): readonly RequestVerb[] {
  const isGoingOn = state === 'scheduled' || state === 'applied';
  // Steps that come later are signed by the registry itself.
  const isApproving = isGoingOn && approval?.actor === actor;
  const isNew = revision === 1 && state === 'scheduled';
  const first: readonly RequestVerb[] = isApproving ? ['approved'] : isNew ? ['proposed'] : [];
  return state === 'scheduled' ? first : [...first, state];
}

function signatureOf({ revision, seq, actor, reason }: Entry) {
  return { revision, seq, actor, reason };
}

/** null: erased, or what a newer version has written. */
export function packageEntryIn(entry: Entry): PackageEntry | null {
  const { body } = entry;
  try {
    return body === null ? null : decodePackageEntry({ ...entry, body });
  } catch (error) {
    if (isConfigError(error)) return null;
    throw error;
  }
}

/** null: a deletion, something erased, or what a newer version has written, which nobody can be told of here. */
function requestIn(entry: Entry): ChangeRequest | null {
  try {
    const value = valueIn(entry);
    return value === null ? null : parseChangeRequest(value);
  } catch (error) {
    if (isConfigError(error)) return null;
    throw error;
  }
}
