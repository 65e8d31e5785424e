import { userInfo } from 'node:os';
import { systemCode } from './private-file.ts';

/** The name of the user that this process runs as, for records; its number where the system has no name for it. */
export function processUser(): string {
  try {
    return userInfo().username;
  } catch (error) {
    // A container image has no /etc/passwd: uv_os_get_passwd fails.
    if (systemCode(error) !== 'ERR_SYSTEM_ERROR') throw error;
    return String(process.getuid?.() ?? 'unknown');
  }
}
