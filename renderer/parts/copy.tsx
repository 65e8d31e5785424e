import { Check, Copy } from 'lucide-react';
import { useEffect, useState } from 'react';
import { findShell } from '../api/shell.ts';
import { IconButton } from './button.tsx';
import { toast } from './toast.tsx';
import styles from './copy.module.css';

/** Puts a text into the clipboard and says so; answers whether it could. A browser may refuse it, the desktop does not. */
export async function copyText(text: string, what = 'Copied'): Promise<boolean> {
  const shell = findShell();
  try {
    await (shell === undefined
      ? navigator.clipboard.writeText(text)
      : shell.call('clipboard.write', { text }));
    toast({ text: what });
    return true;
  } catch {
    toast({
      kind: 'error',
      text: `${shell === undefined ? 'The browser does not let this page copy' : 'The clipboard of the system does not take it'}. Select the text and copy it yourself.`,
    });
    return false;
  }
}

export interface CopyButtonProps {
  readonly text: string;
  /** `Copy digest`. */
  readonly label?: string;
  readonly excludeFromTabOrder?: boolean;
}

export function CopyButton({ text, label = 'Copy', excludeFromTabOrder = false }: CopyButtonProps) {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return undefined;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [isCopied]);
  return (
    <IconButton
      label={label}
      excludeFromTabOrder={excludeFromTabOrder}
      onPress={() => void copyText(text).then(setCopied)}
    >
      {isCopied ? <Check /> : <Copy />}
    </IconButton>
  );
}

/** A text to copy, on a line of its own; long ones scroll. */
export function CopyLine({ text, label = 'Copy' }: { readonly text: string; readonly label?: string }) {
  return (
    <div className={styles['line']}>
      {/* A region that scrolls must be reachable by keyboard. */}
      <pre className={styles['text']} tabIndex={0} aria-label={label.replace(/^Copy /, '')} role="group">
        {text}
      </pre>
      <CopyButton text={text} label={label} />
    </div>
  );
}

/** How the command line does what a button does. */
export function CliLine({ command }: { readonly command: string }) {
  return (
    <div className={styles['cli']}>
      <span className={styles['cliName']}>Command line</span>
      <CopyLine text={command} label="Copy command" />
    </div>
  );
}
