/**
 * What a change request knows of the things it changes as they were, and whether somebody else has changed them since.
 * @module
 */
import type { Base, ChangeRequest } from '../changes/change-request.ts';
import { ConfigError } from '../errors/errors.ts';
import type { Target } from './change-targets.ts';

/** Each thing once, as it is before the first step that changes it. */
export function basesOf(targets: readonly Target[]): readonly Base[] {
  return firstsOf(targets).map(({ stream, revision, state }) => ({ stream, revision, state }));
}

function firstsOf(targets: readonly Target[]): readonly Target[] {
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
    if (moved.length > 0) throw new HasMoved(target, known!, moved);
  }
}

/** Looking again would find the same, unlike after a lost race. */
export class HasMoved extends ConfigError<'ERR_REVISION_CONFLICT'> {
  constructor({ stream, revision }: Target, base: Base, moved: readonly string[]) {
    super('ERR_REVISION_CONFLICT', {
      message: `${moved.join(', ')} of ${stream} was changed since this was asked for or last worked on`,
      hint: 'Look at what it is now; ask for the change again, or say force.',
      details: { stream, expected: base.revision, actual: revision },
    });
  }
}
