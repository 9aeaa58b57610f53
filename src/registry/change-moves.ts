/**
 * What a change request knows of the things it changes as they were, and whether somebody else has changed them since.
 * @module
 */
import type { Base, ChangeRequest, Premise } from '../changes/change-request.ts';
import { ConfigError } from '../errors/errors.ts';
import type { Target } from './change-targets.ts';

/** Each thing once, as it is before the first step that changes it. */
export function basesOf(targets: readonly Target[]): readonly Base[] {
  return firstsOf(targets).map(({ stream, revision, state }) => ({ stream, revision, state }));
}

export function firstsOf(targets: readonly Target[]): readonly Target[] {
  return targets.filter(({ stream }, i) => targets.findIndex((one) => one.stream === stream) === i);
}

/** With what it touches as it is now, or as it will be after these changes. */
export function rebased(
  request: ChangeRequest,
  targets: readonly Target[],
  to: 'state' | 'next' = 'state',
): ChangeRequest {
  const base = request.base.map((one) => {
    const target = targets.find(({ stream }) => stream === one.stream);
    return target === undefined ? one : { ...one, state: target[to] };
  });
  return { ...request, base };
}

/** Throws ERR_REVISION_CONFLICT for what somebody else has changed since. */
export function expectUnmoved({ base }: ChangeRequest, targets: readonly Target[]): void {
  for (const target of firstsOf(targets)) {
    const known = base.find(({ stream }) => stream === target.stream);
    const moved = known === undefined ? [] : target.moved(known.state);
    if (moved.length === 0) continue;
    throw new HasMoved(`${moved.join(', ')} of ${target.stream}`, target.stream, known!.revision, target.revision);
  }
}

/**
 * Throws ERR_REVISION_CONFLICT where an operation means something else by now than when it was asked for: nobody has
 * seen that, so no `force` helps.
 */
export function expectSameMeaning({ premises }: ChangeRequest, now: readonly Premise[]): void {
  const [moved] = movedPremises(premises, now);
  if (moved !== undefined)
    throw new HasMoved(moved, moved, 0, 0, 'Look at what it is now, and ask for the change again.');
}

/** What they are that are not as they were. */
export function movedPremises(before: readonly Premise[], now: readonly Premise[]): readonly string[] {
  const known = new Map(before.map(({ what, hash }) => [what, hash]));
  return now.filter(({ what, hash }) => known.get(what) !== hash).map(({ what }) => what);
}

/** Looking again would find the same, unlike after a lost race. */
export class HasMoved extends ConfigError<'ERR_REVISION_CONFLICT'> {
  constructor(
    what: string,
    stream: string,
    expected: number,
    actual: number,
    hint = 'Look at what it is now; ask for the change again, or say force.',
  ) {
    super('ERR_REVISION_CONFLICT', {
      message: `${what} was changed since this was asked for or last worked on`,
      hint,
      details: { stream, expected, actual },
    });
  }
}
