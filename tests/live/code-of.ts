/** The code an action ends with, for processes that the tests start: must not load the test runner. @module */
import { ConfigError } from '../../src/errors/errors.ts';

/** 'none' when it ends well. */
export async function codeOf(action: Promise<unknown>): Promise<string> {
  try {
    await action;
    return 'none';
  } catch (error) {
    if (error instanceof ConfigError) return error.code;
    throw error;
  }
}
