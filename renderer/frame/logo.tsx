/** A quay with three containers. */
export function Logo() {
  return (
    <svg width="28" height="28" viewBox="0 0 32 32" aria-hidden>
      <rect width="32" height="32" rx="7" fill="var(--accent)" />
      <path
        d="M7 13h5v5H7zM13.500 13h5v5h-5zM20 13h5v5h-5zM13.500 6.500h5v5h-5zM5 20.500h22c-1 4-4.500 6-11 6s-10-2-11-6z"
        fill="var(--on-accent)"
      />
    </svg>
  );
}
