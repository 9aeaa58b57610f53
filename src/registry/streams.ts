/**
 * Streams of configs as the registry serves them: who comes, from where, what he may hear and write, and how many there
 * may be. What is said on a stream is `websocket/`.
 * @module
 */
import { requireRight, type Principal } from '../auth/rights.ts';
import { audienceOf, type Audience } from '../config/audience.ts';
import { configStream } from '../config/name.ts';
import { ConfigError, isConfigError } from '../errors/errors.ts';
import type { Flags } from '../flags/flags.ts';
import { visibleMask } from '../flags/visibility.ts';
import type { Entry } from '../journal/journal.ts';
import { core } from '../live/core.ts';
import type { ConfigOperations } from '../live/operations.ts';
import type { Figures } from '../metrics/figures.ts';
import { packageOfStream } from '../packages/entries.ts';
import { DEFAULT_SETTINGS, type PackageState } from '../packages/package.ts';
import type { KnownPackage, Visitor } from '../websocket/connection.ts';
import { Hub } from '../websocket/hub.ts';
import type { Visible } from '../websocket/look.ts';
import { tokenOf } from '../websocket/client-message.ts';
import { TOKEN_PROTOCOL, type Upcoming } from '../websocket/subprotocol.ts';
import { signatureFor, type RegistryContext } from './context.ts';
import { credentialsOf } from './credentials.ts';
import { holderOf } from './holder.ts';
import type { Identifier } from './identify.ts';
import { REGISTRY_CONFIG, type OwnConfig } from './own-config.ts';
import type { Undo } from './open-services.ts';
import { countedBy, type Limits } from './pipeline.ts';
import { mayReadPackage } from './package-rights.ts';
import { repeated } from './repeated.ts';
import type { StreamPlaces } from './stream-places.ts';
import { packageEntryIn } from './told-events.ts';

const SWEEP_MS = 1000;
const HEARTBEAT_MS = 20_000;
const IDENTITIES = /^(?:user|grant|token|identities):/;
/** What of a request says who makes it. */
const CREDENTIALS = ['authorization', 'x-api-key', 'cookie', 'host', 'origin', 'sec-fetch-site'];
/** And where it comes from. */
const HOPS = ['x-forwarded-for', 'forwarded'];
/** Why somebody is no longer let in; everything else is a failure of ours. */
const REFUSALS = ['ERR_UNAUTHENTICATED', 'ERR_FORBIDDEN', 'ERR_NOT_LOOPBACK', 'ERR_APPROVAL_REQUIRED'];

export interface StreamsOptions {
  readonly operations: ConfigOperations;
  readonly flags: Pick<Flags, 'all' | 'facts'>;
  readonly own: OwnConfig;
  readonly identifier: Pick<Identifier, 'identify' | 'identifyNow'>;
  readonly limits: Pick<Limits, 'token' | 'address'>;
  readonly places: StreamPlaces;
  readonly figures: Pick<Figures, 'clients' | 'streamsDropped' | 'rateLimited'>;
  /** As they are; null: there is none. */
  readonly packages: { state(name: string): Promise<Pick<PackageState, 'settings'> | null> };
  /** What will change of a config, soonest first. */
  readonly upcoming: (name: string) => Promise<readonly Upcoming[]>;
  readonly log: (line: string) => void;
}

export class Streams {
  readonly hub: Hub;
  readonly #options: StreamsOptions;
  /** What was published, told of one after another. */
  #telling: Promise<void> = Promise.resolve();

  constructor(options: StreamsOptions) {
    const { operations, figures, own, upcoming, log } = options;
    this.#options = options;
    let known = 0;
    this.hub = new Hub({
      journal: operations.store.journal,
      core: core().backend,
      look: (name, audience) => this.#look(name, audience),
      upcoming,
      now: Date.now,
      isBinary: () => own.flags.binary_protocol,
      counted: (sockets, listeners) => {
        figures.clients.websocket.set(sockets);
        // Others count their streams there too.
        figures.clients.stream.add(listeners - known);
        known = listeners;
      },
      dropped: (why) => void figures.streamsDropped[why].value++,
      log,
    });
  }

  /** Entries of the journal, in their order. */
  follow(entries: readonly Entry[]): void {
    this.hub.follow(entries);
    if (this.hub.isFollowed(REGISTRY_CONFIG)) this.#tellOfPackages(entries);
    if (entries.some(({ stream }) => IDENTITIES.test(stream))) void this.hub.sweep(true);
  }

  /** Ends all streams: whoever comes back is told the whole. */
  forget(): void {
    this.hub.forget();
  }

