/**
 * Addresses and ranges of them as comparisons of texts: a range of IPv4 is a list of beginnings, or of addresses.
 * @module
 */
import type { Report } from './findings.ts';
import { isString, type Logic, oneOf, or, UNKNOWN, variable } from './logic.ts';
import type { Source } from './source.ts';

/** Conditions of which one has to hold; UNKNOWN, with a finding, for each entry that cannot be said. */
export function addressConditions(path: string, entries: readonly string[], at: Source, report: Report): Logic[] {
  const address = variable(path);
  const ranges = entries.filter((entry) => entry.includes('/'));
  return [
    oneOf(
      address,
      entries.filter((entry) => !entry.includes('/')),
    ),
    ...ranges.map((entry) => {
      const condition = rangeCondition(address, entry);
      if (condition === UNKNOWN) report('cidr', at, `The range ${entry.slice(0, 80)} cannot be expressed`);
      return condition;
    }),
  ];
}

/** At most 128 beginnings: a mask is never further from the next whole octet. */
function rangeCondition(address: Logic, range: string): Logic {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(range);
  const octets = match?.slice(1, 5).map(Number) ?? [];
  const bits = Number(match?.[5]);
  if (match === null || bits > 32 || octets.some((octet) => octet > 255)) return UNKNOWN;
  if (bits === 0) return isString(address);
  const whole = Math.ceil(bits / 8);
  const size = 2 ** (whole * 8 - bits);
  const first = Math.floor(octets[whole - 1]! / size) * size;
  const beginnings = Array.from({ length: size }, (_, i) => [...octets.slice(0, whole - 1), first + i].join('.'));
  if (whole === 4) return size === 1 ? { '===': [address, beginnings[0]] } : oneOf(address, beginnings);
  return or(beginnings.map((beginning) => ({ starts_with: [address, `${beginning}.`] })));
}
