import { Drawer } from '../../parts/dialog.tsx';

/** How each client reaches this registry. */
export function ConnectDrawer({ onClose }: { readonly onClose: () => void }) {
  return (
    <Drawer title="Connect" onClose={onClose}>
      Nothing yet.
    </Drawer>
  );
}
