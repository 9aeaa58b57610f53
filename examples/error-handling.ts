/** Errors say what is wrong and what there is; validation judges without throwing. @module */
import { createProductionConfig, isConfigError } from '13byte-config';

const config = createProductionConfig();

try {
  // @ts-expect-error a wrong name does not compile either
  config.enableFeature('unknown_feature');
} catch (error) {
  if (!isConfigError(error)) throw error;
  console.log(error.code);
  console.log(error.message);
}

const validation = config.validate({ rows: 0 });
if (!validation.isValid) {
  console.log(validation.errors[0]!.message);
}
