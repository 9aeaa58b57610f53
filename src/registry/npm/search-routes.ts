/**
 * Finding packages: by words, and by who has starred them. Shows what the asker may see, and counts nothing else.
 * @module
 */
import { z } from 'zod';
import type { Principal } from '../../auth/rights.ts';
import { unscopedOf } from '../../packages/name.ts';
import { DEFAULT_SETTINGS } from '../../packages/package.ts';
import type { SearchHit } from '../../packages/packages.ts';
import { userOf } from '../../packages/publisher.ts';
import { mayReadPackage, mayReadPackages } from '../package-rights.ts';
import { route, type Route } from '../route.ts';
import type { OwnConfig } from '../own-config.ts';
import type { UplinkServices } from './open-uplinks.ts';
import type { NpmServices, PackageServices } from './package-services.ts';
import { PACKAGE_TAG } from './npm-params.ts';

const SIZE_DEFAULT = 20;
const SIZE_MAX = 250;
const FROM_MAX = 100_000;
/** Packages that one list of stars shows. */
const STARS_MAX = 1000;

const FOUND = z
  .looseObject({ objects: z.array(z.looseObject({ package: z.looseObject({}) })), total: z.int(), time: z.string() })
  .meta({ id: 'PackageSearch' });
const STARRED = z.looseObject({ rows: z.array(z.looseObject({ value: z.string() })) }).meta({ id: 'StarredPackages' });

export function searchRoutes({
  packages: services,
  uplinks,
}: NpmServices & Pick<UplinkServices, 'uplinks'>): readonly Route[] {
  const search = route({
    method: 'get',
    path: '/-/v1/search',
    operationId: 'searchPackages',
    tag: PACKAGE_TAG,
    summary: 'Packages by words',
    description:
      'Parameters: `text`, `size` (20; at most 250), `from`. In the text also `keywords:`, `author:`, `maintainer:`, ' +
      '`scope:`.',
    access: 'granted',
    takesAnyQuery: true,
    answers: { 200: { description: 'What you may read of it, the best first', schema: FOUND } },
    handle: async ({ c, principal }) => {
      const [size, from] = [
        countOf(c.req.query('size'), SIZE_DEFAULT, SIZE_MAX),
        countOf(c.req.query('from'), 0, FROM_MAX),
      ];
      const text = c.req.query('text') ?? '';
      const { total, hits } = await services.packages.search({
        text,
        from,
        size,
        maySee: (name, found) => mayReadPackage(principal, name, found, services.own.flags.premium_types),
      });
      c.header('cache-control', 'no-cache');
      const others = from === 0 ? await elsewhere(uplinks, services.own, principal, text, size - hits.length) : [];
      const objects = [...hits.map(foundOf), ...others];
      return c.json({ objects, total: total + others.length, time: new Date().toISOString() });
    },
  });
  return [search, starredRoute(services)];
}

/** What other registries find, where there is room for it. */
async function elsewhere(
  uplinks: UplinkServices['uplinks'],
  own: OwnConfig,
  principal: Principal,
  text: string,
  size: number,
): Promise<readonly object[]> {
  if (size <= 0 || text === '' || !mayReadPackages(principal)) return [];
  const found = await uplinks.search(text, size);
  const isSeen = (name: unknown): boolean =>
    typeof name === 'string' && mayReadPackage(principal, name, DEFAULT_SETTINGS, own.flags.premium_types);
  return found.filter((one) => isSeen((one['package'] as { name?: unknown } | undefined)?.name)).slice(0, size);
}

/** As CouchDB has a view: `?key="ann"`. */
function starredRoute(services: PackageServices): Route {
  return route({
    method: 'get',
    path: '/-/_view/starredByUser',
    operationId: 'listStarredPackages',
    tag: PACKAGE_TAG,
    summary: 'Packages that a user has starred',
    description: 'Parameter: `key`, the name of the user as JSON text.',
    access: 'granted',
    takesAnyQuery: true,
    answers: { 200: { description: 'What you may read of them', schema: STARRED } },
    handle: async ({ c, principal }) => {
      const user = (c.req.query('key') ?? '').replace(/^"(.*)"$/, '$1');
      const names = (await services.packages.starredBy(user)).slice(0, STARS_MAX);
      const shown = await visibleOf(names, services, principal);
      const rows = shown.map((value) => ({ id: value, key: user, value }));
      return c.json({ total_rows: rows.length, offset: 0, rows });
    },
  });
}

async function visibleOf(
  names: readonly string[],
  { cache, own }: PackageServices,
  principal: Principal,
): Promise<readonly string[]> {
  const shown: string[] = [];
  for (const name of names) {
    const rendered = await cache.read(name);
    if (rendered !== null && mayReadPackage(principal, name, rendered.settings, own.flags.premium_types))
      shown.push(name);
  }
  return shown;
}

/** Clients send what they like; what is no number is as if it were not there. */
function countOf(text: string | undefined, otherwise: number, max: number): number {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Math.min(Number(text), max) : otherwise;
}

/** Clients print `maintainers` by `username`, and fail where there is none. */
function foundOf(hit: SearchHit): object {
  const { name, version, description, keywords, author, license, publishedAt, publishedBy, score } = hit;
  const person = { username: userOf(publishedBy), email: '' };
  return {
    package: {
      name,
      scope: name.startsWith('@') ? name.slice(1, -unscopedOf(name).length - 1) : 'unscoped',
      version,
      description: description ?? '',
      keywords,
      date: new Date(publishedAt).toISOString(),
      ...(author === undefined ? {} : { author }),
      ...(license === undefined ? {} : { license }),
      links: linksOf(hit),
      publisher: person,
      maintainers: [person],
    },
    score: { final: score, detail: { quality: score, popularity: score, maintenance: score } },
    searchScore: score,
    flags: hit.deprecated === null ? {} : { deprecated: hit.deprecated },
  };
}

function linksOf({ homepage, repository, bugs }: SearchHit): Record<string, string> {
  const url = (value: unknown): unknown =>
    typeof value === 'object' && value !== null && 'url' in value ? value.url : value;
  const links = { homepage, repository: url(repository), bugs: url(bugs) };
  const isText = (entry: [string, unknown]): entry is [string, string] => typeof entry[1] === 'string';
  return Object.fromEntries(Object.entries(links).filter(isText));
}
