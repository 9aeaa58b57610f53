/**
 * Change requests, made real: proposed and decided by people, made at their time by the registry. The entries of a
 * step and the entry that says it is made are one append, so each step is made exactly once, whatever is killed when.
 *
 * One thing at a time: what is decided and what is due wait for each other.
 * @module
 */
import type { Identities } from '../auth/identities.ts';
import { may, type Principal } from '../auth/rights.ts';
import {
  approved,
  cancelled,
  dueAt,
  expired,
  failed,
  isSamePerson,
  newRequest,
  nextStep,
  rejected,
  stepped,
  type Author,
  type ChangeRequest,
  type Decision,
  type Premise,
} from '../changes/change-request.ts';
import type { ChangeRequests } from '../changes/change-requests.ts';
import { expiryOf, plannedSteps, type Asked, type PlannedStep } from '../changes/proposal.ts';
import { configStream } from '../config/name.ts';
import { ConfigError, type ErrorCode } from '../errors/errors.ts';
import { nearest } from '../errors/nearest.ts';
import { checkReason } from '../journal/border.ts';
import type { Resource } from '../journal/resources.ts';
import type { Permit } from '../live/config-store.ts';
import { isRefusal } from '../live/recorder.ts';
import { REGISTRY_ACTOR } from './bootstrap.ts';
import {
  basesOf,
  expectSameMeaning,
  expectUnmoved,
  firstsOf,
  HasMoved,
  movedPremises,
  rebased,
} from './change-moves.ts';
import { spelledOut, type ChangePremises } from './change-premises.ts';
import { authorOf, every, isDirect, making, principalNow, proposing } from './change-rights.ts';
import type { ChangeTargets, Known, Target } from './change-targets.ts';

export interface ApplicationOptions {
  readonly requests: ChangeRequests;
  readonly targets: ChangeTargets;
  readonly premises: ChangePremises;
  /** Of all configs. */
  readonly names: () => Promise<readonly string[]>;
  readonly identities: Pick<Identities, 'fresh' | 'hasUsers'>;
  /** What no change may touch now, whoever asks: that of a maintenance. */
  readonly check: Permit;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface Proposing extends Asked {
  readonly reason?: string | undefined;
  readonly needsApproval?: boolean | undefined;
  readonly expiresAt?: number | undefined;
  readonly force?: boolean | undefined;
}

export interface Deciding {
  readonly note?: string | undefined;
  /** The revision of the request that was looked at. */
  readonly expected?: number | undefined;
  /** Also when what it touches was changed since it was proposed. */
  readonly force?: boolean | undefined;
}

/** One step of a request that is still to be made: what it would change, and what it rests on. */
interface ForeseenStep {
  readonly targets: readonly Target[];
  readonly premises: readonly Premise[];
}

type Unsaved = Pick<Resource<ChangeRequest>, 'key' | 'revision' | 'value'>;

const CONFIG = 'config:';
/** Of one person, waiting for an approval or for their time. */
const OPEN_MAX = 100;
/** What no request can be blamed for. */
const OF_THE_REGISTRY: readonly ErrorCode[] = ['ERR_BUSY', 'ERR_STORE'];

export class ChangeApplication {
  readonly #options: ApplicationOptions;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ApplicationOptions) {
    this.#options = options;
  }

