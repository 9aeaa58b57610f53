/** Starts tracing as a program with this environment does, and says what of OpenTelemetry was loaded for it. @module */
import { readTracingSettings } from '../../src/env/tracing-settings.ts';
import { startTracing } from '../../src/logging/tracing.ts';

const tracing = await startTracing(readTracingSettings(), { version: '1.2.3', warn: console.error });
const loaded = Object.keys(require.cache).filter((path) => path.includes('@opentelemetry')).length;
console.log(JSON.stringify({ isTracing: tracing !== null, loaded }));
await tracing?.shutdown();
