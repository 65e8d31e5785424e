import { safeStorage } from 'electron';
import type { Keychain } from './setup/first-passwords.ts';

/** The keychain of the system, as Electron reaches it. */
export const systemKeychain: Keychain = {
  async isSafe() {
    if (!(await safeStorage.isAsyncEncryptionAvailable())) return false;
    // Without a keychain Linux encrypts by a key that everybody knows, and calls that available.
    return (
      process.platform !== 'linux' ||
      !['basic_text', 'unknown'].includes(safeStorage.getSelectedStorageBackend())
    );
  },
  encrypt: (text) => safeStorage.encryptStringAsync(text),
  async decrypt(bytes) {
    const { result, shouldReEncrypt } = await safeStorage.decryptStringAsync(bytes);
    return { text: result, isOutdated: shouldReEncrypt };
  },
};