  /**
   * Makes a request; without an approval to wait for, what is due now is made with it, or nothing is. Errors: those of
   * `plannedSteps` and of what is asked for, ERR_FORBIDDEN, ERR_MAINTENANCE. Answers its id.
   */
  async propose(asked: Proposing, principal: Principal): Promise<string> {
    const { requests, now, identities } = this.#options;
    const createdAt = now();
    const steps = plannedSteps(asked, createdAt);
    const expiresAt = expiryOf(asked.expiresAt, createdAt);
    const { reason = '', force = false } = asked;
    const id = requests.newId();
    checkReason('reason', reasonOf(id, reason));
    const author = authorOf(principal, await identities.fresh());
    const { mayAlone, ...judged } = await this.#judged(steps, author, principal, force);
    const needsApproval = asked.needsApproval === true || !mayAlone;
    const value = newRequest({ author, reason, createdAt, expiresAt, force, steps, ...judged, needsApproval });
    await this.#inTurn(async () => {
      if (steps.length > 1 || !isDue(value, now())) await this.#expectRoom(principal);
      await this.#save({ key: id, revision: 0, value }, principal.actor, [principal], []);
    });
    return id;
  }

  /** Errors: ERR_NOT_FOUND, ERR_SELF_APPROVAL, ERR_CHANGE_REQUEST_STATE, ERR_REVISION_CONFLICT, ERR_FORBIDDEN. */
  approve(id: string, principal: Principal, deciding: Deciding): Promise<void> {
    return this.#inTurn(async () => {
      const found = await this.#options.requests.get(id);
      const value = approved(id, found.value, await this.#decision(principal, deciding));
      const steps = await this.#foreseen(value, every([this.#options.check, proposing(principal)]));
      const targets = steps.flatMap((step) => step.targets);
      if (deciding.force !== true) expectUnmoved(value, targets);
      for (const { premises } of steps) expectSameMeaning(value, premises);
      const looked = { ...found, revision: deciding.expected ?? found.revision };
      const author = await this.#now(value.author);
      await this.#save({ ...looked, value: rebased(value, targets) }, principal.actor, [author], [principal]);
    });
  }

  /** Errors: as of `approve`. */
  reject(id: string, principal: Principal, deciding: Deciding): Promise<void> {
    return this.#end(id, principal, deciding, rejected);
  }

  /** By its author, or by whoever may change the same. Errors: as of `approve`. */
  cancel(id: string, principal: Principal, deciding: Deciding): Promise<void> {
    return this.#end(id, principal, deciding, cancelled);
  }

  /** What is still to come of a request, step by step, from how things are now. Errors: those of the operations. */
  async preview(request: ChangeRequest, steps: 'next' | 'all' = 'all'): Promise<readonly (readonly Target[])[]> {
    const foreseen = await this.#foreseen(request, () => {}, steps === 'all' ? undefined : 1);
    return foreseen.map(({ targets, premises }) => {
      const meaning = movedPremises(request.premises, premises);
      return targets.map((target) => ({ ...target, moved: (base) => [...target.moved(base), ...meaning] }));
    });
  }

  /**
   * Makes what is due, in order of time, and ends what nobody has approved. What cannot be made has failed; what the
   * journal or the maintenance keeps from being made waits. Throws the first failure of the journal.
   */
  async look(): Promise<void> {
    const { requests, now } = this.#options;
    const until = now();
    for (const { key } of await requests.overdue(until)) await this.#inTurn(() => this.#expire(key));
    const waiting = new Set<string>();
    const failures: unknown[] = [];
    for (;;) {
      // After each one anew: the next step of the same request may be due before that of another.
      const next = (await requests.due(until)).find(({ key }) => !waiting.has(key));
      if (next === undefined) break;
      const isDone = await this.#inTurn(() => this.#makeDue(next.key)).catch((error: unknown) => {
        failures.push(error);
        return false;
      });
      if (!isDone) waiting.add(next.key);
    }
    if (failures.length > 0) throw failures[0];
  }

  async #expire(id: string): Promise<void> {
    const { requests, now } = this.#options;
    const found = await requests.find(id);
    // What was erased is gone.
    if (found === null || found.value.state !== 'proposed' || found.value.expiresAt > now()) return;
    await this.#append({ ...found, value: expired(id, found.value) }, REGISTRY_ACTOR);
  }

  /** Whether anything became of it. */
  async #makeDue(id: string): Promise<boolean> {
    const { requests, now } = this.#options;
    const found = await requests.find(id);
    if (found === null) return false;
    const { author, approval } = found.value;
    if (!isDue(found.value, now())) return false;
    try {
      const approvers = approval === null ? [] : [await this.#now(approval)];
      await this.#step(found, REGISTRY_ACTOR, [await this.#now(author)], approvers);
    } catch (error) {
      if (!isRefusal(error) || OF_THE_REGISTRY.includes(error.code)) throw error;
      if (passes(error)) return false;
      const { code, message } = error;
      await this.#append({ ...found, value: failed(id, found.value, { code, message }) }, REGISTRY_ACTOR);
    }
    return true;
  }

  #end(id: string, principal: Principal, deciding: Deciding, ended: typeof rejected): Promise<void> {
    return this.#inTurn(async () => {
      const found = await this.#options.requests.get(id);
      const value = ended(id, found.value, await this.#decision(principal, deciding));
      const permit = proposing(principal);
      const isOwn = isSamePerson(found.value.author, principal) && !principal.readOnly;
      if (!isOwn) for (const stream of this.streamsOf(value)) permit(stream, []);
      await this.#append({ ...found, revision: deciding.expected ?? found.revision, value }, principal.actor);
    });
  }

  /** Streams that a request touches. */
  streamsOf({ base }: Pick<ChangeRequest, 'base'>): readonly string[] {
    return base.map(({ stream }) => stream);
  }

  /** Whether he may ask for all of it, and do it alone; with how things are now. */
  async #judged(steps: readonly PlannedStep[], author: Author, principal: Principal, force: boolean) {
    const propose = every([proposing(principal), this.#options.check]);
    // Before anything is looked at: who may not ask for it does not learn whether it is there.
    for (const { operations } of steps)
      for (const stream of this.#options.targets.streamsOf(operations)) propose(stream, []);
    let mayAlone = true;
    const permit: Permit = (stream, touched) => {
      propose(stream, touched);
      mayAlone &&= isDirect(principal, stream, touched);
    };
    const request = { author, force, steps: steps.map((step) => ({ ...step, appliedAt: null })) };
    const foreseen = await this.#foreseen(request, permit);
    const targets = foreseen.flatMap((step) => step.targets);
    if (!force) await this.#expectThere(targets, principal);
    const premises = new Map(foreseen.flatMap((step) => step.premises).map((premise) => [premise.what, premise]));
    return { base: basesOf(targets), premises: [...premises.values()], mayAlone };
  }

  /** A mistyped name makes no config. Throws ERR_NOT_FOUND. */
  async #expectThere(targets: readonly Target[], principal: Principal): Promise<void> {
    const missing = firstsOf(targets).find(
      ({ stream, difference }) => stream.startsWith(CONFIG) && difference.kind === 'create',
    );
    if (missing === undefined) return;
    const name = missing.stream.slice(CONFIG.length);
    const seen = (await this.#options.names()).filter((known) => may(principal, 'read', configStream(known)));
    throw noSuchConfig(name, nearest(name, seen));
  }

  /** Throws ERR_OUT_OF_RANGE. */
  async #expectRoom(principal: Principal): Promise<void> {
    const open = (await this.#options.requests.open()).filter(({ value }) => isSamePerson(value.author, principal));
    if (open.length >= OPEN_MAX) throw tooManyOpen(principal, open.length + 1);
  }

  /** By step, the next `count` of those that are still to be made. */
  async #foreseen(
    { steps, author, force }: Pick<ChangeRequest, 'steps' | 'author' | 'force'>,
    permit: Permit,
    count?: number,
  ): Promise<readonly ForeseenStep[]> {
    const { targets, premises, now } = this.#options;
    const known: Known = { configs: new Map(), flags: new Map() };
    const write = { actor: author.actor, permit, force, at: now() };
    const foreseen: ForeseenStep[] = [];
    for (const { operations } of steps.filter(({ appliedAt }) => appliedAt === null).slice(0, count)) {
      const changed = await targets.foresee(operations, write, known);
      foreseen.push({ targets: changed, premises: (await premises.of(operations, changed)).premises });
    }
    return foreseen;
  }

  /** Made at once where it is due, else kept until it is. */
  async #save(
    request: Unsaved,
    signer: string,
    authors: readonly Principal[],
    approvers: readonly Principal[],
  ): Promise<void> {
    if (isDue(request.value, this.#options.now())) await this.#step(request, signer, authors, approvers);
    else await this.#append(request, signer);
  }

  /** Makes the next step: all of it and the entry that says so, or nothing. */
  async #step(
    { key, revision, value }: Unsaved,
    signer: string,
    authors: readonly Principal[],
    approvers: readonly Principal[],
  ): Promise<void> {
    const { targets, premises, requests, now, check } = this.#options;
    const { operations } = value.steps[nextStep(value)]!;
    const permits = [...authors, ...approvers].map((principal) => making(principal, approvers.length > 0));
    const [actor, reason] = [value.author.actor, reasonOf(key, value.reason)];
    const at = now();
    const write = { actor, reason, force: value.force, permit: every([check, ...permits]), at };
    const foreseen = await targets.foresee(operations, write);
    // What somebody has changed since it was asked for, or has stopped since a step has set it, is left to him.
    if (!value.force) expectUnmoved(value, foreseen);
    const meaning = await premises.of(operations, foreseen);
    expectSameMeaning(value, meaning.premises);
    const { base } = rebased(value, foreseen, 'next');
    const entry = await requests.entry({ key, revision }, stepped(key, value, at, base), { actor: signer, reason });
    await targets.make(spelledOut(operations, foreseen, meaning.templates), { ...write, also: [entry] });
  }

  async #append({ key, revision, value }: Unsaved, actor: string): Promise<void> {
    const { requests, targets } = this.#options;
    const entry = await requests.entry({ key, revision }, value, { actor, reason: reasonOf(key, value.reason) });
    await targets.make([], { actor, also: [entry], at: this.#options.now() });
  }

  async #decision(principal: Principal, { note = '' }: Deciding): Promise<Decision> {
    const state = await this.#options.identities.fresh();
    return { ...authorOf(principal, state), at: this.#options.now(), note };
  }

  #now(who: Author): Promise<Principal> {
    return principalNow(this.#options.identities, who, this.#options.now());
  }

  #inTurn<R>(work: () => Promise<R>): Promise<R> {
    const done = this.#last.then(work, work);
    this.#last = Promise.allSettled([done]);
    return done;
  }
}

