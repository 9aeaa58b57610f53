/** The states a slot is filled with: what the journal keeps, or the beginning of a new config. @module */
import type { SlotImage } from '../../bindings/backend.ts';
import { readConfigVariables } from '../config/environment.ts';
import { DEFAULT_CONFIG, encodeConfig } from '../config/value.ts';
import { processVariables } from '../env/env.ts';
import { rolloutsOf, type StoredState } from './projection.ts';

/** The slot's image of what the journal keeps. */
export function imageOf(state: StoredState): SlotImage {
  return {
    revision: state.revision,
    config: state.config,
    modifiedAt: state.modifiedAt,
    rolloutsRevision: state.rolloutsRevision,
    rollouts: rolloutsOf(state.rollouts),
  };
}

/** Revision 1: the defaults, with what the BUN_* variables say. Throws ERR_SETTING for a malformed variable. */
export function firstImage(): SlotImage {
  return {
    revision: 1,
    config: encodeConfig({ ...DEFAULT_CONFIG, ...readConfigVariables(processVariables()) }),
    modifiedAt: Date.now(),
    rolloutsRevision: 1,
    rollouts: new Uint16Array(32),
  };
}
