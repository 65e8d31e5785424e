/** Settings that a screen speaks of, with the way to change them. */
import type { ReactNode } from 'react';
import type { SettingRow } from '../../../registry/spec/admin/settings.ts';
import { parseDuration } from '../../../registry/spec/duration.ts';
import { formatBytes, formatDuration } from '../../format.ts';
import { hrefOf } from '../../route.ts';
import { useCall } from '../../state/calls.ts';
import { Saved } from '../settings/saved.tsx';
import { useSettingEdit } from '../settings/use-setting-edit.ts';
import { Blank } from './blank.tsx';
import styles from './storage.module.css';

/** A setting as it is written, such as `168h`; `undefined` while it is not known, and where it is unset. */
export function useSetting(path: string): SettingRow | undefined {
  const { data } = useCall('settings.form', {});
  return data?.sections.flatMap(({ fields }) => fields).find((field) => field.path === path);
}

/** What a setting says, for a reader: `7d` for `168h0m0s`, `5.37GB` for its bytes. */
export function writtenOf(setting: SettingRow | undefined): string | undefined {
  const { value, kind } = setting ?? {};
  if (kind === 'duration' && typeof value === 'string') return formatDuration(parseDuration(value) ?? 0);
  if (kind === 'bytes' && typeof value === 'number') return formatBytes(value);
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

/** Leads to a setting. */
export function SettingLink({ path, children }: { readonly path: string; readonly children: ReactNode }) {
  return (
    <a className={styles['inText']} href={hrefOf({ page: 'settings' }, { q: path })}>
      {children}
    </a>
  );
}

/** What a setting says, as a link to where it is changed. */
export function SettingValue({
  path,
  fallback = 'its default',
}: {
  readonly path: string;
  readonly fallback?: string;
}) {
  return <SettingLink path={path}>{writtenOf(useSetting(path)) ?? fallback}</SettingLink>;
}

/** A setting as a blank of a sentence; what leaves it is sent. Where something fixes it, it is only said. */
export function SettingBlank({ path, label }: { readonly path: string; readonly label: string }) {
  const setting = useSetting(path);
  if (setting === undefined || setting.isLocked) return <SettingValue path={path} />;
  return <Edit field={setting} label={label} />;
}

function Edit({ field, label }: { readonly field: SettingRow; readonly label: string }) {
  const { refetch } = useCall('settings.form', {});
  const { draft, error, isSaved, type, apply, forget } = useSettingEdit(field, refetch);
  const send = (): void => void (draft !== undefined && apply(draft));
  return (
    <span
      onBlur={send}
      onKeyDown={({ key }) => {
        if (key === 'Enter') send();
        if (key === 'Escape') forget();
      }}
    >
      <Blank
        label={label}
        value={draft ?? writtenOf(field) ?? ''}
        onChange={type}
        problem={error}
        least={4}
      />
      <Saved isSaved={isSaved} />
      {error !== undefined && (
        <span className={styles['wrong']} role="alert">
          {error}
        </span>
      )}
    </span>
  );
}
