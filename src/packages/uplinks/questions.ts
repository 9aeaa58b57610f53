/**
 * What uplinks are asked besides packages: searches, what is known to be unsafe, the keys they sign with. Of names that
 * are ours they hear nothing.
 * @module
 */
import { isConfigError } from '../../errors/errors.ts';
import type { Passing, Tell } from './answers.ts';
import type { Asked, Asker } from './asker.ts';
import { cutTree, emptyReport, joinedReports, namesOf, parseInstalled, type Installed } from './advisories.ts';
import { isObject, jsonOf, type Document } from './document.ts';
import { ended } from './documents.ts';
import { namesIn } from './search-text.ts';
import { isOurs, isReachable, uplinkError, uplinksFor, type Reachable, type Uplink } from './uplink.ts';

/** Somebody types and waits. */
const SEARCH_TIMEOUT_MS = 3000;
const SEARCH_MAX = 250;
/** Characters. Longer texts are no search. */
const SEARCH_TEXT_MAX = 1000;
const ANSWER_LIMIT_BYTES = 16 * 1024 * 1024;
const KEYS_LIMIT_BYTES = 256 * 1024;
const KEYS_AGE_MS = 60 * 60 * 1000;
/** Whoever failed to say its keys is not asked by each who wants them. */
const KEYS_AGAIN_MS = 60 * 1000;
const BULK = '/-/npm/v1/security/advisories/bulk';
export type AuditPath = typeof BULK | '/-/npm/v1/security/audits' | '/-/npm/v1/security/audits/quick';

export interface QuestionsOptions extends Pick<Passing, 'now'> {
  readonly asker: Asker;
  readonly uplinks: () => Promise<readonly Uplink[]>;
  /** Of these names, those that nobody else need know of. */
  readonly ownedAmong: (names: readonly string[]) => Promise<ReadonlySet<string>>;
  readonly tell: Tell;
}

/** As `/-/npm/v1/keys` lists it. */
export interface SigningKey {
  readonly expires: string | null;
  readonly keyid: string;
  readonly keytype: string;
  readonly scheme: string;
  readonly key: string;
}

/** What one uplink is asked for. */
interface Share {
  readonly uplink: Reachable;
  readonly names: Set<string>;
}

interface KnownKeys {
  readonly keys: readonly SigningKey[];
  readonly until: number;
}

export class Questions {
  readonly #options: QuestionsOptions;
  readonly #keys = new Map<string, KnownKeys>();

  constructor(options: QuestionsOptions) {
    this.#options = options;
  }

  /** Errors: ERR_BAD_REQUEST, ERR_UPLINK: that nothing is known to be unsafe is not said by mistake. */
  async audit(path: AuditPath, body: unknown, isOffline: boolean): Promise<Document> {
    if (path !== BULK) return await this.#report(path, body as Document, isOffline ? new Set() : namesOf(body));
    return await this.#bulk(isOffline ? {} : parseInstalled(body));
  }

