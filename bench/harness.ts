/**
 * Runs one suite: opens it with the seed, times its claims first (while nothing else has shaped the compiled code),
 * then its cases, and gives plain data back.
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  compare,
  FULL,
  frugality,
  seeded,
  timeCase,
  TINY,
  type Compared,
  type Frugality,
  type Timed,
} from './measure.ts';
import { openCores, type Bound, type Column, type Figure, type Suite } from './suite.ts';

const SEED = 42;
const FRUGAL_PASSES = 50_000_000;
const FRUGAL_PASSES_TINY = 1000;

export interface CaseResult extends Timed {
  readonly operation: string;
  readonly column: Column;
}

export interface ClaimResult extends Compared {
  readonly name: string;
  readonly subjectName: string;
  readonly floorName: string;
  readonly bound: Bound;
}

export interface FigureResult {
  readonly name: string;
  readonly unit: Figure['unit'];
  readonly bound: number | null;
  readonly value: number;
  readonly isMet: boolean | null;
}

export interface SuiteResult {
  readonly suite: string;
  readonly figures: readonly FigureResult[];
  readonly claims: readonly ClaimResult[];
  readonly frugal: readonly Frugality[];
  readonly cases: readonly CaseResult[];
}

export interface RunOptions {
  readonly tiny: boolean;
  /** Where the suite's directory is made: its disk is the one that is measured. */
  readonly parent: string;
}

export async function runSuite(suite: Suite, { tiny, parent }: RunOptions): Promise<SuiteResult> {
  const directory = mkdtempSync(join(parent, 'bench-'));
  const effort = tiny ? TINY : FULL;
  try {
    const opened = await suite.open({ tiny, directory, random: () => seeded(SEED), cores: openCores() });
    const claims: ClaimResult[] = [];
    for (const claim of opened.claims) {
      const { name, subject, floor, bound } = claim;
      const compared = await compare(claim, effort);
      // So little input says nothing about a bound.
      const judged = tiny ? { isMet: null } : {};
      claims.push({ name, subjectName: subject.name, floorName: floor.name, bound, ...compared, ...judged });
    }
    const frugal: Frugality[] = [];
    for (const side of opened.frugal ?? []) {
      frugal.push(await frugality(side, tiny ? FRUGAL_PASSES_TINY : FRUGAL_PASSES));
    }
    const figures: FigureResult[] = [];
    for (const figure of opened.figures ?? []) figures.push(await figureResult(figure, tiny));
    const cases: CaseResult[] = [];
    for (const each of opened.cases) {
      const { operation, column } = each;
      cases.push({ operation, column, ...(await timeCase(each, effort)) });
    }
    await opened.close?.();
    return { suite: suite.name, claims, frugal, figures, cases };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function figureResult(figure: Figure, tiny: boolean): Promise<FigureResult> {
  const { name, unit, bound } = figure;
  const value = await figure.measure();
  return { name, unit, bound, value, isMet: tiny || bound === null ? null : value <= bound };
}
