/** The steps as commands for people, when nobody could be asked for administrator rights. */
import { dirname } from 'node:path/posix';
import { assertNever } from '../../../registry/spec/errors.ts';
import type { PrivilegedCommand, PrivilegedStep } from './steps.ts';

/** Answers lines to paste into a POSIX shell; on Windows into a PowerShell that runs as administrator. */
export function manualCommands(
  steps: readonly PrivilegedStep[],
  platform: NodeJS.Platform,
): readonly string[] {
  return steps.flatMap(platform === 'win32' ? forPowerShell : forShell);
}

function forShell(step: PrivilegedStep): readonly string[] {
  switch (step.kind) {
    case 'write':
      return [
        `sudo mkdir -p '${dirname(step.path)}'`,
        `echo '${base64(step.bytes)}' | base64 -d | sudo tee '${step.path}' >/dev/null`,
      ];
    case 'remove':
      return [`sudo rm '${step.path}'`];
    case 'run':
      return [`sudo ${programFor(step.command)}`];
    default:
      return assertNever(step);
  }
}

function programFor(command: PrivilegedCommand): string {
  return command === 'reload docker' || command === 'restart docker' ? `systemctl ${command}` : command;
}

function forPowerShell(step: PrivilegedStep): readonly string[] {
  switch (step.kind) {
    case 'write':
      return [
        `[void](New-Item -Force -ItemType Directory '${step.path.replace(/\\[^\\]*$/, '')}')`,
        `[IO.File]::WriteAllBytes('${step.path}', [Convert]::FromBase64String('${base64(step.bytes)}'))`,
      ];
    case 'remove':
      return [`Remove-Item '${step.path}'`];
    case 'run':
      return ['Restart-Service docker'];
    default:
      return assertNever(step);
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
