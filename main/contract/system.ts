/** What the doctor asks the program around the page, since it alone sees the desktop. */
import { z } from 'zod';
import type { CheckRow } from '../../registry/spec/admin/computer.ts';

export const systemArguments = {
  /** Whether the desktop has what the app makes use of. */
  'system.check': z.strictObject({}),
} as const;

export interface SystemResults {
  'system.check': readonly CheckRow[];
}
