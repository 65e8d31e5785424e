import { useRegistryRefusal } from '../state/refusal.ts';
import { Button, type ButtonProps } from './button.tsx';

/** Does what a registry that is read-only refuses: it waits then, and keeps the focus. */
export function WriteButton(props: ButtonProps) {
  const isRefused = useRegistryRefusal() !== undefined;
  return <Button {...props} isPending={isRefused || props.isPending} />;
}