  /**
   * Hits of all uplinks that answered in time, the first ones first; none for a text that names something of ours.
   * Whoever failed is told of in the log alone.
   */
  async search(text: string, size: number): Promise<readonly Document[]> {
    if (text.length > SEARCH_TEXT_MAX) return [];
    const uplinks = await this.#reachable('a search');
    if (uplinks.length === 0 || (await this.#namesOurs(text))) return [];
    const lists = await Promise.all(uplinks.map((uplink) => this.#searched(uplink, text, size)));
    const shares = await this.#shared(new Set(lists.flat().flatMap((hit) => nameOf(hit) ?? [])));
    const found = new Map<string, Document>();
    for (const [index, hits] of lists.entries()) {
      const theirs = shares.get(uplinks[index]!.name)?.names;
      for (const hit of hits) {
        const name = nameOf(hit);
        if (name !== null && !found.has(name) && theirs?.has(name) === true) found.set(name, hit);
      }
    }
    return [...found.values()];
  }

  /** Of all uplinks; as they were, where one fails. */
  async keys(): Promise<readonly SigningKey[]> {
    const uplinks = await this.#reachable('its keys');
    const lists = await Promise.all(uplinks.map((uplink) => this.#keysOf(uplink)));
    return [...new Map(lists.flat().map((key) => [key.keyid, key])).values()];
  }

  /** All who can be asked; none, where nobody can say who they are, which the log says. */
  async #reachable(about: string): Promise<readonly Reachable[]> {
    try {
      return (await this.#options.uplinks()).filter(isReachable);
    } catch (error) {
      this.#tellLeftOut('default', about, error);
      return [];
    }
  }

  async #namesOurs(text: string): Promise<boolean> {
    const names = namesIn(text);
    if ((await this.#options.ownedAmong(names)).size > 0) return true;
    const uplinks = await this.#options.uplinks();
    return names.some((name) => isOurs(uplinks, name));
  }

  /** Names by the uplink that would be asked for them; what is ours is nobody's. */
  async #shared(names: ReadonlySet<string>): Promise<ReadonlyMap<string, Share>> {
    const [owned, uplinks] = [await this.#options.ownedAmong([...names]), await this.#options.uplinks()];
    const shares = new Map<string, Share>();
    for (const name of names) {
      const [uplink] = owned.has(name) ? [] : uplinksFor(uplinks, name);
      if (uplink === undefined) continue;
      const share = shares.get(uplink.name) ?? { uplink, names: new Set() };
      shares.set(uplink.name, share);
      share.names.add(name);
    }
    return shares;
  }

  async #bulk(installed: Installed): Promise<Document> {
    const shares = await this.#shared(new Set(Object.keys(installed)));
    const answers = [...shares.values()].map(async ({ uplink, names }) => {
      const asked = Object.fromEntries(Object.entries(installed).filter(([name]) => names.has(name)));
      const answer = Object.entries(await this.#posted(uplink, BULK, asked));
      return answer.filter(([name, advisories]) => names.has(name) && Array.isArray(advisories));
    });
    return Object.fromEntries((await Promise.all(answers)).flat());
  }

  async #report(path: AuditPath, body: Document, names: ReadonlySet<string>): Promise<Document> {
    const shares = await this.#shared(names);
    const answers = [...shares.values()].map(async (share) => {
      const cut = cutTree(body, (name) => share.names.has(name));
      return await this.#posted(share.uplink, path, cut);
    });
    return (await Promise.all(answers)).reduce<Document>((all, one) => joinedReports(all, one), emptyReport());
  }

  /** Errors: ERR_UPLINK, also of one that knows no such thing: nobody can say then that all is well. */
  async #posted(uplink: Reachable, path: AuditPath, body: Document): Promise<Document> {
    const { asker } = this.#options;
    const url = `${uplink.url}${path}`;
    const asked = await asker.ask({
      uplink,
      url,
      about: 'advisories',
      accept: 'application/json',
      body: JSON.stringify(body),
    });
    const { status } = asked.response;
    if (status === 200) return await this.#json(uplink, asked, 'advisories', ANSWER_LIMIT_BYTES);
    await ended(asked);
    const isUnknown = status === 404 || status === 405 || status === 410;
    const fault = isUnknown ? `it does not say what is unsafe (${status}), so nobody can` : `it answered ${status}`;
    throw uplinkError(uplink.name, 'advisories', fault);
  }

  async #searched(uplink: Reachable, text: string, size: number): Promise<readonly Document[]> {
    const query = new URLSearchParams({ text, size: String(Math.min(size, SEARCH_MAX)) });
    const limits = { timeout_ms: Math.min(SEARCH_TIMEOUT_MS, uplink.timeout_ms), retries: 0 };
    const answer = await this.#tried(
      uplink,
      'a search',
      `/-/v1/search?${query.toString()}`,
      ANSWER_LIMIT_BYTES,
      limits,
    );
    const objects = answer?.['objects'];
    return Array.isArray(objects) ? objects.filter(isObject) : [];
  }

  async #keysOf(uplink: Reachable): Promise<readonly SigningKey[]> {
    const { now } = this.#options;
    const known = this.#keys.get(uplink.url);
    if (known !== undefined && now() < known.until) return known.keys;
    const limits = { timeout_ms: Math.min(SEARCH_TIMEOUT_MS, uplink.timeout_ms), retries: 0 };
    const answer = await this.#tried(uplink, 'its keys', '/-/npm/v1/keys', KEYS_LIMIT_BYTES, limits);
    const listed = answer?.['keys'];
    const keys = Array.isArray(listed) ? listed.flatMap(keyOf) : (known?.keys ?? []);
    this.#keys.set(uplink.url, { keys, until: now() + (answer === null ? KEYS_AGAIN_MS : KEYS_AGE_MS) });
    return keys;
  }

  /** null: it has none, or failed, which the log says. */
  async #tried(
    uplink: Reachable,
    about: string,
    path: string,
    limit_bytes: number,
    limits: { readonly timeout_ms: number; readonly retries: number },
  ): Promise<Document | null> {
    try {
      const question = { uplink, url: `${uplink.url}${path}`, about, accept: 'application/json', ...limits };
      const asked = await this.#options.asker.ask(question);
      if (asked.response.status === 200) return await this.#json(uplink, asked, about, limit_bytes);
      await ended(asked);
      return null;
    } catch (error) {
      this.#tellLeftOut(uplink.name, about, error);
      return null;
    }
  }

  /** Throws what is not ERR_UPLINK. */
  #tellLeftOut(uplink: string, about: string, error: unknown): void {
    if (!isConfigError(error) || error.code !== 'ERR_UPLINK') throw error;
    this.#options.tell('an uplink was left out', { uplink, package: about, fault: error.message });
  }

  async #json({ name: uplink }: Reachable, asked: Asked, about: string, limit_bytes: number): Promise<Document> {
    return await jsonOf(asked, limit_bytes, { uplink, about });
  }
}

function nameOf(hit: Document): string | null {
  const found = hit['package'];
  return isObject(found) && typeof found['name'] === 'string' ? found['name'] : null;
}

/** What is none is left out. */
function keyOf(listed: unknown): SigningKey[] {
  const { keyid, keytype, scheme, key, expires = null } = isObject(listed) ? listed : {};
  const isText = typeof keyid === 'string' && typeof keytype === 'string' && typeof scheme === 'string';
  if (!isText || typeof key !== 'string') return [];
  return [{ expires: typeof expires === 'string' ? expires : null, keyid, keytype, scheme, key }];
}
