/** Reads the documents that an export makes (`../live/export.ts` says what is in them). @module */
import { type DocumentFormat, parseDocument } from './document.ts';
import { defineFeatures, type FeatureDeclaration } from '../config/features.ts';
import { asObject, unknownField, wrongType } from '../config/input.ts';
import { parseConfigName } from '../config/name.ts';
import { EXPORT_FORMAT, EXPORT_VERSION, sorted, type ExportDocument } from '../live/export.ts';

/**
 * A document from outside. What its configs hold is judged later, against what they are about to change. Errors:
 * ERR_BODY_JSON, ERR_DUPLICATE_KEY, ERR_WRONG_TYPE, ERR_UNKNOWN_FIELD, ERR_NAME, and those of `defineFeatures`.
 */
export function parseExport(text: string, source = 'The document', written: DocumentFormat = 'json'): ExportDocument {
  const document = asObject('document', parseDocument(text, source, written));
  const known = ['format', 'version', 'features', 'configs'];
  for (const field of Object.keys(document)) if (!known.includes(field)) throw unknownField(field, known);
  const { format, version, features = {}, configs } = document;
  if (format !== EXPORT_FORMAT) throw wrongType('format', `"${EXPORT_FORMAT}"`, format);
  if (version !== EXPORT_VERSION) throw wrongType('version', `${EXPORT_VERSION}, the one this c13 reads`, version);
  const entries = Object.entries(asObject('configs', configs));
  for (const [name] of entries) parseConfigName(name);
  return {
    format: EXPORT_FORMAT,
    version: EXPORT_VERSION,
    features: parseDeclarations(asObject('features', features)),
    configs: Object.fromEntries(sorted(entries)),
  };
}

function parseDeclarations(services: Readonly<Record<string, unknown>>): Record<string, FeatureDeclaration> {
  return Object.fromEntries(
    Object.entries(services).map(([service, declaration]) => {
      if (parseConfigName(service).environment !== null) {
        throw wrongType(`features.${service}`, 'under the name of a service, without an environment', declaration);
      }
      const bits = asObject(`features.${service}`, declaration) as FeatureDeclaration;
      return [service, defineFeatures(bits).declaration];
    }),
  );
}
