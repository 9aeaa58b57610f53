/**
 * Packages of uplinks as clients of this registry read them: tarballs are fetched here, whoever has them. Rendered once
 * for each change, and held as bytes until the room is needed.
 * @module
 */
import { hasInstallScript, installedOf, picked, tarballUrl } from '../../packages/installed.ts';
import { Held } from '../../packages/held.ts';
import type { UplinkLook, UplinkPackument } from '../../packages/uplinks/answers.ts';
import type { Uplinks } from '../../packages/uplinks/uplinks.ts';
import type { OriginFor } from '../origins.ts';
import { FULL_TYPE, Representation, SHORT_TYPE } from './representation.ts';

type Fields = Readonly<Record<string, unknown>>;

const BUDGET_BYTES = 64 * 1024 * 1024;
/** What other registries know of a version beside its manifest. */
const MARKED = ['deprecated', 'hasInstallScript', '_hasShrinkwrap'];

export interface UplinkDocument {
  readonly name: string;
  readonly full: Representation;
  readonly short: Representation;
  /** Why there is nothing in it; undefined: there is. In ASCII. */
  readonly notice?: string;
}

interface Rendered {
  readonly uplink: string;
  readonly etag: string;
  readonly document: UplinkDocument;
}

export interface UplinkDocumentsOptions {
  readonly uplinks: Pick<Uplinks, 'look'>;
  /** Where clients reach the registry, by the host that a request names. */
  readonly origin: OriginFor;
}

export class UplinkDocuments {
  readonly #options: UplinkDocumentsOptions;
  /** By what clients call the registry, and the package. */
  readonly #held = new Held<Rendered>(BUDGET_BYTES);

  constructor(options: UplinkDocumentsOptions) {
    this.#options = options;
  }

  /** null: no uplink has it. `host`: what the request calls the registry. Errors: ERR_UPLINK. */
  async read(name: string, host?: string): Promise<UplinkDocument | null> {
    const { uplinks, origin: originFor } = this.#options;
    const look = await uplinks.look(name);
    const origin = originFor(host);
    const key = `${origin} ${name}`;
    const held = look === null ? null : this.#find(key, look);
    if (held !== null) return held;
    const packument = (await look?.read()) ?? null;
    if (packument !== null) return this.#find(key, packument) ?? this.#render(key, name, packument, origin);
    this.#held.delete(key);
    return null;
  }

  #find(key: string, { uplink, etag }: Omit<UplinkLook, 'read'>): UplinkDocument | null {
    const held = this.#held.get(key);
    return held?.etag === etag && held.uplink === uplink ? held.document : null;
  }

  #render(key: string, name: string, packument: UplinkPackument, origin: string): UplinkDocument {
    const { uplink, etag, document, hiddenBy } = packument;
    const { full, short } = renderUplinkPackument(name, document, origin);
    const grown = (size_bytes: number): void => this.#held.grow(key, rendered, size_bytes);
    const made: UplinkDocument = {
      name,
      full: new Representation(full, FULL_TYPE, grown),
      short: new Representation(short, SHORT_TYPE, grown),
      ...(hiddenBy.length === 0 ? {} : { notice: noticeOf(hiddenBy) }),
    };
    const rendered: Rendered = { uplink, etag, document: made };
    this.#held.set(key, rendered, made.full.size_bytes + made.short.size_bytes);
    return made;
  }
}

/**
 * Both documents of a packument that an uplink answered. Pure.
 * @example renderUplinkPackument('ui', document, 'https://packages.example').short
 */
export function renderUplinkPackument(name: string, document: Fields, origin: string): { full: string; short: string } {
  const full: Record<string, Fields> = {};
  const short: Record<string, Fields> = {};
  for (const [version, manifest] of Object.entries(fieldsOf(document['versions']))) {
    const fields = fieldsOf(manifest);
    const dist = { ...fieldsOf(fields['dist']), tarball: tarballUrl(origin, name, version) };
    full[version] = { ...fields, dist };
    short[version] = { ...installedOf(fields), ...markedOf(fields), dist };
  }
  const { time, modified, 'dist-tags': tags = {}, _attachments: _gone, _rev: _theirs, ...rest } = document;
  const changed = fieldsOf(time)['modified'] ?? modified;
  return {
    full: JSON.stringify({ ...rest, 'dist-tags': tags, ...(time === undefined ? {} : { time }), versions: full }),
    short: JSON.stringify({
      name,
      'dist-tags': tags,
      ...(changed === undefined ? {} : { modified: changed }),
      versions: short,
    }),
  };
}

function noticeOf(hiddenBy: readonly string[]): string {
  return `No version is let through by the package filter ${hiddenBy.join(', ')} (c13 filters list)`;
}

function markedOf(manifest: Fields): Fields {
  return { ...picked(manifest, MARKED), ...(hasInstallScript(manifest) ? { hasInstallScript: true } : {}) };
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}
