/** By it Windows knows the icon again, and keeps the place that a person has given it. Fixed for good. */
const guid = '6c0f1d5e-3b7a-4c52-9d1e-8a4f27b3c961';

/**
 * The GUID of the icon in the tray, on Windows alone. Windows ties it to the signer of the program, and where there is none to
 * the program's path, from where another copy of the app gets no icon at all; so an unsigned one has none.
 * https://www.electronjs.org/docs/latest/api/tray#new-trayimage-guid
 */
export function trayGuid({
  platform,
  isSigned,
}: {
  readonly platform: NodeJS.Platform;
  readonly isSigned: boolean;
}): string | undefined {
  return platform === 'win32' && isSigned ? guid : undefined;
}
