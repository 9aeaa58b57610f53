/**
 * What uplinks give to whoever serves packages, and what they need from him. The one seam between the registry's routes
 * and this folder.
 * @module
 */

/** A packument as an uplink has it, without the versions that filters hide. */
export interface UplinkPackument {
  /** Which uplink it came from. */
  readonly uplink: string;
  /** `dist.tarball` is still theirs: whoever serves it rewrites it. Shared: never change it. */
  readonly document: Readonly<Record<string, unknown>>;
  /** Without quotes; changes with the document, and with what the filters hide of it. */
  readonly etag: string;
  /** Filters that hide all its versions; none: some are shown, or there are none. */
  readonly hiddenBy: readonly string[];
}

/** What a packument is known by, before it is read. */
export interface UplinkLook {
  readonly uplink: string;
  /** As the packument has it; null: what filters hide of it is not decided yet. */
  readonly etag: string | null;
  /** null: it has gone meanwhile. Errors: ERR_UPLINK. */
  readonly read: () => Promise<UplinkPackument | null>;
}

export interface UplinkTarball {
  readonly body: Blob | ReadableStream<Uint8Array>;
  /** null: not known until its end. */
  readonly size_bytes: number | null;
  /** `sha512-...` as the packument says it; null where that has a SHA-1 alone. */
  readonly integrity: string | null;
}

/** As `fetch`, of what uplinks need. It follows no redirect. */
export type Send = (
  url: string,
  init: {
    readonly method: 'GET' | 'POST';
    readonly headers: Record<string, string>;
    readonly body?: string;
    readonly redirect: 'manual';
    /** The uplink that named the address, where it is not on its own server: it leads into no network of ours. */
    readonly namedBy: string | null;
    readonly signal: AbortSignal;
  },
) => Promise<Response>;

/** What passes by itself, handed in: tests have their own. */
export interface Passing {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Resolves after so many milliseconds, or as soon as the signal says so. */
  readonly wait: (duration_ms: number, signal: AbortSignal) => Promise<void>;
}

/** One line of the log; no secret is ever among the fields. */
export type Tell = (line: string, fields: Readonly<Record<string, string | number>>) => void;
