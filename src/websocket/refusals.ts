/** What a client is told of a message that is well formed, and not taken. Decides nothing. @module */
import { ConfigError, type AnyConfigError } from '../errors/errors.ts';

export function tooManyUnderWay(limit: number): AnyConfigError {
  return new ConfigError('ERR_BUSY', {
    message: `${limit} messages of this client are under way, and more are not taken`,
    hint: 'Wait for the answers.',
    details: { limit },
  }) as AnyConfigError;
}

export function tooManyResumes(limit: number): AnyConfigError {
  return new ConfigError('ERR_BUSY', {
    message: `${limit} times a second a client may go on from a revision, and no more often`,
    hint: 'Resume once, and wait a second before it is tried again; a snapshot can be had meanwhile.',
    details: { limit },
  }) as AnyConfigError;
}

export function binaryOff(): AnyConfigError {
  return new ConfigError('ERR_STREAM', {
    message: "Frames are not spoken here: the registry's own feature 'binary_protocol' is off",
    hint: "Turn it on in the config 'registry', or write over HTTP; changes are told as JSON meanwhile.",
    details: { fault: 'binary_off' },
  }) as AnyConfigError;
}

export function serversOwn(type: number): AnyConfigError {
  return new ConfigError('ERR_STREAM', {
    message: `Frames of type ${type} are the server's to send`,
    hint: 'Send updates (1), feature toggles (2), resizes (4) and heartbeats (5).',
    details: { fault: 'direction' },
  }) as AnyConfigError;
}
