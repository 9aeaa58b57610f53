/**
 * Unleash's variants as the variants of a flag of their own, `<feature>.variant`: a feature there is a boolean and a
 * variant at once, a flag here has one type.
 * @module
 */
import { asText, type Logic, oneOf, choose, split, textVariable } from './logic.ts';
import { isFields, type Source } from './source.ts';
import type { UnleashMaking } from './unleash-strategies.ts';
import type { Report } from './findings.ts';

/** By name; null where two of one name differ. */
export function variantValues(variants: readonly Source[], report: Report): Record<string, unknown> | null {
  const first = new Map<string, Source>();
  for (const at of variants) {
    const name = at.get('name').text() ?? '';
    const other = first.get(name);
    if (other !== undefined && payloadText(other) !== payloadText(at)) {
      report('name-clash', at, `Two variants are called ${JSON.stringify(name.slice(0, 80))} and differ`);
      return null;
    }
    if (other === undefined) first.set(name, at);
  }
  const values = [...first].map(([name, at]) => [name, payloadValue(at, name, report)] as const);
  if (new Set(values.map(([, value]) => typeof value)).size <= 1) return Object.fromEntries(values);
  report('mixed-payload-types', variants[0]!, 'The payloads are of several types: all come as text');
  return Object.fromEntries([...first].map(([name, at]) => [name, at.get('payload', 'value').text() ?? name]));
}

function payloadText(variant: Source): string {
  return JSON.stringify([variant.get('payload', 'type').value, variant.get('payload', 'value').value]);
}

/** What its payload says; the name where there is none. */
function payloadValue(variant: Source, name: string, report: Report): unknown {
  const payload = variant.get('payload');
  const text = payload.get('value').text();
  const type = payload.get('type').text() ?? 'string';
  if (text === null) return name;
  if (type === 'string' || type === 'csv') return text;
  const value = parsed(text);
  const isGood = type === 'number' ? Number.isFinite(value) : isFields(value);
  if (isGood) return value;
  report(
    'payload-unparsable',
    payload,
    `The payload is no ${type === 'json' ? 'JSON object' : type}: it comes as text`,
  );
  return text;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Which of the variants somebody gets who is let in: the first whose override names them, else by weight. */
export function variantChoice(
  variants: readonly Source[],
  group: string,
  ownStickiness: string | null,
  { context, report }: UnleashMaking,
): Logic {
  const weights = variants.map((at) => [at.get('name').text() ?? '', weightOf(at)] as const);
  if (weights.reduce((sum, [, weight]) => sum + weight, 0) <= 0) return null;
  const overrides = variants.flatMap((at) =>
    at
      .get('overrides')
      .items()
      .map((override): readonly [Logic, Logic] => {
        const path = context.pathOf(override.get('contextName'), report);
        const condition = path === null ? false : oneOf(asText(path), override.get('values').texts());
        return [condition, at.get('name').text() ?? ''];
      }),
  );
  if (weights.filter(([, weight]) => weight > 0).length > 1) {
    const message = 'The weights stay, but most users with several variants to get may get another: another hash';
    report('bucketing-differs', variants[0]!.get('weight'), message);
  }
  const stickiness = variants[0]!.get('stickiness').text() ?? ownStickiness ?? 'default';
  return choose(overrides, split(`variant:${group}:`, keyOf(stickiness, variants[0]!, context, report), weights));
}

function weightOf(variant: Source): number {
  return Math.max(0, Math.floor(variant.get('weight').number() ?? 0));
}

function keyOf(stickiness: string, at: Source, context: UnleashMaking['context'], report: Report): Logic {
  if (stickiness === 'default') return context.keyOf(['userId', 'sessionId', 'remoteAddress']);
  if (stickiness !== 'random') return context.keyOf([stickiness]);
  report('random-becomes-sticky', at, 'Every question was answered anew; here a user keeps the variant');
  return textVariable(context.path('userId'));
}
