/**
 * What a change request is: operations that somebody proposes, that perhaps a second person approves, and that are made
 * at their time, step by step. Pure: values in, values out; what an operation means is known by whoever makes it.
 *
 * The stored value is JSON (frozen): a field may be added, none changes its meaning.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';

/** The first two are open; nothing leads out of the others. */
export const CHANGE_REQUEST_STATES = [
  'proposed',
  'scheduled',
  'applied',
  'failed',
  'rejected',
  'cancelled',
  'expired',
] as const;
export type ChangeRequestState = (typeof CHANGE_REQUEST_STATES)[number];

/** One change of one config (`name`) or flag (`flag`), with one verb, as JSON. */
export type Operation = Readonly<Record<string, unknown>>;

export interface Step {
  /** Not before this moment, milliseconds since 1970; null: as soon as it may. */
  readonly at: number | null;
  /** Not before this long after the step before it. */
  readonly pause_ms: number;
  /** All or none of them. */
  readonly operations: readonly Operation[];
  /** Milliseconds since 1970; null: not yet. */
  readonly appliedAt: number | null;
}

/** Who asks, and with what: whether that is still good, and what he may, is looked up again when the change is made. */
export interface Author {
  /** Who signs: `ann`, `ann/ci`. */
  readonly actor: string;
  /** null: who runs a registry without users. */
  readonly user: string | null;
  /** null: he was signed in. */
  readonly tokenId: string | null;
  /** The user's, that his sign-ins carry: another one means that these were ended. null: it was no sign-in. */
  readonly epoch: number | null;
}

/** What somebody did to a request, when, and what he said to it. */
export interface Decision extends Author {
  readonly at: number;
  readonly note: string;
}

/** A thing that is to change, as it was when the request was made or its last step was. */
export interface Base {
  readonly stream: string;
  /** 0: it was not there. */
  readonly revision: number;
  /** What whoever makes the change compares; null: it was not there. */
  readonly state: unknown;
}

/** Something besides what it changes that says what an operation means: a template, a shared rule, a past state. */
export interface Premise {
  readonly what: string;
  /** Of what it was when the request was made. */
  readonly hash: string;
}

export interface ChangeRequest {
  readonly state: ChangeRequestState;
  readonly author: Author;
  readonly reason: string;
  readonly createdAt: number;
  /** Until then somebody must have approved it. */
  readonly expiresAt: number;
  /** Made although validation finds errors, or somebody else has changed the same meanwhile. */
  readonly force: boolean;
  /** One at least. */
  readonly steps: readonly Step[];
  readonly base: readonly Base[];
  readonly premises: readonly Premise[];
  readonly needsApproval: boolean;
  readonly approval: Decision | null;
  /** Who rejected or cancelled it. */
  readonly end: Decision | null;
  readonly failure: { readonly code: string; readonly message: string } | null;
}

/** What a new request consists of. */
export type Proposal = Pick<
  ChangeRequest,
  'author' | 'reason' | 'createdAt' | 'expiresAt' | 'force' | 'base' | 'premises' | 'needsApproval'
> & { readonly steps: readonly Omit<Step, 'appliedAt'>[] };

/** A request that waits: for an approval, or for its time. */
export function newRequest({ steps, ...proposal }: Proposal): ChangeRequest {
  return {
    ...proposal,
    state: proposal.needsApproval ? 'proposed' : 'scheduled',
    steps: steps.map((step) => ({ ...step, appliedAt: null })),
    approval: null,
    end: null,
    failure: null,
  };
}

export function isOpen({ state }: Pick<ChangeRequest, 'state'>): boolean {
  return state === 'proposed' || state === 'scheduled';
}

/** Whether it is the same person, whatever token he shows. */
export function isSamePerson(a: Pick<Author, 'actor' | 'user'>, b: Pick<Author, 'actor' | 'user'>): boolean {
  return a.user === null || b.user === null ? a.actor === b.actor : a.user === b.user;
}