function isDue(request: ChangeRequest, now: number): boolean {
  return (dueAt(request) ?? Number.POSITIVE_INFINITY) <= now;
}

function reasonOf(id: string, reason: string): string {
  return reason === '' ? `change request ${id}` : `${reason} (change request ${id})`;
}

/** What passes by itself: a maintenance, or somebody who was faster between our look and our entry. */
function passes(error: ConfigError): boolean {
  return error.code === 'ERR_MAINTENANCE' || (error.code === 'ERR_REVISION_CONFLICT' && !(error instanceof HasMoved));
}

function noSuchConfig(name: string, meant: string | null): ConfigError {
  const made = 'Say force, if it is to be made.';
  return new ConfigError('ERR_NOT_FOUND', {
    message: `There is no config '${name}'`,
    hint: meant === null ? made : `Did you mean '${meant}'? ${made}`,
    details: { what: `config ${name}` },
  });
}

function tooManyOpen({ actor }: Principal, value: number): ConfigError {
  return new ConfigError('ERR_OUT_OF_RANGE', {
    message: `${OPEN_MAX} change requests of ${actor} are waiting: no more than that may`,
    hint: 'Cancel some, or have them approved; several changes can be one request.',
    details: { field: 'open requests', value, min: 0, max: OPEN_MAX },
  });
}