  /** Whoever makes a request, from now on; takes a place that he gives back. Throws ERR_BUSY. */
  visitor(c: RegistryContext, name: string): Visitor {
    const left = this.#options.places.take(c.get('address'), holderOf(c.get('principal')));
    return new StreamVisitor({ ...this.#options, name, left }, c);
  }

  #tellOfPackages(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const name = packageOfStream(entry.stream);
      const read = name === null ? null : packageEntryIn(entry);
      if (name === null || read?.type !== 'package.publish') continue;
      const { version, tags } = read;
      const { revision } = entry;
      this.#telling = this.#telling
        .then(async () => {
          const { settings } = (await this.#options.packages.state(name)) ?? { settings: DEFAULT_SETTINGS };
          this.hub.published(REGISTRY_CONFIG, { ...settings, name, version, tags, revision });
        })
        .catch((error: unknown) => this.#options.log(`nobody was told of ${name}@${version}: ${String(error)}`));
    }
  }

  async #look(name: string, audience: Audience): Promise<Visible> {
    const { operations, flags } = this.#options;
    const features = await operations.store.features(name);
    const found = await flags.all(name);
    if (audience === 'all') return { features, mask: 0xffff_ffff, flags: found.map(({ key }) => key) };
    const facts = await flags.facts(name);
    const byKey = new Map(found.map(({ key, value }) => [key, value]));
    const seen = found.filter(({ value }) => value.clientVisible && value.archivedAt === null);
    return { features, mask: visibleMask({ features, facts, flags: byKey }), flags: seen.map(({ key }) => key) };
  }
}

/** Opens them, and does for them what is done by the clock; to be closed before the server stops. */
export function openStreams(options: StreamsOptions, undo: Undo): Streams {
  const streams = new Streams(options);
  const { hub } = streams;
  const onFailure = (failure: string): void => options.log(`streams are not looked after: ${failure}`);
  undo.push(repeated({ interval_ms: SWEEP_MS, work: () => hub.sweep(), onFailure }));
  undo.push(repeated({ interval_ms: HEARTBEAT_MS, work: () => hub.heartbeat(), onFailure }));
  return streams;
}

/** Browsers can set no header on a WebSocket: a token that they offer as a subprotocol counts as if it were in one. */
export function withOfferedToken(request: Request): Request {
  const offered = request.headers.get('sec-websocket-protocol');
  if (offered?.includes(TOKEN_PROTOCOL) !== true || request.headers.has('authorization')) return request;
  const headers = new Headers(request.headers);
  headers.set('authorization', `Bearer ${tokenOf(offered)}`);
  return new Request(request, { headers });
}

interface VisitorOptions extends Pick<StreamsOptions, 'identifier' | 'limits' | 'operations' | 'own' | 'figures'> {
  readonly name: string;
  readonly left: () => void;
}

class StreamVisitor implements Visitor {
  readonly left: () => void;
  readonly #options: VisitorOptions;
  readonly #headers = new Headers();
  readonly #url: string;
  readonly #peer: RegistryContext['env']['peer'];
  readonly #address: string | null;
  #principal: Principal;

  constructor(options: VisitorOptions, c: RegistryContext) {
    this.#options = options;
    this.left = options.left;
    const { headers, url } = c.req.raw;
    for (const name of [...CREDENTIALS, ...HOPS]) if (headers.has(name)) this.#headers.set(name, headers.get(name)!);
    this.#url = url;
    this.#peer = c.env.peer;
    this.#address = c.get('address');
    this.#principal = c.get('principal');
  }

  refused(isAll: boolean): Promise<string | null> | null {
    // Whoever runs the registry is asked for again once there are users.
    if (!isAll && this.#principal.kind === 'owner') return null;
    if (this.#options.identifier.identifyNow(credentialsOf(this.#headers)) === this.#principal) return null;
    return this.#refusal().then((refusal) => refusal?.message ?? null);
  }

  spend(): void {
    const { limits, figures } = this.#options;
    const isAnonymous = this.#principal.kind === 'anonymous';
    const limiter = isAnonymous ? limits.address : limits.token;
    const key = countedBy(this.#principal, this.#address);
    if (limiter === null || key === null) return;
    const answer = limiter.check(key);
    if (answer.allowed) return;
    figures.rateLimited[isAnonymous ? 'address' : 'token'].value++;
    throw new ConfigError('ERR_RATE_LIMITED', {
      message: `More than ${limiter.limit} requests and messages within ${limiter.window_s} s`,
      hint: `Wait ${answer.retryAfter_s} s.`,
      details: { policy: limiter.policy, retryAfter_s: answer.retryAfter_s },
    });
  }

  async write(input: Readonly<Record<string, unknown>>): Promise<boolean> {
    const { operations, own, name } = this.#options;
    const refusal = await this.#refusal();
    if (refusal !== null) throw refusal;
    requireRight(this.#principal, 'write', configStream(name));
    const signature = signatureFor(this.#principal, own.flags.maintenance_mode);
    return (await operations.set(name, input, { ...signature, reason: 'over a stream' })).changed;
  }

  mayKnow(found: KnownPackage): boolean {
    return mayReadPackage(this.#principal, found.name, found, this.#options.own.flags.premium_types);
  }

  /** Looks at who he is now; null: he may still listen. */
  async #refusal(): Promise<ConfigError | null> {
    const { identifier, name } = this.#options;
    try {
      const request = new Request(this.#url, { headers: this.#headers });
      const principal = await identifier.identify(request, this.#peer);
      if (principal === this.#principal) return null;
      requireRight(principal, 'read', configStream(name));
      if (audienceOf(principal) !== audienceOf(this.#principal)) throw becameAnother();
      this.#principal = principal;
      return null;
    } catch (error) {
      if (isConfigError(error) && REFUSALS.includes(error.code)) return error;
      throw error;
    }
  }
}

/** What he has seen so far is not what he would see now. */
function becameAnother(): ConfigError {
  return new ConfigError('ERR_FORBIDDEN', {
    message: 'What these credentials see has changed',
    hint: 'Connect again.',
    details: { rule: 'rights' },
  });
}
