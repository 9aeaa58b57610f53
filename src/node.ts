/**
 * The public surface of `13byte-config` outside Bun (Node 20 and newer): values, validation, rollouts and the
 * WebAssembly core. There is no journal and no board here; what needs them says so.
 * @module
 */
import type { Backend } from '../bindings/backend.ts';
import { openWasmFile } from '../bindings/wasm-file.ts';
import { ConfigError } from './errors/errors.ts';

// What a config is.
export { DEFAULT_CONFIG, configHex, decodeConfig, encodeConfig, parseConfigBytes } from './config/value.ts';
export type { ChangedField, RegistryConfig } from './config/value.ts';
export { parseConfigInput, type ConfigInput } from './config/input.ts';
export { defineFeatures, type BuiltinFeature, type FeatureDeclaration, type FeatureSet } from './config/features.ts';
export { isInRollout } from './config/rollout.ts';
export { applyTemplate, defineTemplates, findTemplate, type Template, type TemplateInput } from './config/templates.ts';
export { validate, validateInput, type Issue, type Rule, type Validation } from './config/validation.ts';
export { migrate } from './config/migrations.ts';
export { checksumOf, type ConfigHistory, type EnhancedConfig } from './config/metadata.ts';
export { debugView, type DebugView } from './config/debug-view.ts';
export { formatVariables, readConfigVariables } from './config/environment.ts';

// A config of a registry elsewhere, as it changes.
export { openConfigStream } from './client/config-stream.ts';
export type { ConfigStream, ConfigStreamOptions, StreamEvent } from './client/config-stream.ts';
export type { StreamedConfig } from './client/stream-state.ts';

// Failures.
export { ConfigError, isConfigError, type AnyConfigError, type ErrorCode } from './errors/errors.ts';

/**
 * The core that serves here, and why it is this one. Errors: ERR_CORE_MISSING, ERR_ABI_MISMATCH.
 * @example openCore().backend.crc64(new TextEncoder().encode('123456789')) // 0xae8b14860a799888n
 */
export function openCore(): { readonly backend: Backend; readonly reason: string } {
  return { backend: openWasmFile(), reason: 'WebAssembly, because the native library needs Bun' };
}

/** Throws ERR_NEEDS_BUN. */
export function createProductionConfig(): never {
  throw needsBun('createProductionConfig');
}

/** Rejects with ERR_NEEDS_BUN. */
export async function getConfig(): Promise<never> {
  throw needsBun('getConfig');
}

function needsBun(what: string): ConfigError {
  return new ConfigError('ERR_NEEDS_BUN', {
    message: `${what} needs Bun: its journal and its shared memory do not exist here`,
    hint: 'Run this program with Bun 1.4.4 or newer, or ask a registry for the config over HTTP.',
    details: { what },
  });
}
