/**
 * Samples, alerts and webhooks at work: each sample is kept, judged by the rules, and what begins or ends to fire is
 * sent out. Rules and targets are handed in; where they are stored is not known here.
 * @module
 */
import {
  evaluateAlerts,
  replayAlerts,
  type AlertRule,
  type AlertState,
  type AlertStates,
  type AlertTransition,
} from './alerts.ts';
import type { Figures } from './figures.ts';
import { SampleFile } from './sample-file.ts';
import { startSampling, type ReadingSources } from './sampler.ts';
import { Samples, type SampleValues } from './samples.ts';
import { waitInProcess, Webhooks, type Send, type WebhookTarget } from './webhooks.ts';

const SAVE_INTERVAL_MS = 5 * 60 * 1000;

export interface ObservabilityOptions {
  readonly figures: Figures;
  /** Of the newest entry; asked every 15 seconds. */
  readonly journal: ReadingSources['journal'];
  /** Where the samples survive a restart. */
  readonly path: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** What could not be done, in words. */
  readonly warn: (text: string) => void;
  /** How webhooks are told. Default: plain requests. */
  readonly send?: Send;
}

export class Observability {
  readonly samples = new Samples();
  readonly webhooks: Webhooks;
  readonly #options: ObservabilityOptions;
  readonly #file: SampleFile;
  #rules: readonly AlertRule[] = [];
  #states: AlertStates = new Map();
  #previousAt: number | null = null;
  #stop: (() => Promise<void>) | null = null;

  constructor(options: ObservabilityOptions) {
    const { figures, path, now, send } = options;
    this.#options = options;
    this.#file = new SampleFile(path, this.samples);
    this.webhooks = new Webhooks({
      now,
      random: Math.random,
      wait: waitInProcess,
      figures: figures.webhooks,
      ...(send === undefined ? {} : { send }),
    });
  }

  /** Takes up what was saved and begins to sample. Alerts that fired before a restart are not told again. */
  start(rules: readonly AlertRule[], targets: readonly WebhookTarget[]): void {
    const { figures, journal, now, warn } = this.#options;
    const fault = this.#file.load(now());
    if (fault !== null) warn(fault);
    this.#rules = rules;
    this.#states = replayAlerts(rules, this.samples.since(-Infinity));
    this.#count();
    this.webhooks.setTargets(targets);
    const sources = { figures, journal, clock_ms: () => performance.now(), process: PROCESS };
    const stopSampling = startSampling(
      sources,
      (values) => this.take(now(), values),
      (error) => warn(`a sample is missing: ${String(error)}`),
    );
    const timer = setInterval(() => void this.#save(), SAVE_INTERVAL_MS);
    timer.unref();
    this.#stop = async () => {
      clearInterval(timer);
      await stopSampling();
    };
  }

  /** From the next sample on. An alert whose rule is gone is resolved then. */
  setRules(rules: readonly AlertRule[]): void {
    this.#rules = rules;
  }

  /** Alerts that fire or may soon. */
  alerts(): readonly AlertState[] {
    return [...this.#states.values()];
  }

  /** One sample: kept, judged, told. */
  take(at: number, values: SampleValues): void {
    this.samples.add(at, values);
    const { states, transitions } = evaluateAlerts(this.#rules, this.#states, {
      at,
      previousAt: this.#previousAt,
      values,
    });
    this.#states = states;
    this.#previousAt = at;
    this.#count();
    for (const transition of transitions) if (transition.to !== 'pending') this.#tell(transition);
  }

  /** Saves the samples and ends what is under way. */
  async stop(): Promise<void> {
    await this.#stop?.();
    this.#stop = null;
    await this.webhooks.close();
    await this.#save();
  }

  #tell({ to, rule, since, at, value }: AlertTransition): void {
    this.webhooks.send({ type: `alert.${to}`, at, data: { rule, since, at, value } });
  }

  #count(): void {
    for (const level of Object.values(this.#options.figures.alertsFiring)) level.set(0);
    for (const { state, rule } of this.#states.values()) {
      if (state === 'firing') this.#options.figures.alertsFiring[rule.severity].add(1);
    }
  }

  async #save(): Promise<void> {
    try {
      await this.#file.save();
    } catch (error) {
      this.#options.warn(`the samples cannot be saved: ${(error as Error).message}`);
    }
  }
}

const PROCESS: ReadingSources['process'] = {
  cpu_ms: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
  residentMemory_bytes: () => process.memoryUsage.rss(),
};
