/**
 * What `c13 watch` says of what happens to a config: a line of words, or of JSON for each. Remembers what it said last;
 * writes nothing.
 * @module
 */
import { differences } from './change-text.ts';
import { clean } from './text.ts';
import type { StreamEvent } from '../client/config-stream.ts';
import type { StreamedConfig } from '../client/stream-state.ts';
import { defineFeatures, type FeatureSet } from '../config/features.ts';

/** Keys that are named in words. */
const KEYS_SHOWN = 10;

type Scheduled = Extract<StreamEvent, { readonly type: 'scheduled' }>;

export class WatchLines {
  readonly #name: string;
  readonly #isJson: boolean;
  #last: StreamedConfig | null = null;
  #isLost = false;
  /** By id: when. */
  readonly #scheduled = new Map<string, number>();

  constructor(name: string, isJson: boolean) {
    this.#name = name;
    this.#isJson = isJson;
  }

  config(now: StreamedConfig): string {
    const past = this.#last;
    this.#last = now;
    const { revision, ahead, config, rollouts, features } = now;
    if (this.#isJson) return this.#json({ type: 'config', revision, ahead, config, rollouts, features });
    const at = ahead.length > 0 ? `ahead of revision ${revision}` : String(revision);
    return this.#text(`${at}  ${past === null ? first(now) : changed(past, now)}`);
  }

  flags(keys: readonly string[]): string {
    if (this.#isJson) return this.#json({ type: 'flags', keys });
    const more = keys.length > KEYS_SHOWN ? ` and ${keys.length - KEYS_SHOWN} more` : '';
    return this.#text(` flags: ${keys.slice(0, KEYS_SHOWN).join(' ')}${more}`);
  }

  /** null: nothing is to be said. */
  event(event: StreamEvent): string | null {
    if (!this.#isNews(event)) return null;
    if (this.#isJson) return this.#json(event.type === 'package' ? ofPackage(event) : event);
    switch (event.type) {
      case 'scheduled':
        return this.#text(` scheduled ${event.id} for ${new Date(event.at).toISOString()}: ${this.#planned(event)}`);
      case 'cancelled':
        return this.#text(` cancelled ${event.id}`);
      case 'deleted':
        return this.#text(`${event.revision}  deleted: it reads as the defaults until it is made again`);
      case 'package':
        return this.#text(` published ${event.name}@${event.version}${event.tags.map((tag) => ` ${tag}`).join('')}`);
      case 'lost':
        return this.#text(' connection lost; another one is opened');
      default:
        return this.#text(' connected again');
    }
  }

  /** Each connection begins with what is scheduled; what became of it is seen in the config. */
  #isNews(event: StreamEvent): boolean {
    if (event.type === 'scheduled') {
      const isKnown = this.#scheduled.get(event.id) === event.at;
      this.#scheduled.set(event.id, event.at);
      return !isKnown;
    }
    if (event.type === 'done' || event.type === 'cancelled') this.#scheduled.delete(event.id);
    const wasLost = this.#isLost;
    if (event.type === 'lost' || event.type === 'connected') this.#isLost = event.type === 'lost';
    return event.type !== 'done' && (event.type !== 'connected' || wasLost);
  }

  #planned({ patch }: Scheduled): string {
    const names = defineFeatures(this.#last?.features ?? {});
    const words = [
      ...toggled(names, patch.on, patch.off),
      ...Object.entries(patch.fields).map(([field, value]) => `${field}=${value}`),
      ...rolled(patch.rollouts),
    ];
    return words.join(' ');
  }

  #json(said: object): string {
    const { type, ...rest } = said as { type: string };
    return JSON.stringify({ type, name: this.#name, ...rest });
  }

  #text(said: string): string {
    return clean(`${this.#name} ${said}`);
  }
}

function first({ config, rollouts, features }: StreamedConfig): string {
  const isOn = defineFeatures(features).enabledIn(config.featureFlags).join(' ');
  return [isOn === '' ? 'no features' : isOn, ...rolled(rollouts)].join(' ');
}

function changed(past: StreamedConfig, now: StreamedConfig): string {
  const words = differences(past.config, now.config, defineFeatures(now.features), '->');
  if (!isSame(past.rollouts, now.rollouts)) words.push(rolled(now.rollouts)[0] ?? 'rollouts: none');
  if (!isSame(past.features, now.features)) words.push('names of features changed');
  const [wasAhead, isMade] = [past.ahead.length > now.ahead.length, now.revision > past.revision];
  if (wasAhead && !isMade) words.push('(failed, taken back)');
  return words.join(' ') || (wasAhead ? 'as scheduled' : 'nothing that is seen here');
}

function toggled(names: FeatureSet, on: number, off: number): string[] {
  return [...names.enabledIn(on).map((name) => `+${name}`), ...names.enabledIn(off).map((name) => `-${name}`)];
}

/** Nothing where there are none. */
function rolled(rollouts: Readonly<Record<string, number>>): string[] {
  const parts = Object.entries(rollouts).map(([feature, percent]) => `${feature} ${percent}%`);
  return parts.length === 0 ? [] : [`rollouts: ${parts.join(' ')}`];
}

/** `name` is the config's in every line. */
function ofPackage({ type, name, version, tags }: Extract<StreamEvent, { readonly type: 'package' }>): object {
  return { type, package: name, version, tags };
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
