/**
 * Rich flags of configs held in memory, so that asking does not read the journal. Follows the journal, whoever wrote to
 * it: what changed is read again, and what did not stays the same object. Bounded; what is not held is read when it is
 * asked for.
 * @module
 */
import { subjectOf } from '../config/streams.ts';
import type { Entry, Journal } from '../journal/journal.ts';
import { redactedSeq } from '../journal/redaction.ts';
import type { Resource, Resources } from '../journal/resources.ts';
import type { Flag, FlagFacts, FlagSet } from './flag.ts';

/** Configs, and services, in memory. */
const HELD_MAX = 1_000;
/** So far behind, reading what is asked for is less than reading what has happened. */
const BEHIND_MAX = 10_000;
const PAGE = 1_000;
/** Above every character that keys have. */
const LAST = '\u{10FFFF}';

/** What one config has, as of one moment. */
export interface ConfigFlags {
  readonly resources: ReadonlyMap<string, Resource<Flag>>;
  readonly flags: ReadonlyMap<string, Flag>;
  readonly set: FlagSet;
}

export interface HeldFlagsOptions {
  readonly journal: Pick<Journal, 'read'>;
  /** How far the journal is, in one load. */
  readonly head: () => number;
  readonly flags: Resources<Flag>;
  readonly sets: Resources<FlagSet>;
  readonly facts: Resources<FlagFacts>;
}

/** What entries have touched: keys of flags by their config, and names of configs and services. */
interface Moved {
  isErased: boolean;
  readonly services: Set<string>;
  readonly flags: Map<string, Set<string>>;
  readonly sets: Set<string>;
}

const NO_SET: FlagSet = Object.freeze({ evaluators: {}, metadata: {} });

export class HeldFlags {
  readonly #options: HeldFlagsOptions;
  readonly #configs = new Map<string, ConfigFlags>();
  readonly #services = new Map<string, ReadonlyMap<string, FlagFacts>>();
  /** All that is held is at least as new as this entry. */
  #seen = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: HeldFlagsOptions) {
    this.#options = options;
  }

  async config(config: string): Promise<ConfigFlags> {
    return await this.#current(this.#configs, config, async () => await this.#readConfig(config));
  }

  /** Facts of features by name. */
  async facts(service: string): Promise<ReadonlyMap<string, FlagFacts>> {
    return await this.#current(this.#services, service, async () => {
      const found = await below(this.#options.facts, service);
      return new Map(found.map(({ key, value }) => [ownKey(key), value]));
    });
  }

  /** One at a time, so that nothing is read while what it holds is being renewed. */
  async #current<T>(held: Map<string, T>, name: string, read: () => Promise<T>): Promise<T> {
    const known = held.get(name);
    if (known !== undefined && this.#options.head() === this.#seen) return known;
    const next = this.#turn.then(async () => {
      await this.#catchUp();
      const found = held.get(name) ?? (await read());
      if (!held.has(name) && held.size >= HELD_MAX) held.delete(held.keys().next().value!);
      held.set(name, found);
      return found;
    });
    this.#turn = next.catch(() => undefined);
    return await next;
  }

  /** The head is read first: what is read after it is at least as new. */
  async #catchUp(): Promise<void> {
    const head = this.#options.head();
    if (head === this.#seen) return;
    const isNear = head > this.#seen && head - this.#seen <= BEHIND_MAX;
    if (!isNear) this.#forget();
    else if (this.#configs.size + this.#services.size > 0) await this.#follow(await this.#moved());
    this.#seen = head;
  }

  async #follow({ isErased, services, flags, sets }: Moved): Promise<void> {
    // Whatever an erased entry said must leave the memory too.
    if (isErased) return this.#forget();
    for (const service of services) this.#services.delete(service);
    for (const [config, keys] of flags) await this.#renewed(config, () => this.#renew(config, keys));
    for (const config of sets) await this.#renewed(config, () => this.#renewSet(config));
  }

  /** What cannot be read is let go of: whoever asks for that config hears why, and nobody else does. */
  async #renewed(config: string, renew: () => Promise<void>): Promise<void> {
    await renew().catch(() => this.#configs.delete(config));
  }

  #forget(): void {
    this.#configs.clear();
    this.#services.clear();
  }

  async #moved(): Promise<Moved> {
    const moved = {
      isErased: false,
      services: new Set<string>(),
      flags: new Map<string, Set<string>>(),
      sets: new Set<string>(),
    };
    let after: number | null = this.#seen;
    while (after !== null) {
      const page: Awaited<ReturnType<Journal['read']>> = await this.#options.journal.read({
        after,
        limit: PAGE,
        order: 'asc',
      });
      for (const entry of page.entries) take(moved, entry);
      after = page.cursor;
    }
    return moved;
  }

  async #renew(config: string, keys: Iterable<string>): Promise<void> {
    const held = this.#configs.get(config);
    if (held === undefined) return;
    const resources = new Map(held.resources);
    for (const key of keys) {
      const found = await this.#options.flags.find(`${config}/${key}`);
      if (found === null) resources.delete(key);
      else resources.set(key, { ...found, key });
    }
    this.#configs.set(config, configFlags(resources, held.set));
  }

  async #renewSet(config: string): Promise<void> {
    const held = this.#configs.get(config);
    if (held !== undefined) this.#configs.set(config, { ...held, set: await this.#readSet(config) });
  }

  async #readConfig(config: string): Promise<ConfigFlags> {
    const found = await below(this.#options.flags, config);
    const resources = new Map(found.map((flag) => [ownKey(flag.key), { ...flag, key: ownKey(flag.key) }]));
    return configFlags(resources, await this.#readSet(config));
  }

  async #readSet(config: string): Promise<FlagSet> {
    return (await this.#options.sets.find(config))?.value ?? NO_SET;
  }
}

function take(moved: Moved, entry: Entry): void {
  moved.isErased ||= redactedSeq(entry) !== null;
  const subject = subjectOf(entry.stream);
  if (subject?.kind === 'feature') moved.services.add(subject.service);
  if (subject?.kind === 'flagset') moved.sets.add(subject.config);
  if (subject?.kind !== 'flag') return;
  const keys = moved.flags.get(subject.config) ?? new Set();
  moved.flags.set(subject.config, keys.add(subject.key));
}

function configFlags(resources: ReadonlyMap<string, Resource<Flag>>, set: FlagSet): ConfigFlags {
  return { resources, flags: new Map(resources.entries().map(([key, { value }]) => [key, value])), set };
}

/** Those of `parent/...`, without those of what lies below it: `checkout/production/x` is no flag of `checkout`. */
async function below<T>(resources: Resources<T>, parent: string): Promise<Resource<T>[]> {
  const found: Resource<T>[] = [];
  let after = `${parent}/`;
  for (;;) {
    const page = await resources.list({ after, limit: PAGE });
    if (page.length === 0) return found;
    for (const resource of page) {
      after = resource.key;
      if (!after.startsWith(`${parent}/`)) return found;
      if (parentKey(after) === parent) found.push(resource);
      else {
        after = `${parentKey(after)}/${LAST}`;
        break;
      }
    }
  }
}

/** `checkout/production` of `checkout/production/banner`. */
function parentKey(key: string): string {
  return key.slice(0, key.lastIndexOf('/'));
}

function ownKey(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}
