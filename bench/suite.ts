/**
 * The words of the benchmarks: a side is a loop over one operation, a case a side that is timed alone, a claim two
 * sides that are timed in turns. Suites list them; how time is taken is `measure.ts`.
 * @module
 */
import type { Backend } from '../bindings/backend.ts';
import { openNative } from '../bindings/native.ts';
import { openReference } from '../bindings/reference.ts';
import { openWasmFile } from '../bindings/wasm-file.ts';

/** `library` is what users call; `javascript` is the plainest code that does something like it. */
export type Column = 'zig' | 'native' | 'wasm' | 'reference' | 'library' | 'javascript';

/** Does its operation so many times and returns a hash of what came out, so that none of it can be left out. */
export type Loop = (times: number) => number | Promise<number>;

export interface Side {
  readonly name: string;
  readonly loop: Loop;
}

/** One cell of a table: `crc64 1 MiB` on `wasm`. */
export interface Case {
  readonly operation: string;
  readonly column: Column;
  readonly loop: Loop;
  /** What one pass of the loop counts as, where it works on many at once: time is told for one of them. */
  readonly batch?: number;
}

/**
 * `ratio`: subject over floor, at most. `speedup`: floor over subject, at least. `ns`: the subject alone, at most.
 * Without a value it is reported, and held to nothing.
 */
export interface Bound {
  readonly kind: 'ratio' | 'speedup' | 'ns';
  readonly value: number | null;
}

export interface Claim {
  readonly name: string;
  readonly subject: Side & { readonly batch?: number };
  readonly floor: Side & { readonly batch?: number };
  readonly bound: Bound;
  /** Passes a round; left out: as many as take two milliseconds. */
  readonly times?: number;
  readonly rounds?: number;
}

export interface Setting {
  /** As little as shows that it runs: for tests. */
  readonly tiny: boolean;
  /** A new stream of the same numbers (seed 42), 0 to 1. */
  random(): () => number;
  /** An empty directory on the disk that is measured. */
  readonly directory: string;
  readonly cores: Readonly<Record<'native' | 'wasm' | 'reference', Backend>>;
}

/** One number that is measured by itself: a percentile, a start, a size. */
export interface Figure {
  readonly name: string;
  readonly unit: 'ms' | 'MB' | 'KB';
  /** At most. */
  readonly bound: number | null;
  measure(): Promise<number>;
}

export interface Opened {
  readonly cases: readonly Case[];
  readonly claims: readonly Claim[];
  /** Sides that must not allocate. */
  readonly frugal?: readonly Side[];
  readonly figures?: readonly Figure[];
  close?(): Promise<void> | void;
}

export interface Suite {
  readonly name: string;
  /** Makes all data before any clock runs. */
  open(setting: Setting): Opened | Promise<Opened>;
}

export const CORE_COLUMNS = ['native', 'wasm', 'reference'] as const;

export function openCores(): Setting['cores'] {
  return { native: openNative(), wasm: openWasmFile(), reference: openReference() };
}

/**
 * The same operation on the three cores. Each loop is compiled for itself: shared code would be measured with all
 * three.
 */
export function onEachCore(
  { cores }: Setting,
  operation: string,
  loopFor: (core: Backend) => Loop,
  batch?: number,
): Case[] {
  return CORE_COLUMNS.map((column) => ({
    operation,
    column,
    loop: loopFor(cores[column]),
    ...(batch === undefined ? {} : { batch }),
  }));
}

export function atMost(value: number | null): Bound {
  return { kind: 'ratio', value };
}

export function atLeast(value: number | null): Bound {
  return { kind: 'speedup', value };
}

export function nsAtMost(value: number): Bound {
  return { kind: 'ns', value };
}
