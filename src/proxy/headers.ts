/**
 * A config as the seven `X-Bun-*` headers, which registries of ours send each other. The core knows the forms; here is
 * only which header is which.
 * @module
 */
import { HEADER } from '../../bindings/abi.gen.ts';
import type { Backend, HeaderName } from '../../bindings/backend.ts';
import { encodeConfig, type RegistryConfig } from '../config/value.ts';

/** Every header of ours begins so; nobody else's do. */
export const HEADER_PREFIX = 'x-bun-';
export const DUMP_HEADER = 'x-bun-config-dump';

/** In the order of the core's numbers. */
export const HEADER_NAMES: readonly HeaderName[] = Object.keys(HEADER).map(
  (name) => `${HEADER_PREFIX}${name.replaceAll('_', '-')}` as HeaderName,
);

export type ConfigHeaders = Readonly<Record<HeaderName, string>>;

/**
 * All seven headers of a config.
 * @example configHeaders(DEFAULT_CONFIG, core)['x-bun-terminal-rows'] // '24'
 */
export function configHeaders(config: RegistryConfig, core: Pick<Backend, 'headerFormat'>): ConfigHeaders {
  const bytes = encodeConfig(config);
  const formatted = HEADER_NAMES.map((name) => [name, core.headerFormat(name, bytes)] as const);
  return Object.fromEntries(formatted) as ConfigHeaders;
}
