import { Check } from 'lucide-react';
import { useEffect, useState } from 'react';
import styles from './settings.module.css';

const savedMs = 3000;

/** Whether something was saved a moment ago, and how to say so. */
export function useSaved(): readonly [isSaved: boolean, setSaved: (isSaved: boolean) => void] {
  const [isSaved, setSaved] = useState(false);
  useEffect(() => {
    if (!isSaved) return undefined;
    const timer = setTimeout(() => setSaved(false), savedMs);
    return () => clearTimeout(timer);
  }, [isSaved]);
  return [isSaved, setSaved];
}

/** Says for a moment that what was changed is kept. */
export function Saved({ isSaved }: { readonly isSaved: boolean }) {
  return (
    <span className={styles['saved']} role="status">
      {isSaved && (
        <>
          <Check aria-hidden /> Saved
        </>
      )}
    </span>
  );
}
