/**
 * What a package is here, and what is asked of packages: the shapes that entries, tables, answers and uplinks share.
 * Holds no rule; the document that clients read (the packument) is made of these by `packument.ts`, and is stored
 * nowhere.
 * @module
 */

/** A `package.json` as it was published, without what clients and registries add to it (`_id`, `dist`, ...). */
export type Manifest = Readonly<Record<string, unknown>> & { readonly name: string; readonly version: string };

/** What is known of a tarball's bytes. */
export interface Dist {
  /** `sha512-...`, as Subresource Integrity writes it. */
  readonly integrity: string;
  /** SHA-1, 40 lower-case hex digits. */
  readonly shasum: string;
  readonly size_bytes: number;
  readonly fileCount: number;
  readonly unpackedSize_bytes: number;
  /** Whether it brings an `npm-shrinkwrap.json`, which clients want to know before they download it. */
  readonly hasShrinkwrap: boolean;
  /** Over `name@version:integrity`, made by this registry when it was published. */
  readonly signatures: readonly Signature[];
}

/** As `/-/npm/v1/keys` and npm's clients have it. */
export interface Signature {
  /** `SHA256:` and the base64 of the key's hash. */
  readonly keyid: string;
  /** ECDSA over P-256 with SHA-256, DER in base64. */
  readonly sig: string;
}

export interface PackageVersion {
  readonly version: string;
  readonly manifest: Manifest;
  readonly dist: Dist;
  /** Of the tarball: SHA-512, 128 lower-case hex digits; its name in the blob store. */
  readonly blob: string;
  /** The provenance and other attestations that came with it (a Sigstore bundle's JSON each), by blob; empty: none. */
  readonly attestations: readonly Attestation[];
  /** Milliseconds since 1970. */
  readonly publishedAt: number;
  /** An actor, or of an import whoever published it before. */
  readonly publishedBy: string;
  /** Which trusted publisher it was; null: somebody with a token. */
  readonly trusted: TrustedPublisher | null;
  /** What whoever installs it is told; null: nothing. */
  readonly deprecated: string | null;
}

export interface Attestation {
  /** `https://slsa.dev/provenance/v1` and the like. */
  readonly predicateType: string;
  readonly blob: string;
}

/** Who may publish a package without a token of ours: a workflow, known by what its identity token says. */
export interface TrustedPublisher {
  readonly id: string;
  /** Of the tokens: `https://token.actions.githubusercontent.com`. */
  readonly issuer: string;
  /** What the token must say; `*` stands for any run of characters. */
  readonly claims: Readonly<Record<string, string>>;
}

export interface PackageSettings {
  /** `restricted`: nobody reads it who is not signed in, whatever everybody may. */
  readonly access: 'public' | 'restricted';
  /** Whether the registry's feature `premium_types`, while it is on, asks for a right of its own: `premium:<name>`. */
  readonly isPremium: boolean;
  readonly trustedPublishers: readonly TrustedPublisher[];
}

export const DEFAULT_SETTINGS: PackageSettings = { access: 'public', isPremium: false, trustedPublishers: [] };

/** A version that is gone, and never comes back: what somebody has installed must not become something else. */
export interface Unpublished {
  readonly version: string;
  readonly at: number;
  readonly by: string;
}

/** Everything about a package that was published here, as the journal says it. */
export interface PackageState {
  readonly name: string;
  /** Of its stream. */
  readonly revision: number;
  /** When the first version of it came. */
  readonly createdAt: number;
  readonly modifiedAt: number;
  readonly settings: PackageSettings;
  /** Version by dist-tag. */
  readonly tags: Readonly<Record<string, string>>;
  /** In the order in which they came. Empty: all of it was unpublished. */
  readonly versions: readonly PackageVersion[];
  readonly unpublished: readonly Unpublished[];
  /** Users who have starred it. */
  readonly stars: readonly string[];
  /** Of the newest publish that had one, and of the version `latest` if that one did. */
  readonly readme: string;
}

/** One version, read and checked, its bytes already in the blob store: what `Packages.publish` makes an entry of. */
export interface Publication {
  readonly name: string;
  readonly version: string;
  readonly manifest: Manifest;
  readonly dist: Omit<Dist, 'signatures'>;
  readonly blob: string;
  readonly attestations: readonly Attestation[];
  /** Dist-tags that then name it. */
  readonly tags: readonly string[];
  readonly readme: string;
  /** undefined: as it is. */
  readonly access: PackageSettings['access'] | undefined;
  /** When it was published elsewhere; undefined: now. Imports alone say so. */
  readonly publishedAt?: number;
  /** Who published it elsewhere; undefined: whoever publishes. Imports alone say so. */
  readonly publishedBy?: string;
  /** The trusted publisher, with what its token said of what was asked for; undefined: none. */
  readonly trusted?: TrustedPublisher;
}

/** Characters of what installers of a deprecated version are told: clients print it each time. */
export const MESSAGE_LENGTH_MAX = 1000;

/** `package:@acme/ui`: the stream of a package, and what rights on it are granted to. */
export function packageStream(name: string): string {
  return `package:${name}`;
}
