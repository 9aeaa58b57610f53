/**
 * What is said about a feature of Unleash besides whom it lets in: tags, description, titles, and what of it has no
 * place on a flag.
 * @module
 */
import type { FlagMetadata } from '../flag.ts';
import type { SourceFlag } from './conversion.ts';
import type { Report } from './findings.ts';
import { hasContent } from './source.ts';
import type { UnleashFeature } from './unleash-model.ts';

export function reportFeature({ at, environment, strategies, links }: UnleashFeature, report: Report): void {
  if (environment === null) report('environment-missing', at, 'Nothing is said of it in this environment: it is off');
  if (at.get('stale').isTrue) report('stale', at.get('stale'), 'It is marked as stale: it gets the tag `stale`');
  if (at.get('archived').isTrue || at.get('archivedAt').isThere) report('archived', at, 'It comes as archived');
  if (at.get('impressionData').isTrue) {
    report('impression-data', at.get('impressionData'), 'Flags send no events about their use');
  }
  if (links !== null && links.items().length > 0) report('not-carried', links, 'Links have no place on a flag');
  for (const plan of ['releasePlans', 'milestones', 'safeguards']) {
    const planned = environment?.get(plan).value;
    if (hasContent(planned)) report('release-plan', environment!.get(plan), 'Release plans do not come over');
  }
  const disabled = strategies.filter((strategy) => strategy.at.get('disabled').isTrue);
  for (const strategy of disabled) {
    report('disabled-strategy-dropped', strategy.at, `The strategy ${strategy.name} is disabled: it is left out`);
  }
  if (disabled.length > 0 && disabled.length === strategies.length) {
    report('all-strategies-disabled', at, 'All its strategies are disabled: for Unleash it is on for everybody');
  }
}

/** Each of them only where the export speaks of it: what clients fetch has none. */
export function factsOf({ at, tags }: UnleashFeature): Omit<SourceFlag, 'definition'> {
  const archivedAt = Date.parse(at.get('archivedAt').text() ?? '');
  const isArchived = at.get('archived').isTrue || !Number.isNaN(archivedAt);
  // When is not in every export.
  const archived = isArchived ? { archivedAt: Number.isNaN(archivedAt) ? 0 : archivedAt } : { archivedAt: null };
  return {
    ...(at.has('description') ? { description: at.get('description').text() } : {}),
    ...(tags === null ? {} : { tags }),
    marks: at.get('stale').isTrue ? ['stale'] : [],
    ...(at.has('archived') || at.has('archivedAt') ? archived : {}),
  };
}

export function metadataOf({ at, strategies }: UnleashFeature): FlagMetadata {
  const titles = strategies
    .flatMap((strategy) => strategy.at.get('title').text() ?? [])
    .filter((title) => title !== '');
  const said = {
    'unleash.type': at.get('type').text(),
    'unleash.project': at.get('project').text(),
    'unleash.strategies': titles.length === 0 ? null : titles.join('; '),
  };
  const there = Object.entries(said).filter((entry): entry is [string, string] => entry[1] !== null);
  return Object.fromEntries(there);
}
