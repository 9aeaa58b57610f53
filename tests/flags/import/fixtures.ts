/** What the tests of imports share: the samples, and the answers of flagd's own engine. @module */
import { readFileSync } from 'node:fs';
import { FeatureFlag } from '@openfeature/flagd-core';
import { expect } from 'vitest';
import type { Conversion, ConversionOptions, There } from '../../../src/flags/import/conversion.ts';
import { converting } from '../../../src/flags/import/convert.ts';
import type { Flag } from '../../../src/flags/flag.ts';
import { drain } from '../../../src/journal/steps.ts';

const quiet = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };

export const SAMPLES = [
  { file: 'unleash-export.json', options: {} },
  { file: 'unleash-export.json', options: { segments: sample('unleash-segments.json') } },
  { file: 'unleash-state-v4.json', options: { environment: 'production' } },
  { file: 'unleash-state-v4.json', options: { environment: 'development' } },
  { file: 'launchdarkly-flags-api.json', options: { segments: sample('launchdarkly-segments-api.json') } },
  { file: 'launchdarkly-sdk-file.json', options: {} },
  { file: 'flagd-array.json', options: {} },
] as const;

export function sample(file: string): string {
  return readFileSync(new URL(`samples/${file}`, import.meta.url), 'utf8');
}

/** All at once. */
export function convert(text: string, options?: ConversionOptions, there?: There): Conversion {
  return drain(converting(text, options, there));
}

export function flagOf({ flags }: Conversion, key: string): Flag {
  const found = flags.find((flag) => flag.key === key);
  expect(found?.flag, `${key} is ${found?.status}`).not.toBeNull();
  return found!.flag!;
}

export function statusOf({ flags }: Conversion, key: string): string | undefined {
  return flags.find((flag) => flag.key === key)?.status;
}

export function codesOf({ findings }: Conversion, flag: string | null): string[] {
  return [...new Set(findings.filter((finding) => finding.flag === flag).map(({ code }) => code))].toSorted();
}

/** What flagd answers, by walking the rules and by compiling them: the value, undefined for the caller's default. */
export function answer({ definition }: Flag, context: Readonly<Record<string, unknown>>): unknown {
  const [walked, compiled] = [true, false].map((disableDynamicCodeGeneration) => {
    const flag = new FeatureFlag('flag', definition as never, quiet, { disableDynamicCodeGeneration });
    const result = flag.evaluate(context as never, quiet);
    expect(result.reason, JSON.stringify([definition, context, result])).not.toBe('ERROR');
    return result.value;
  });
  expect(walked).toEqual(compiled);
  return walked;
}
