import { openDialog } from '../../parts/dialog.tsx';
import { ExportDialog } from './export-dialog.tsx';
import { ImportDialog } from './import-dialog.tsx';
import type { ImportSource } from './use-bundle.ts';

/** Asks for a file where none is given, and imports it; resolves when the dialog is closed. */
export function openImport(source?: ImportSource): Promise<void> {
  return openDialog((close) => <ImportDialog source={source} onClose={close} />);
}

/** One dialog after the other. */
export async function openImports(sources: readonly ImportSource[]): Promise<void> {
  for (const source of sources) await openImport(source);
}

/** Exports images by their references. */
export function openExport(references: readonly string[]): void {
  void openDialog((close) => <ExportDialog references={references} onClose={close} />);
}
