/**
 * Change requests as the journal keeps them: what was stored is judged before it is believed.
 * @module
 */
import { asObject, wrongType } from '../config/input.ts';
import {
  CHANGE_REQUEST_STATES,
  type Author,
  type Base,
  type ChangeRequest,
  type ChangeRequestState,
  type Decision,
  type Operation,
  type Premise,
  type Step,
} from './change-request.ts';

/** Throws ERR_WRONG_TYPE for what is no change request. */
export function parseChangeRequest(input: unknown): ChangeRequest {
  const value = asObject('change request', input);
  const { approval, end, failure } = value;
  return {
    state: stateOf(value['state']),
    author: authorOf('author', value['author']),
    reason: textOf('reason', value['reason']),
    createdAt: wholeOf('createdAt', value['createdAt']),
    expiresAt: wholeOf('expiresAt', value['expiresAt']),
    force: flagOf('force', value['force']),
    steps: listOf('steps', value['steps']).map(stepOf),
    base: listOf('base', value['base']).map(baseOf),
    premises: listOf('premises', value['premises'] ?? []).map(premiseOf),
    needsApproval: flagOf('needsApproval', value['needsApproval']),
    approval: approval === null ? null : decisionOf('approval', approval),
    end: end === null ? null : decisionOf('end', end),
    failure: failure === null ? null : failureOf(failure),
  };
}

function stateOf(value: unknown): ChangeRequestState {
  const state = CHANGE_REQUEST_STATES.find((known) => known === value);
  if (state === undefined) throw wrongType('state', `one of ${CHANGE_REQUEST_STATES.join(', ')}`, value);
  return state;
}

function authorOf(field: string, input: unknown): Author {
  const { actor, user, tokenId = null, epoch = null } = asObject(field, input);
  return {
    actor: textOf(`${field}.actor`, actor),
    user: user === null ? null : textOf(`${field}.user`, user),
    tokenId: tokenId === null ? null : textOf(`${field}.tokenId`, tokenId),
    epoch: epoch === null ? null : wholeOf(`${field}.epoch`, epoch),
  };
}

function decisionOf(field: string, input: unknown): Decision {
  const { at, note } = asObject(field, input);
  return { ...authorOf(field, input), at: wholeOf(`${field}.at`, at), note: textOf(`${field}.note`, note) };
}

function stepOf(input: unknown, i: number): Step {
  const field = `steps[${i}]`;
  const { at, pause_ms, operations, appliedAt } = asObject(field, input);
  return {
    at: at === null ? null : wholeOf(`${field}.at`, at),
    pause_ms: wholeOf(`${field}.pause_ms`, pause_ms),
    operations: listOf(`${field}.operations`, operations).map((one): Operation => asObject(`${field}.operations`, one)),
    appliedAt: appliedAt === null ? null : wholeOf(`${field}.appliedAt`, appliedAt),
  };
}

function baseOf(input: unknown, i: number): Base {
  const { stream, revision, state = null } = asObject(`base[${i}]`, input);
  return { stream: textOf(`base[${i}].stream`, stream), revision: wholeOf(`base[${i}].revision`, revision), state };
}

function premiseOf(input: unknown, i: number): Premise {
  const { what, hash } = asObject(`premises[${i}]`, input);
  return { what: textOf(`premises[${i}].what`, what), hash: textOf(`premises[${i}].hash`, hash) };
}

function failureOf(input: unknown): NonNullable<ChangeRequest['failure']> {
  const { code, message } = asObject('failure', input);
  return { code: textOf('failure.code', code), message: textOf('failure.message', message) };
}

function listOf(field: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw wrongType(field, 'a list', value);
  return value;
}

function textOf(field: string, value: unknown): string {
  if (typeof value !== 'string') throw wrongType(field, 'text', value);
  return value;
}

function flagOf(field: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw wrongType(field, 'true or false', value);
  return value;
}

function wholeOf(field: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw wrongType(field, 'a whole number, 0 or more', value);
  }
  return value;
}
