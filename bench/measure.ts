/**
 * Takes the time. A case is timed by mitata; a claim by rounds in which both sides run one after the other, the order
 * turned each round, so that what else the machine does falls on both. Knows nothing of what it times.
 * @module
 */
import { measure } from 'mitata';
import type { Bound, Case, Claim, Loop, Side } from './suite.ts';

/** Nanoseconds of one operation, and the hash of the work. */
export interface Timed {
  readonly p50: number;
  readonly p99: number;
  readonly hash: number;
}

/** Of both sides nanoseconds of one operation; the ratios are subject over floor, or the other way for a speedup. */
export interface Compared {
  readonly subject: number;
  readonly floor: number;
  /** Median over median. */
  readonly ratio: number;
  /** Quartiles of the rounds' own ratios. */
  readonly spread: readonly [number, number];
  readonly rounds: number;
  readonly isMet: boolean | null;
  readonly hash: number;
}

export interface Effort {
  /** How long one pass over a side should take. */
  readonly roundNs: number;
  readonly rounds: number;
  readonly sampleNs: number;
  readonly caseNs: number;
}

export const FULL: Effort = { roundNs: 2e6, rounds: 31, sampleNs: 2e5, caseNs: 6e7 };
export const TINY: Effort = { roundNs: 0, rounds: 3, sampleNs: 0, caseNs: 0 };

const WARM_UP_ROUNDS = 10;
const TIMES_MAX = 1 << 26;

/** Numbers from 0 to 1, the same ones for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

export async function timeCase({ loop, batch = 1 }: Case, { sampleNs, caseNs }: Effort): Promise<Timed> {
  const times = await timesFor(loop, sampleNs);
  const hash = await loop(times);
  const { p50, p99 } = await measure(() => loop(times), { min_cpu_time: caseNs, min_samples: caseNs === 0 ? 2 : 12 });
  const each = times * batch;
  return { p50: p50 / each, p99: p99 / each, hash };
}

export async function compare(claim: Claim, effort: Effort): Promise<Compared> {
  const { subject, floor } = claim;
  const isTiny = effort.roundNs === 0;
  const rounds = isTiny ? effort.rounds : (claim.rounds ?? effort.rounds);
  const times: [number, number] = [1, 1];
  for (let round = 0; round < (isTiny ? 1 : WARM_UP_ROUNDS); round++) {
    for (const side of [0, 1] as const) {
      const passes = await timesFor(
        (side === 0 ? subject : floor).loop,
        effort.roundNs * (claim.times === undefined ? 1 : 10),
      );
      times[side] = claim.times ?? passes;
    }
  }
  const taken: [number[], number[]] = [[], []];
  let hash = 0;
  for (let round = 0; round < rounds; round++) {
    for (const side of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      const { loop, batch = 1 } = side === 0 ? subject : floor;
      const began = Bun.nanoseconds();
      const result = loop(times[side]);
      hash = (hash + (typeof result === 'number' ? result : await result)) >>> 0;
      taken[side].push((Bun.nanoseconds() - began) / (times[side] * batch));
    }
  }
  return { ...judged(taken[0], taken[1], claim.bound), rounds, hash };
}

/** What two rows of times come to. */
export function judged(
  subjects: readonly number[],
  floors: readonly number[],
  bound: Bound,
): Omit<Compared, 'rounds' | 'hash'> {
  const isSpeedup = bound.kind === 'speedup';
  const ratioOf = (subject: number, floor: number): number => (isSpeedup ? floor / subject : subject / floor);
  const ratios = subjects.map((subject, round) => ratioOf(subject, floors[round]!));
  const [subject, floor] = [quantile(subjects, 0.5), quantile(floors, 0.5)];
  const ratio = ratioOf(subject, floor);
  const spread = [quantile(ratios, 0.25), quantile(ratios, 0.75)] as const;
  return { subject, floor, ratio, spread, isMet: holds(bound, subject, ratio) };
}

function holds({ kind, value }: Bound, subject: number, ratio: number): boolean | null {
  if (value === null) return null;
  if (kind === 'ns') return subject <= value;
  return kind === 'ratio' ? ratio <= value : ratio >= value;
}

export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN;
}

/** How many passes take so long; what it runs on the way is the warm-up. */
async function timesFor(loop: Loop, nanoseconds: number): Promise<number> {
  for (let times = 1; ; times *= 2) {
    const began = Bun.nanoseconds();
    await loop(times);
    const taken = Bun.nanoseconds() - began;
    if (taken >= nanoseconds || times >= TIMES_MAX) return times;
  }
}

/** Collections of garbage while a side ran, beside those while a loop ran that allocates one small object a pass. */
export interface Frugality {
  readonly name: string;
  readonly passes: number;
  readonly collections: number;
  readonly control: number;
}

const SLICES = 20;

/**
 * Shows that a side allocates nothing: the engine collects after some megabytes of new objects, so a loop over
 * millions of passes in which no collection happens made none. What a collection is seen by: objects that only weak
 * references hold are gone.
 */
export async function frugality({ name, loop }: Side, passes: number): Promise<Frugality> {
  const collections = await collectionsDuring(loop, passes);
  return { name, passes, collections, control: await collectionsDuring(allocating, passes) };
}

let kept: { pass: number } | null = null;

function allocating(times: number): number {
  let hash = 0;
  for (let pass = 0; pass < times; pass++) {
    kept = { pass };
    hash = (hash + kept.pass) | 0;
  }
  return hash;
}

async function collectionsDuring(loop: Loop, passes: number): Promise<number> {
  const slice = Math.ceil(passes / SLICES);
  // Compilers allocate too: until they are done, collections are theirs.
  for (let warmUp = 0; warmUp < WARM_UP_ROUNDS; warmUp++) await loop(slice);
  let collections = 0;
  for (let done = 0; done < SLICES; done++) {
    Bun.gc(true);
    const watched = Array.from({ length: 16 }, () => new WeakRef({}));
    // A weak reference holds its object until the end of the turn that made it.
    await new Promise<void>((resolve) => void setTimeout(resolve, 0));
    await loop(slice);
    if (watched.some((reference) => reference.deref() === undefined)) collections++;
  }
  return collections;
}
