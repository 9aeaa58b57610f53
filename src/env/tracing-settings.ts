/**
 * Where traces go, by the variables that OpenTelemetry has defined for all programs. Its own library reads the rest of
 * them (headers, sampling, batches, limits) when it is loaded.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';
import { processVariables, type Variables } from './env.ts';

export interface TracingSettings {
  /** Takes spans as OTLP over HTTP: `http://127.0.0.1:4318/v1/traces`. */
  readonly url: string;
  readonly serviceName: string;
}

const SERVICE_NAME = '13byte-config';

/**
 * null where no exporter is set, or tracing is switched off. Throws ERR_SETTING.
 * @example readTracingSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' })
 */
export function readTracingSettings(variables: Variables = processVariables()): TracingSettings | null {
  if (variables['OTEL_SDK_DISABLED'] === 'true' || variables['OTEL_TRACES_EXPORTER'] === 'none') return null;
  const serviceName = variables['OTEL_SERVICE_NAME'] || SERVICE_NAME;
  const own = endpointIn('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', variables);
  if (own !== null) return { url: own.href, serviceName };
  const shared = endpointIn('OTEL_EXPORTER_OTLP_ENDPOINT', variables);
  if (shared === null) return null;
  shared.pathname = `${shared.pathname.replace(/\/$/, '')}/v1/traces`;
  return { url: shared.href, serviceName };
}

function endpointIn(variable: string, variables: Variables): URL | null {
  const text = variables[variable];
  if (text === undefined || text === '') return null;
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return new URL(text);
  throw new ConfigError('ERR_SETTING', {
    message: `${variable}: ${JSON.stringify(text.slice(0, 200))} is not an http or https URL`,
    hint: `Set ${variable} to where traces are taken, or leave it out for none.`,
    details: { setting: variable, value: text },
  });
}
