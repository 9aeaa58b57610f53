/**
 * What is said about a feature of Unleash besides whom it lets in: tags, description, titles, and what of it has no
 * place on a flag.
 * @module
 */
import type { Flag, FlagMetadata } from '../flag.ts';
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

export function factsOf({ at, tags }: UnleashFeature): Pick<Flag, 'description' | 'tags' | 'archivedAt'> {
  const description = at.get('description').text() ?? '';
  const archivedAt = Date.parse(at.get('archivedAt').text() ?? '');
  const isArchived = at.get('archived').isTrue || !Number.isNaN(archivedAt);
  return {
    description: description === '' ? null : description,
    tags: [...new Set([...tags, ...(at.get('stale').isTrue ? ['stale'] : [])])],
    // When is not in every export: 0 says that it was long ago.
    archivedAt: isArchived ? (Number.isNaN(archivedAt) ? 0 : archivedAt) : null,
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
