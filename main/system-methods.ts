/** What of the desktop the app makes use of, looked at for the doctor. */
import type { CheckRow } from '../registry/spec/admin/computer.ts';
import type { MethodsOf } from './contract/shell-api.ts';
import type { systemArguments } from './contract/system.ts';

export interface SystemFacts {
  readonly platform: NodeJS.Platform;
  /** The person wants one. */
  readonly hasTray: () => boolean;
  readonly isTrayShown: () => Promise<boolean>;
  /** There is a keychain whose key is not known to everybody. */
  readonly isKeychainSafe: () => Promise<boolean>;
}

export function createSystemMethods(facts: SystemFacts): MethodsOf<typeof systemArguments> {
  return {
    'system.check': async () => [
      // Other systems have one always.
      ...(facts.platform === 'linux' ? [await checkTray(facts)] : []),
      checkKeychain(facts.platform, await facts.isKeychainSafe()),
    ],
  };
}

async function checkTray({ hasTray, isTrayShown }: SystemFacts): Promise<CheckRow> {
  const base = { id: 'system.tray', group: 'System' };
  if (!hasTray()) return { ...base, status: 'skip', sentence: 'The tray is switched off in the settings.' };
  if (await isTrayShown())
    return { ...base, status: 'pass', sentence: 'This desktop shows icons of a tray.' };
  return {
    ...base,
    status: 'warn',
    sentence: 'This desktop shows no icons of a tray: without its window nothing tells that Berth runs.',
    evidence: 'org.kde.StatusNotifierWatcher has no host.',
    fix: {
      sentence: 'GNOME shows them with the extension AppIndicator. Starting Berth again shows its window.',
    },
  };
}

function checkKeychain(platform: NodeJS.Platform, isSafe: boolean): CheckRow {
  const base = { id: 'system.keychain', group: 'System' };
  if (isSafe)
    return { ...base, status: 'pass', sentence: 'The keychain of this system encrypts what the app keeps.' };
  return {
    ...base,
    status: 'warn',
    sentence: 'There is no keychain to encrypt by: the first password stays in a private file instead.',
    ...(platform === 'linux' ? { evidence: 'The storage of secrets is basic_text.' } : {}),
    fix: {
      sentence: 'Unlock the keychain, on Linux a keyring as GNOME and KDE have it, and start Berth again.',
    },
  };
}
