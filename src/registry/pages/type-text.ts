/** JSON Schema as a type that people read at a glance, in HTML: `{ name: string, rows?: 1-255 }`. @module */

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** Safe to be put into a page: names and values are escaped; schemas that have a name are links to it. */
export function typeText(schema: object, indent = ''): string {
  const { $ref, type, enum: values, anyOf, oneOf, items, properties, additionalProperties } = schema as Schema;
  if ($ref !== undefined) return named($ref.split('/').at(-1)!);
  const choices = anyOf ?? oneOf;
  if (choices !== undefined) return choices.map((choice) => typeText(choice, indent)).join(' | ');
  if (values !== undefined) return values.map((value) => escaped(JSON.stringify(value))).join(' | ');
  if (typeof type === 'object') return type.map((one) => typeText({ ...schema, type: one }, indent)).join(' | ');
  if (type === 'array') return `${items === undefined ? 'any' : typeText(items, indent)}[]`;
  if (properties !== undefined && Object.keys(properties).length > 0) return objectText(schema as Schema, indent);
  if (type === 'object') {
    const value = typeof additionalProperties === 'object' ? typeText(additionalProperties, indent) : 'any';
    return `{ [name]: ${value} }`;
  }
  return rangeText(schema as Schema) ?? escaped(type ?? 'any');
}

function objectText({ properties = {}, required = [] }: Schema, indent: string): string {
  const inner = `${indent}  `;
  const lines = Object.entries(properties).map(([name, property]) => {
    const mark = required.includes(name) ? '' : '?';
    return `${inner}${escaped(name)}${mark}: ${typeText(property, inner)}`;
  });
  return `{\n${lines.join(',\n')}\n${indent}}`;
}

function rangeText({ minimum, maximum }: Schema): string | null {
  const isShort = minimum !== undefined && maximum !== undefined && maximum <= 0xffffffff && minimum >= 0;
  return isShort ? `${minimum}-${maximum}` : null;
}

function named(name: string): string {
  return `<a href="#${escaped(name)}">${escaped(name)}</a>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
