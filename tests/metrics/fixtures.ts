/** Samples and figures that the tests of metrics share. @module */
import { Registry } from 'prom-client';
import { Figures } from '../../src/metrics/figures.ts';
import { SAMPLED_METRICS, type SampledMetric, type SampleValues } from '../../src/metrics/samples.ts';

/** A sample whose figures are all 0 but these. */
export function sampleOf(values: Partial<Record<SampledMetric, number>> = {}): SampleValues {
  return { ...(Object.fromEntries(SAMPLED_METRICS.map((metric) => [metric, 0])) as SampleValues), ...values };
}

export function newFigures(): { figures: Figures; text: () => Promise<string> } {
  const registry = new Registry();
  const figures = new Figures(registry);
  return { figures, text: () => registry.metrics() };
}
