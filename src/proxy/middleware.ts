/**
 * Which outgoing requests carry a config: those to registries of ours, named by their origin, and no other. Asked anew
 * for every hop, so that a redirect takes nothing with it.
 * @module
 */
import { type ConfigHeaders, HEADER_PREFIX } from './headers.ts';

export interface ConfigSender {
  /** Origins such as `https://registry.example:4873`. */
  readonly ours: ReadonlySet<string>;
  /** The headers of the config as it is now. */
  readonly config: () => ConfigHeaders;
}

/**
 * A copy of the headers: with the config where the URL is a registry of ours, and without any header of ours
 * elsewhere, whoever had set it.
 */
export function withConfigHeaders(url: URL, headers: HeadersInit, { ours, config }: ConfigSender): Headers {
  const sent = new Headers(headers);
  const carried = [...sent.keys()].filter((name) => name.startsWith(HEADER_PREFIX));
  for (const name of carried) sent.delete(name);
  if (!ours.has(url.origin)) return sent;
  for (const [name, value] of Object.entries(config())) sent.set(name, value);
  return sent;
}
