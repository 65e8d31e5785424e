/**
 * Controls inside of rows. Hundreds of rows come and go while a table scrolls, so each is one plain element: the icons are
 * masks of the style sheet.
 */
import styles from './row-controls.module.css';

export interface RowButtonProps {
  /** What it does, and to what: its name. */
  readonly label: string;
  /** On hover; the name where it is absent. */
  readonly hint?: string;
  readonly icon: 'copy' | 'down' | 'more' | 'save' | 'files';
  readonly excludeFromTabOrder: boolean;
  readonly onPress: (button: HTMLButtonElement) => void;
  /** It opens a menu. */
  readonly hasMenu?: boolean;
}

/** A button that is an icon. */
export function RowButton({
  label,
  hint = label,
  icon,
  excludeFromTabOrder,
  onPress,
  hasMenu = false,
}: RowButtonProps) {
  return (
    <button
      type="button"
      className={`${styles['button']} ${styles[icon]}`}
      aria-label={label}
      title={hint}
      aria-haspopup={hasMenu ? 'menu' : undefined}
      tabIndex={excludeFromTabOrder ? -1 : 0}
      onClick={({ currentTarget }) => onPress(currentTarget)}
    />
  );
}

/** Opens and closes what is below a row. The keys Right and Left do the same. */
export function Twist({
  isExpanded,
  name,
  onToggle,
}: {
  /** Absent: there is nothing below; the room stays. */
  readonly isExpanded: boolean | undefined;
  readonly name: string;
  readonly onToggle: (isExpanded: boolean) => void;
}) {
  if (isExpanded === undefined) return <span className={styles['noTwist']} />;
  return (
    <button
      type="button"
      className={`${styles['twist']} ${isExpanded ? styles['open'] : ''}`}
      aria-label={isExpanded ? `Collapse ${name}` : `Expand ${name}`}
      tabIndex={-1}
      onClick={() => onToggle(!isExpanded)}
    />
  );
}
