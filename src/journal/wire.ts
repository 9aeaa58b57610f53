/**
 * What crosses between a journal in a worker and its owner: plain data, both ways.
 * @module
 */

import { configErrorFrom, isConfigError } from '../errors/errors.ts';
import type { ConfigError } from '../errors/errors.ts';
import type { EngineOptions } from './engine.ts';
import type { Anchor, Backup, Entry, Head, Moment, NewEntry, Page, ReadQuery, VerifyReport } from './journal.ts';

export type WireOptions = Pick<EngineOptions, 'path' | 'readonly' | 'busyTimeoutMs' | 'expectedId'>;

/** Each call's arguments and answer. */
export interface Calls {
  open: { args: [options: WireOptions]; value: { id: string; path: string } };
  append: { args: [entries: readonly NewEntry[]]; value: readonly Entry[] };
  read: { args: [query: ReadQuery]; value: Page };
  head: { args: []; value: Head };
  streamHead: { args: [stream: string]; value: number };
  latest: { args: [stream: string, moment: Moment | undefined]; value: Entry | null };
  query: { args: [projection: string, name: string, params: unknown]; value: unknown };
  rebuild: { args: [projection: string]; value: void };
  verify: { args: [anchor: Anchor | undefined]; value: VerifyReport };
  redact: { args: [seq: number, by: { readonly actor: string; readonly reason: string }]; value: Entry };
  backup: { args: [path: string]; value: Backup };
  close: { args: []; value: void };
}

export type Method = keyof Calls;

export type Request = {
  [M in Method]: { readonly id: number; readonly method: M; readonly args: Calls[M]['args'] };
}[Method];

export type ToWorker = Request | { readonly abort: number };

export type WireError =
  | { readonly config: ReturnType<ConfigError['toJSON']> }
  | { readonly name: string; readonly message: string; readonly stack: string | null };

export type ToOwner =
  | { readonly kind: 'value'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly error: WireError }
  | { readonly kind: 'progress'; readonly id: number; readonly done: number; readonly total: number };

export function toWireError(error: unknown): WireError {
  if (isConfigError(error)) return { config: error.toJSON() as ReturnType<ConfigError['toJSON']> };
  if (error instanceof Error) return { name: error.name, message: error.message, stack: error.stack ?? null };
  return { name: 'Error', message: String(error), stack: null };
}

export function fromWireError(error: WireError): Error {
  if ('config' in error) return configErrorFrom(error.config);
  const rebuilt = new Error(error.message);
  rebuilt.name = error.name;
  if (error.stack !== null) rebuilt.stack = error.stack;
  return rebuilt;
}
