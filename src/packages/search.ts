/**
 * Searching packages: what somebody typed is taken apart, what is found is cut down to what he may see, and one page of
 * it is shown. Counts and pages are of what he may see, so that the rest cannot be guessed from them.
 * @module
 */
import type { Journal } from '../journal/journal.ts';
import { packagesProjection } from './projection.ts';
import type { PackageSettings } from './package.ts';
import type { FoundNames, SearchTerms, ShownRow } from './search-index.ts';
import { FOUND } from './search-words.ts';

/** What decides who sees a package, beside its name. */
export type FoundSettings = Pick<PackageSettings, 'access' | 'isPremium'>;

export interface SearchQuery {
  /**
   * Words, and `keywords:a,b`, `author:x`, `maintainer:x`, `scope:x`, and `is:` or `not:` before `deprecated` or
   * `unstable`. */
  readonly text: string;
  /** Hits that are left out before the first. */
  readonly from: number;
  readonly size: number;
  /** Asked of every name that is found: it should answer from memory. */
  readonly maySee: (name: string, settings: FoundSettings) => boolean;
}

export interface SearchHit {
  readonly name: string;
  /** What `latest` names, as all that follows. */
  readonly version: string;
  readonly description: string | null;
  readonly keywords: readonly string[];
  /** As its package.json has them, whatever they are. */
  readonly author: unknown;
  readonly license: unknown;
  readonly homepage: unknown;
  readonly repository: unknown;
  readonly bugs: unknown;
  readonly publishedAt: number;
  readonly publishedBy: string;
  readonly modifiedAt: number;
  readonly deprecated: string | null;
  /** Above 0, at most 1; falls with the place among the hits. */
  readonly score: number;
}

export interface SearchResult {
  /** Of all pages. */
  readonly total: number;
  readonly hits: readonly SearchHit[];
}

const SETTINGS_OF_BITS = Array.from({ length: FOUND.unstable * 2 }, (_, bits): FoundSettings => ({
  access: (bits & FOUND.restricted) === 0 ? 'public' : 'restricted',
  isPremium: (bits & FOUND.premium) !== 0,
}));
/** Characters, and words, that are looked at. */
const TEXT_MAX = 250;
const WORDS_MAX = 10;
/** A NUL would end what SQLite reads. */
const BETWEEN = /[\s\p{Cc}]+/u;
/** The last one is npm's, and says what is so anyway: the very name comes first. */
const QUALIFIER = /^(?:(?:keywords|author|maintainer|scope):.|(?:is|not):(?:deprecated|unstable)$|boost-exact:)/s;

export async function searchPackages(
  journal: Pick<Journal, 'query'>,
  { text, from, size, maySee }: SearchQuery,
): Promise<SearchResult> {
  const terms = parseSearch(text);
  let names = seen(await journal.query(packagesProjection, 'found', terms), maySee);
  // Whether something was misspelt is decided by what he may see: what is hidden must not change the answer.
  if (names.length === 0 && terms.words.length > 0 && isOfWords(terms)) {
    names = seen(await journal.query(packagesProjection, 'near', terms), maySee);
  }
  const page = names.slice(from, from + size);
  const rows = page.length === 0 ? [] : await journal.query(packagesProjection, 'shown', page);
  return { total: names.length, hits: rows.map((row, index) => hitOf(row, from + index)) };
}

function seen({ names, bits }: FoundNames, maySee: SearchQuery['maySee']): string[] {
  return names.filter((name, i) => maySee(name, SETTINGS_OF_BITS[bits[i]!]!));
}

function isOfWords({ keywords, people, isDeprecated, isUnstable }: SearchTerms): boolean {
  return keywords.length + people.length === 0 && isDeprecated === null && isUnstable === null;
}

/** What is no qualifier is a word: a colon may be part of one. */
export function parseSearch(text: string): SearchTerms {
  const said = text.slice(0, TEXT_MAX).toWellFormed().toLowerCase();
  const parts = said.split(BETWEEN).filter(Boolean).slice(0, WORDS_MAX);
  const valuesOf = (...names: string[]): string[] =>
    parts.flatMap((part) => {
      const [name = '', value = ''] = part.split(/:(.*)/s);
      return names.includes(name) ? value.split(',').filter(Boolean) : [];
    });
  const [scope] = valuesOf('scope');
  const isOf = (what: string): boolean | null =>
    parts.includes(`is:${what}`) ? true : parts.includes(`not:${what}`) ? false : null;
  return {
    words: parts.filter((part) => !QUALIFIER.test(part)),
    keywords: valuesOf('keywords'),
    people: valuesOf('author', 'maintainer'),
    scope: scope === undefined ? null : `@${scope.replace(/^@/, '')}`,
    isDeprecated: isOf('deprecated'),
    isUnstable: isOf('unstable'),
  };
}

function hitOf({ name, version, manifest, ...row }: ShownRow, place: number): SearchHit {
  const said = JSON.parse(manifest) as Readonly<Record<string, unknown>>;
  const { description, keywords, author, license, homepage, repository, bugs } = said;
  return {
    name,
    version,
    description: typeof description === 'string' ? description : null,
    keywords: Array.isArray(keywords) ? keywords.filter((word) => typeof word === 'string') : [],
    author,
    license,
    homepage,
    repository,
    bugs,
    ...row,
    score: 1 / (1 + place / 10),
  };
}
