import { openDialog } from '../../parts/dialog.tsx';
import { AddTagDialog } from '../image/add-tag.tsx';
import { CopyDialog } from '../image/copy-image.tsx';

/** Asks for a name, and points that tag at the manifest. */
export function openAddTag(target: { readonly repository: string; readonly digest: string }): void {
  void openDialog((close) => <AddTagDialog {...target} onClose={close} />);
}

/** Asks where to, and copies an image there, inside of the registry. */
export function openCopyImage(source: { readonly repository: string; readonly reference: string }): void {
  void openDialog((close) => <CopyDialog {...source} onClose={close} />);
}
