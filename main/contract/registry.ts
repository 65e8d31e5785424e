/** The process of the registry, for a window that has no connection to it. */
import { z } from 'zod';

export interface ProcessRow {
  /** `moving`: stopped, until its data is at another place. */
  readonly state: 'stopped' | 'starting' | 'running' | 'stopping' | 'waiting' | 'moving';
  /** Why it does not run, or ended before it was started again. */
  readonly failure?: {
    readonly code: string;
    readonly message: string;
    readonly hint: string;
    /** The next port that is free, where its own is used by another program. */
    readonly freePort?: number;
  };
}

export const registryArguments = {
  'registry.get': z.strictObject({}),
  /** Starts it now. */
  'registry.start': z.strictObject({}),
  /** Ends it as a stop does, and starts it again. */
  'registry.restart': z.strictObject({}),
  /** Writes another port into the configuration, and starts the registry there; one that runs ends first. USAGE. */
  'registry.usePort': z.strictObject({ port: z.int().min(1).max(65_535) }),
} as const;

export interface RegistryProcessResults {
  'registry.get': ProcessRow;
  'registry.start': ProcessRow;
  'registry.restart': ProcessRow;
  'registry.usePort': ProcessRow;
}
