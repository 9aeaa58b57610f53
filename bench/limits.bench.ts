/** What every request pays before anything is done: the rate limit, and the address of an upstream. @module */
import { DnsCache } from '../src/proxy/dns.ts';
import { RateLimiter } from '../src/rate-limiting/rate-limiter.ts';
import { nsAtMost, type Loop, type Opened, type Setting, type Suite } from './suite.ts';

export const limits: Suite = { name: 'limits', open };

const KEYS = 1024;

async function open(setting: Setting): Promise<Opened> {
  const addresses = Array.from({ length: KEYS }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
  const hosts = Array.from({ length: KEYS }, (_, i) => `upstream-${i}.example`);
  const dns = new DnsCache({ resolve: async () => ({ addresses: ['192.0.2.1'], ttl_s: 3600 }) });
  for (const host of hosts) await dns.addresses(host);
  const allowing = { name: 'check(key), allowed', loop: checking(limiter(2_000_000_000), addresses) };
  const counting = { name: 'Map.get(key) and a count', loop: counts(addresses) };
  const finding = { name: 'find(host)', loop: finds(dns, hosts) };
  const getting = { name: 'Map.get(host)', loop: gets(hosts) };
  const crowd = Array.from({ length: setting.tiny ? 10 : 65_536 }, (_, i) => `2001:db8:0:${i.toString(16)}/64`);
  return {
    cases: [
      { operation: 'rate limit, allowed', column: 'library', loop: allowing.loop },
      { operation: 'rate limit, allowed', column: 'javascript', loop: counting.loop },
      { operation: 'rate limit, refused', column: 'library', loop: checking(limiter(1), addresses) },
      { operation: `rate limit, ${crowd.length} keys`, column: 'library', loop: checking(limiter(1e6), crowd) },
      { operation: 'performance.now()', column: 'javascript', loop: clock },
      { operation: 'DNS cache hit', column: 'library', loop: finding.loop },
      { operation: 'DNS cache hit', column: 'javascript', loop: getting.loop },
    ],
    claims: [
      { name: 'rate limit check', subject: allowing, floor: counting, bound: nsAtMost(50) },
      { name: 'DNS cache hit', subject: finding, floor: getting, bound: nsAtMost(50) },
    ],
    frugal: [allowing, finding],
  };
}

function limiter(limit: number): RateLimiter {
  return new RateLimiter({ policy: 'bench', limit });
}

function checking(limit: RateLimiter, keys: readonly string[]): Loop {
  return (times) => {
    let allowed = 0;
    for (let pass = 0; pass < times; pass++) if (limit.check(keys[pass % keys.length]!).allowed) allowed++;
    return allowed;
  };
}

/** As little as counts at all: no window, no limit. */
function counts(keys: readonly string[]): Loop {
  const slots = new Map(keys.map((key, i) => [key, i]));
  const counted = new Uint32Array(keys.length);
  return (times) => {
    let sum = 0;
    for (let pass = 0; pass < times; pass++) {
      const slot = slots.get(keys[pass % keys.length]!)!;
      counted[slot] = counted[slot]! + 1;
      sum = (sum + counted[slot]) | 0;
    }
    return sum;
  };
}

function finds(dns: DnsCache, hosts: readonly string[]): Loop {
  return (times) => {
    let sum = 0;
    for (let pass = 0; pass < times; pass++) sum += dns.find(hosts[pass % hosts.length]!)!.length;
    return sum;
  };
}

function gets(hosts: readonly string[]): Loop {
  const map = new Map(hosts.map((host) => [host, ['192.0.2.1']]));
  return (times) => {
    let sum = 0;
    for (let pass = 0; pass < times; pass++) sum += map.get(hosts[pass % hosts.length]!)!.length;
    return sum;
  };
}

function clock(times: number): number {
  let sum = 0;
  for (let pass = 0; pass < times; pass++) sum += performance.now();
  return sum;
}
