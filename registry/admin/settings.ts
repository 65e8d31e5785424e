/** The settings: the form, and changes that are in force at once where they can be. */
import { exportEnvironment, exportFile } from '../config/export.ts';
import { settingsForm } from '../config/form.ts';
import { parseValue } from '../config/save.ts';
import type { SettingEdit, Settings } from '../config/settings.ts';
import type { SettingsChange, settingsArguments } from '../spec/admin/settings.ts';
import type { Actor, AdminEvents } from '../spec/events.ts';
import type { MethodsOf } from './server.ts';

export interface SettingsDeps {
  readonly settings: Settings;
  readonly adminEvents: AdminEvents;
}

export function createSettingsMethods(deps: SettingsDeps): MethodsOf<typeof settingsArguments> {
  return {
    'settings.form': async () => settingsForm(deps.settings),
    'settings.set': ({ changes }, { actor }) =>
      changeSettings(
        deps,
        changes.map((change) => {
          const value = 'text' in change ? parseValue(change.text) : change.value;
          // Nothing, as in a file: what holds without it.
          return { path: change.path, value: value ?? undefined };
        }),
        actor,
      ),
    'settings.reset': ({ paths }, { actor }) =>
      changeSettings(
        deps,
        paths.map((path) => ({ path, value: undefined })),
        actor,
      ),
    async 'settings.export'({ as }) {
      const loaded = deps.settings.newest();
      return { text: as === 'file' ? exportFile(loaded) : exportEnvironment(loaded) };
    },
  };
}

/** Changes settings and says so. Throws what Settings.change throws. */
export async function changeSettings(
  { settings, adminEvents }: SettingsDeps,
  edits: readonly SettingEdit[],
  actor: Actor,
): Promise<SettingsChange> {
  const change = await settings.change(edits);
  const pending = change.pending.map(({ path }) => path);
  await adminEvents.settingsChanged({ paths: [...change.inForce, ...pending], pending, actor });
  return change;
}
