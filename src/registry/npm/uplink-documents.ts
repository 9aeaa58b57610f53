/**
 * Packages of uplinks as clients of this registry read them: tarballs are fetched here, whoever has them. Rendered once
 * for each change, and held as bytes until the room is needed.
 * @module
 */
import { tarballName } from '../../packages/name.ts';
import type { UplinkPackument } from '../../packages/uplinks/answers.ts';
import type { Uplinks } from '../../packages/uplinks/uplinks.ts';
import { FULL_TYPE, Representation, SHORT_TYPE } from './representation.ts';

type Fields = Readonly<Record<string, unknown>>;

const BUDGET_BYTES = 32 * 1024 * 1024;
/** What those need who only install; what a version does not say is left out. */
const INSTALLED = [
  'name',
  'version',
  'deprecated',
  'dependencies',
  'optionalDependencies',
  'devDependencies',
  'bundleDependencies',
  'peerDependencies',
  'peerDependenciesMeta',
  'acceptDependencies',
  'bin',
  'directories',
  'engines',
  'os',
  'cpu',
  'libc',
  'funding',
  'hasInstallScript',
  '_hasShrinkwrap',
] as const;
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall'];

export interface UplinkDocument {
  readonly name: string;
  readonly full: Representation;
  readonly short: Representation;
}

export interface UplinkDocumentsOptions {
  readonly uplinks: Pick<Uplinks, 'packument'>;
  /** Where clients reach the registry. */
  readonly origin: () => string;
}

export class UplinkDocuments {
  readonly #options: UplinkDocumentsOptions;
  /** By name; what was asked for last is last. */
  readonly #held = new Map<
    string,
    { of: UplinkPackument; origin: string; document: UplinkDocument; size_bytes: number }
  >();
  #size_bytes = 0;

  constructor(options: UplinkDocumentsOptions) {
    this.#options = options;
  }

  /** null: no uplink has it. Errors: ERR_UPLINK. */
  async read(name: string): Promise<UplinkDocument | null> {
    const { uplinks, origin: whereWeAre } = this.#options;
    const packument = await uplinks.packument(name);
    if (packument === null) {
      this.#drop(name);
      return null;
    }
    const origin = whereWeAre();
    const held = this.#held.get(name);
    if (
      held !== undefined &&
      held.of.etag === packument.etag &&
      held.of.uplink === packument.uplink &&
      held.origin === origin
    ) {
      this.#held.delete(name);
      this.#held.set(name, held);
      return held.document;
    }
    return this.#render(name, packument, origin);
  }

  #render(name: string, of: UplinkPackument, origin: string): UplinkDocument {
    const rendered = renderUplinkPackument(name, of.document, origin);
    const grown = (size_bytes: number): void => this.#grow(document, size_bytes);
    const document: UplinkDocument = {
      name,
      full: new Representation(rendered.full, FULL_TYPE, grown),
      short: new Representation(rendered.short, SHORT_TYPE, grown),
    };
    this.#drop(name);
    this.#held.set(name, { of, origin, document, size_bytes: 0 });
    this.#grow(document, document.full.size_bytes + document.short.size_bytes);
    return document;
  }

  #grow(document: UplinkDocument, size_bytes: number): void {
    const held = this.#held.get(document.name);
    if (held?.document !== document) return;
    held.size_bytes += size_bytes;
    this.#size_bytes += size_bytes;
    for (const name of this.#held.keys()) {
      if (this.#size_bytes <= BUDGET_BYTES) return;
      this.#drop(name);
    }
  }

  #drop(name: string): void {
    this.#size_bytes -= this.#held.get(name)?.size_bytes ?? 0;
    this.#held.delete(name);
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
    const dist = { ...fieldsOf(fields['dist']), tarball: `${origin}/${name}/-/${tarballName(name, version)}` };
    full[version] = { ...fields, dist };
    short[version] = { ...installedOf(fields), dist };
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

function installedOf(manifest: Fields): Fields {
  const said = INSTALLED.flatMap((field) => (manifest[field] === undefined ? [] : [[field, manifest[field]] as const]));
  const scripts = fieldsOf(manifest['scripts']);
  const isInstalling = INSTALL_SCRIPTS.some((script) => scripts[script] !== undefined);
  return { ...Object.fromEntries(said), ...(isInstalling ? { hasInstallScript: true } : {}) };
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}
