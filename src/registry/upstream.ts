/**
 * The registry's own calls to other servers: over kept connections, cached names and the proxies of the environment,
 * counted, and with `X-Bun-*` headers of the config `registry` for registries of ours alone.
 * @module
 */
import { readProxies } from '../env/proxies.ts';
import { core } from '../live/core.ts';
import type { RegistryConfig } from '../config/value.ts';
import type { Figures } from '../metrics/figures.ts';
import { DnsCache } from '../proxy/dns.ts';
import { configHeaders } from '../proxy/headers.ts';
import { Upstream, type UpstreamLimits } from '../proxy/upstream.ts';

export interface UpstreamSettings {
  /** Origins of registries of ours. */
  readonly peers: readonly string[];
}

/** `config` says what the headers carry, looked at anew for each call. Throws ERR_SETTING for a proxy that is none. */
export function openUpstream(
  { peers }: UpstreamSettings,
  config: () => RegistryConfig,
  figures: Figures,
  limits: Partial<UpstreamLimits> = {},
): Upstream {
  const dns = new DnsCache();
  const { requests, duration, dns: names } = figures.upstream;
  return new Upstream({
    dns,
    proxies: readProxies(),
    limits,
    sender: { ours: new Set(peers), config: () => configHeaders(config(), core().backend) },
    observe: ({ outcome, took_ms }) => {
      requests[typeof outcome === 'number' ? 'ok' : 'error'].value++;
      duration.observe(took_ms / 1000);
      names.hit.value = dns.counts.hits;
      names.miss.value = dns.counts.misses;
    },
  });
}
