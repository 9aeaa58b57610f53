/**
 * Which fields of a document are known: those that are mapped, and those that mean nothing here (ids, links). What is
 * not in the shape becomes a finding: that is how nothing is dropped in silence.
 * @module
 */
import type { Findings } from './findings.ts';
import { isFields, type Source } from './source.ts';

/** 'any': the whole value is known, whatever it is. null passes everywhere: it stands for nothing. */
export type Shape = 'text' | 'number' | 'boolean' | 'any' | ListShape | TableShape | ObjectShape;

interface ListShape {
  readonly each: Shape;
}

interface TableShape {
  /** Of every value of an object whose keys are data. */
  readonly values: Shape;
  /** Every key is the name of a flag, to which all below it belongs. */
  readonly isByFlag?: boolean;
}

interface ObjectShape {
  readonly fields: Readonly<Record<string, Shape>>;
  /** The field that names the flag to which all of it belongs. */
  readonly flagIn?: string;
}

/** Adds `unknown-field` for each key that the shape does not have, `malformed` for each value of another type. */
export function checkShape(at: Source, shape: Shape, findings: Findings, flag: string | null = null): void {
  if (shape === 'any' || !at.isThere) return;
  const fault = faultOf(at.value, shape);
  if (fault !== null) return findings.add('malformed', flag, at, `This should be ${fault}`);
  if (typeof shape === 'string') return;
  if ('each' in shape) return at.items().forEach((item) => checkShape(item, shape.each, findings, flag));
  if ('values' in shape) {
    for (const [key, value] of at.entries()) {
      checkShape(value, shape.values, findings, shape.isByFlag === true ? key : flag);
    }
    return;
  }
  const owner = shape.flagIn === undefined ? flag : (at.get(shape.flagIn).text() ?? flag);
  for (const [key, value] of at.entries()) {
    const known = Object.hasOwn(shape.fields, key) ? shape.fields[key] : undefined;
    if (known !== undefined) checkShape(value, known, findings, owner);
    else findings.add('unknown-field', owner, value, `The field ${JSON.stringify(key.slice(0, 80))} is not known`);
  }
}

function faultOf(value: unknown, shape: Shape): string | null {
  if (typeof shape === 'string') return typeof value === (shape === 'text' ? 'string' : shape) ? null : `a ${shape}`;
  if ('each' in shape) return Array.isArray(value) ? null : 'a list';
  return isFields(value) ? null : 'an object';
}
