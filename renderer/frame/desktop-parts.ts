import { createPart } from './part.ts';

/** What only the desktop shows: no browser loads it. */
export const desktopParts = {
  process: createPart(async () => (await import('./process-notice.tsx')).ProcessNotice),
  firstRun: createPart(async () => (await import('../pages/home/first-run.tsx')).FirstRun),
  settings: createPart(async () => (await import('../pages/settings/desktop.tsx')).DesktopPanels),
  undoAll: createPart(async () => (await import('../pages/changes/undo-all.tsx')).UndoAll),
  uninstall: createPart(async () => (await import('../pages/settings/uninstall.tsx')).Uninstall),
  push: createPart(async () => (await import('../pages/push/push-images.tsx')).PushImages),
  engineActs: createPart(async () => (await import('../pages/consent/engine-acts.tsx')).EngineActs),
  trust: createPart(async () => (await import('../pages/consent/trust-sheet.tsx')).TrustSheet),
  engineLogins: createPart(async () => (await import('../pages/consent/engine-logins.tsx')).EngineLogins),
  login: createPart(async () => (await import('../pages/consent/login-sheet.tsx')).LoginSheet),
} as const;
