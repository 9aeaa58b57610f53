/** What becomes of a change request, held against a model that only knows who did what when. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  approved,
  cancelled,
  dueAt,
  expired,
  failed,
  isOpen,
  newRequest,
  nextStep,
  rejected,
  stepped,
  type ChangeRequest,
} from '../../src/changes/change-request.ts';
import { parseChangeRequest } from '../../src/changes/stored-request.ts';
import { isConfigError } from '../../src/errors/errors.ts';

interface Model {
  approvedBy: string | null;
  made: number;
  /** What ended it; null: it goes on. */
  end: 'rejected' | 'cancelled' | 'expired' | 'failed' | null;
}

interface Real {
  request: ChangeRequest;
}

const PEOPLE = ['ann', 'bob'] as const;
const EXPIRES_AT = 1_000;

interface Verb {
  readonly name: string;
  readonly who: (typeof PEOPLE)[number];
  readonly at: number;
}

/** Why the model refuses; null: it does not. */
function refusal({ name, who, at }: Verb, model: Model, needsApproval: boolean, steps: number): string | null {
  const isDone = model.end !== null || model.made === steps;
  const waits = needsApproval && model.approvedBy === null;
  if (isDone) return 'ERR_CHANGE_REQUEST_STATE';
  if (name === 'cancel') return null;
  if (name === 'make' || name === 'fail') return waits ? 'ERR_CHANGE_REQUEST_STATE' : null;
  if (!waits) return 'ERR_CHANGE_REQUEST_STATE';
  if (name === 'expire') return null;
  if (who === 'ann') return 'ERR_SELF_APPROVAL';
  return name === 'approve' && at >= EXPIRES_AT ? 'ERR_CHANGE_REQUEST_STATE' : null;
}

function applied({ name, who }: Verb, model: Model): void {
  if (name === 'approve') model.approvedBy = who;
  if (name === 'make') model.made++;
  const ends = { reject: 'rejected', cancel: 'cancelled', expire: 'expired', fail: 'failed' } as const;
  if (name in ends) model.end = ends[name as keyof typeof ends];
}

function done({ name, who, at }: Verb, request: ChangeRequest): ChangeRequest {
  const decision = { actor: `${who}/token`, user: who, tokenId: `of-${who}`, epoch: null, at, note: '' };
  if (name === 'approve') return approved('x', request, decision);
  if (name === 'reject') return rejected('x', request, decision);
  if (name === 'cancel') return cancelled('x', request, decision);
  if (name === 'expire') return expired('x', request);
  if (name === 'fail') return failed('x', request, { code: 'ERR_FORBIDDEN', message: 'gone' });
  return stepped('x', request, at, request.base);
}

function stateOf(model: Model, needsApproval: boolean, steps: number): string {
  if (model.end !== null) return model.end;
  if (model.made === steps) return 'applied';
  return needsApproval && model.approvedBy === null ? 'proposed' : 'scheduled';
}

class Attempt implements fc.Command<Model, Real> {
  constructor(
    readonly verb: Verb,
    readonly setup: { needsApproval: boolean; steps: number },
  ) {}

  check(): boolean {
    return true;
  }

  run(model: Model, real: Real): void {
    const { needsApproval, steps } = this.setup;
    const wanted = refusal(this.verb, model, needsApproval, steps);
    let refused: string | null = null;
    try {
      real.request = done(this.verb, real.request);
    } catch (error) {
      if (!isConfigError(error)) throw error;
      refused = error.code;
    }
    expect(refused).toBe(wanted);
    if (wanted === null) applied(this.verb, model);
    const { request } = real;
    expect(request.state).toBe(stateOf(model, needsApproval, steps));
    expect(isOpen(request)).toBe(['proposed', 'scheduled'].includes(request.state));
    expect(request.steps.filter(({ appliedAt }) => appliedAt !== null)).toHaveLength(model.made);
    expect(dueAt(request) === null).toBe(request.state !== 'scheduled');
    expect(parseChangeRequest(JSON.parse(JSON.stringify(request)))).toEqual(request);
  }

  toString(): string {
    return `${this.verb.who} ${this.verb.name} at ${this.verb.at}`;
  }
}

const SETUPS = fc.record({ needsApproval: fc.boolean(), steps: fc.integer({ min: 1, max: 3 }) });
const VERBS = fc.record({
  name: fc.constantFrom('approve', 'reject', 'cancel', 'expire', 'fail', 'make', 'make', 'approve'),
  who: fc.constantFrom(...PEOPLE),
  at: fc.integer({ min: 0, max: 2 * EXPIRES_AT }),
});

function requestOf(needsApproval: boolean, steps: number): ChangeRequest {
  return newRequest({
    author: { actor: 'ann', user: 'ann', tokenId: null, epoch: 3 },
    reason: 'because',
    createdAt: 0,
    expiresAt: EXPIRES_AT,
    force: false,
    base: [{ stream: 'config:shop', revision: 3, state: { hex: '0x', rollouts: {} } }],
    premises: [{ what: 'template rel for shop', hash: 'abc' }],
    needsApproval,
    steps: Array.from({ length: steps }, (_, i) => ({ at: i === 0 ? 50 : null, pause_ms: i * 10, operations: [] })),
  });
}

describe('a change request', () => {
  it('goes where the model says, whoever does what when', () => {
    const runs = SETUPS.chain((setup) =>
      fc.record({
        setup: fc.constant(setup),
        commands: fc.commands([VERBS.map((verb) => new Attempt(verb, setup))], { maxCommands: 12 }),
      }),
    );
    fc.assert(
      fc.property(runs, ({ setup, commands }) => {
        const model: Model = { approvedBy: null, made: 0, end: null };
        fc.modelRun(() => ({ model, real: { request: requestOf(setup.needsApproval, setup.steps) } }), commands);
      }),
      { seed: 13, numRuns: 500 },
    );
  });

  it('is due at its moment, then after each pause, counted from when the step before was made', () => {
    let request = requestOf(false, 3);
    const seen: (number | null)[] = [];
    for (const at of [70, 60, 500]) {
      seen.push(dueAt(request));
      request = stepped('x', request, at, request.base);
    }
    expect([...seen, dueAt(request)]).toEqual([50, 80, 80, null]);
    expect(nextStep(request)).toBe(-1);
  });

  it('is read back only as what it is', () => {
    const stored = JSON.parse(JSON.stringify(requestOf(true, 1)));
    for (const field of Object.keys(stored)) {
      expect(() => parseChangeRequest({ ...stored, [field]: 1.5 }), field).toThrow(/Invalid/);
    }
  });
});
