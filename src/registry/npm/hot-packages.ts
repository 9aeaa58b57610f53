/**
 * What installing asks for again and again: documents and small tarballs of packages that are held already, with a
 * token that is known already. Answered where the server hands the request over, waiting for nothing; whatever is
 * unusual goes the ordinary way, which answers the same. Must decide nothing that the ordinary way would decide
 * otherwise.
 * @module
 */
import { tarballName, versionOfTarball } from '../../packages/name.ts';
import { packageStream } from '../../packages/package.ts';
import type { RequestFacts } from '../../logging/request-log.ts';
import { isKnownToReader } from '../conditions.ts';
import { factsOf, plainHeadersOf, Readers, setCounted, type HotDoor, type PlainHeaders } from '../hot-door.ts';
import type { HotRoute } from '../serve.ts';
import { isShort, metadataHeaders } from './metadata-routes.ts';
import type { PackageCache, RenderedPackage } from './package-cache.ts';
import { fileHeaders, tarballHeaders } from './tarball-routes.ts';
import type { TarballCache } from './tarball-cache.ts';

const DOCUMENT_ROUTE = '/:package';
const TARBALL_ROUTE = '/:package/-/:file';

export interface HotPackagesOptions {
  readonly packages: { readonly cache: Pick<PackageCache, 'held'>; readonly tarballs: Pick<TarballCache, 'held'> };
  readonly door: HotDoor;
  /** Counts and logs, by the pattern of the path; must not throw. */
  readonly answered: (route: string, facts: RequestFacts) => void;
}

/** One answer, without what is of one request alone. A response copies headers, so that one of each is enough. */
interface Ready {
  readonly status: 200 | 304;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer> | null;
}

/** What answers of one rendering have in common. */
interface Prepared {
  readonly readers: Readers;
  readonly answers: Map<string, Headers>;
}

/** By path, as the server writes it: scoped packages have their slash encoded in the one, and not in the others. */
export function hotPackageRoutes(options: HotPackagesOptions): Record<string, HotRoute> {
  const hot = new HotPackages(options);
  const tarball = (request: Bun.BunRequest, name: string, file: string) =>
    hot.answer(request, TARBALL_ROUTE, name, (rendered, asked, answers) => hot.tarball(rendered, file, asked, answers));
  return {
    [DOCUMENT_ROUTE]: {
      method: 'GET',
      answer: (request) => {
        const { package: name } = request.params as { package: string };
        return hot.answer(request, DOCUMENT_ROUTE, name, (...asked) => hot.document(...asked));
      },
    },
    [TARBALL_ROUTE]: {
      method: 'GET',
      answer: (request) => {
        const { package: name, file } = request.params as { package: string; file: string };
        return tarball(request, name, file);
      },
    },
    '/:scope/:package/-/:file': {
      method: 'GET',
      answer: (request) => {
        const { scope, package: name, file } = request.params as { scope: string; package: string; file: string };
        return scope.startsWith('@') ? tarball(request, `${scope}/${name}`, file) : null;
      },
    },
  };
}

type Make = (rendered: RenderedPackage, asked: PlainHeaders, answers: Map<string, Headers>) => Ready | null;

class HotPackages {
  readonly #options: HotPackagesOptions;
  readonly #prepared = new WeakMap<RenderedPackage, Prepared>();

  constructor(options: HotPackagesOptions) {
    this.#options = options;
  }

  /** null: the ordinary way must look at it. */
  answer(request: Request, route: string, name: string, make: Make): Response | null {
    const { packages, door, answered } = this.#options;
    const began = performance.now();
    const headers = plainHeadersOf(request);
    if (isUnusual(request, headers)) return null;
    const rendered = packages.cache.held(name, headers['host']);
    // What is premium depends on the registry's own config besides.
    if (rendered === undefined || rendered.settings.isPremium) return null;
    const principal = door.identify(headers);
    if (principal === null) return null;
    const { readers, answers } = this.#preparedOf(rendered);
    if (!readers.has(principal)) return null;
    const ready = make(rendered, headers, answers);
    const counted = ready === null ? null : door.count(principal, headers, began);
    if (ready === null || counted === null) return null;
    setCounted(ready.headers, counted);
    const response = new Response(ready.body, { status: ready.status, headers: ready.headers });
    answered(route, factsOf(request, principal, counted, ready.status, began));
    return response;
  }

  document(rendered: RenderedPackage, asked: PlainHeaders, answers: Map<string, Headers>): Ready | null {
    const isOfShort = isShort(asked['accept'], '');
    const document = isOfShort ? rendered.short : rendered.full;
    const encoding = document.encodingFor(asked['accept-encoding'] ?? null);
    const body = document.held(encoding);
    const isKnown = document.isKnown(asked['if-none-match']);
    if (body === undefined && !isKnown) return null;
    const headers = this.#headers(answers, `${isOfShort} ${isKnown} ${encoding}`, () => ({
      ...metadataHeaders(document.etagOf(encoding)),
      ...(isKnown ? {} : { 'content-type': document.contentType }),
      ...(isKnown || encoding === null ? {} : { 'content-encoding': encoding }),
    }));
    return isKnown ? { status: 304, headers, body: null } : { status: 200, headers, body: body! };
  }

  tarball(rendered: RenderedPackage, file: string, asked: PlainHeaders, answers: Map<string, Headers>): Ready | null {
    const version = versionOfTarball(rendered.name, file);
    const tarball = version === null ? undefined : rendered.tarballs.get(version);
    const body = tarball === undefined ? undefined : this.#options.packages.tarballs.held(tarball.blob);
    if (tarball === undefined || body === undefined || asked['range'] !== undefined) return null;
    if (isKnownToReader(asked['if-none-match'], `"${tarball.integrity}"`)) {
      // What stands for an answer says what that would have depended on, as far as anybody could know.
      const headers = this.#headers(answers, `304 ${version}`, () => ({
        ...tarballHeaders(tarball),
        vary: 'Accept-Encoding',
      }));
      return { status: 304, headers, body: null };
    }
    const headers = this.#headers(answers, `200 ${version}`, () => ({
      ...tarballHeaders(tarball),
      ...fileHeaders(tarballName(rendered.name, version!)),
    }));
    return { status: 200, headers, body };
  }

  #headers(answers: Map<string, Headers>, key: string, make: () => Record<string, string>): Headers {
    const known = answers.get(key);
    if (known !== undefined) return known;
    const made = this.#options.door.prepare(make());
    answers.set(key, made);
    return made;
  }

  #preparedOf(rendered: RenderedPackage): Prepared {
    const known = this.#prepared.get(rendered);
    if (known !== undefined) return known;
    const made = { readers: new Readers(packageStream(rendered.name)), answers: new Map<string, Headers>() };
    this.#prepared.set(rendered, made);
    return made;
  }
}

/** A parameter, or a page of another origin; the server hands over HEAD as if it were GET. */
function isUnusual({ method, url }: Request, headers: PlainHeaders): boolean {
  return method !== 'GET' || url.includes('?') || headers['origin'] !== undefined;
}