/** By somebody else than its author. Throws ERR_SELF_APPROVAL, ERR_CHANGE_REQUEST_STATE. */
export function approved(id: string, request: ChangeRequest, decision: Decision): ChangeRequest {
  expectState(id, request, ['proposed'], 'approved');
  expectAnother(id, request, decision, 'approve');
  if (decision.at >= request.expiresAt) throw wrongState(id, 'expired', 'approved');
  return { ...request, state: 'scheduled', approval: decision };
}

/** By somebody else than its author. Throws ERR_SELF_APPROVAL, ERR_CHANGE_REQUEST_STATE. */
export function rejected(id: string, request: ChangeRequest, decision: Decision): ChangeRequest {
  expectState(id, request, ['proposed'], 'rejected');
  expectAnother(id, request, decision, 'reject');
  return { ...request, state: 'rejected', end: decision };
}

/** The steps that were made stay. Throws ERR_CHANGE_REQUEST_STATE. */
export function cancelled(id: string, request: ChangeRequest, decision: Decision): ChangeRequest {
  expectState(id, request, ['proposed', 'scheduled'], 'cancelled');
  return { ...request, state: 'cancelled', end: decision };
}

/** Throws ERR_CHANGE_REQUEST_STATE. */
export function expired(id: string, request: ChangeRequest): ChangeRequest {
  expectState(id, request, ['proposed'], 'expired');
  return { ...request, state: 'expired' };
}

/** Throws ERR_CHANGE_REQUEST_STATE. */
export function failed(id: string, request: ChangeRequest, failure: ChangeRequest['failure']): ChangeRequest {
  expectState(id, request, ['scheduled'], 'made');
  return { ...request, state: 'failed', failure };
}

/** Its next step is made; `base` is what the things it changes are from now on. Throws ERR_CHANGE_REQUEST_STATE. */
export function stepped(id: string, request: ChangeRequest, at: number, base: readonly Base[]): ChangeRequest {
  expectState(id, request, ['scheduled'], 'made');
  const next = nextStep(request);
  const steps = request.steps.map((step, i) => (i === next ? { ...step, appliedAt: at } : step));
  return { ...request, steps, base, state: next === steps.length - 1 ? 'applied' : 'scheduled' };
}

/** The step that is to be made next; -1: all are made. */
export function nextStep({ steps }: Pick<ChangeRequest, 'steps'>): number {
  return steps.findIndex(({ appliedAt }) => appliedAt === null);
}

/** When its next step is to be made, milliseconds since 1970; null: there is none, or nobody has approved it. */
export function dueAt(request: ChangeRequest): number | null {
  if (request.state !== 'scheduled') return null;
  const next = nextStep(request);
  const { at, pause_ms } = request.steps[next]!;
  const before = next === 0 ? request.createdAt : request.steps[next - 1]!.appliedAt! + pause_ms;
  return Math.max(at ?? 0, before);
}

function expectState(id: string, { state }: ChangeRequest, states: readonly ChangeRequestState[], done: string): void {
  if (!states.includes(state)) throw wrongState(id, state, done);
}

function wrongState(id: string, state: ChangeRequestState, done: string): ConfigError {
  return new ConfigError('ERR_CHANGE_REQUEST_STATE', {
    message: `The change request ${id} is ${state}: it cannot be ${done}`,
    hint: 'Look at it, to see who did what to it; ask for the change again if it is still wanted.',
    details: { id, state },
  });
}

function expectAnother(id: string, { author }: ChangeRequest, decision: Decision, verb: string): void {
  if (!isSamePerson(author, decision)) return;
  throw new ConfigError('ERR_SELF_APPROVAL', {
    message: `${decision.actor} has asked for the change ${id}, and cannot ${verb} it himself`,
    hint: verb === 'reject' ? 'Cancel it instead.' : 'Ask somebody else who may make the change.',
    details: { id },
  });
}
