/** The control plane on the settings: the form, and changes that are checked as a whole. */
import { z } from 'zod';

/** One setting, with all that a form or a command needs to show and change it. */
export interface SettingRow {
  /** Dotted, as in `berth.storage.trash`. */
  readonly path: string;
  readonly title: string;
  readonly help: string;
  /** The kind of value in words. */
  readonly kind: string;
  /** The default as one would write it, or in words. */
  readonly default: string;
  /** What a change needs to take effect: nothing, the listener made anew, the process started anew. */
  readonly restart: 'none' | 'listener' | 'process';
  readonly isSecret: boolean;
  /** JSON Schema of the value. */
  readonly schema: Readonly<Record<string, unknown>>;
  /** What file, environment and options say at present, as one would write it; a secret is `***`. Absent: unset. */
  readonly value?: unknown;
  readonly source: 'default' | 'file' | 'env' | 'flag';
  /** File, line and column, the name of the variable, or the option; empty for a default. */
  readonly where: string;
  /** A variable or an option fixes it. */
  readonly isLocked: boolean;
  /** What is in force is something else, until the restart. */
  readonly isPending: boolean;
}

export interface SettingsForm {
  /** In the order of the reference page. */
  readonly sections: readonly { readonly name: string; readonly fields: readonly SettingRow[] }[];
  /** Where changes are written. */
  readonly file: string;
}

/** What is said otherwise than by default, for another machine; secrets are left out, with a comment for each. */
export interface SettingsText {
  readonly text: string;
}

/** What became of changed settings. */
export interface SettingsChange {
  /** Those that are in force already. */
  readonly inForce: readonly string[];
  /** Those that wait, and for what. */
  readonly pending: readonly { readonly path: string; readonly restart: 'listener' | 'process' }[];
  /** The file that was written. */
  readonly file: string;
}

const path = z.string().min(1).max(200);

export const settingsArguments = {
  /** Every setting with its meaning, its value, where that comes from, and what a change needs. */
  'settings.form': z.strictObject({}),
  /**
   * Changes settings in the file, all of them or none; in force at once where it can be. A value is written as in the file:
   * `48h`, `["public/**"]`; or as `text`, which is YAML.
   */
  'settings.set': z.strictObject({
    changes: z
      .array(z.union([z.strictObject({ path, value: z.json() }), z.strictObject({ path, text: z.string() })]))
      .min(1)
      .max(200),
  }),
  /** Takes settings out of the file, so that their defaults hold. */
  'settings.reset': z.strictObject({ paths: z.array(path).min(1).max(200) }),
  /** What is said otherwise than by default: as a file, or as lines `NAME=value` for the environment. */
  'settings.export': z.strictObject({ as: z.enum(['file', 'environment']) }),
} as const;

export interface SettingsResults {
  'settings.form': SettingsForm;
  'settings.set': SettingsChange;
  'settings.reset': SettingsChange;
  'settings.export': SettingsText;
}
