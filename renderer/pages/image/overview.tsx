import type { HealthcheckRow, ImageConfig, ImageDetail } from '../../../registry/spec/admin/image.ts';
import { CopyButton } from '../../parts/copy.tsx';
import { Panel, Panels } from '../../parts/screen.tsx';
import { Bytes, Chip, Digest, Facts, Time } from '../../parts/values.tsx';
import { formatDuration, formatForeign } from '../../format.ts';
import { hrefOf } from '../../route.ts';
import { NamedValues } from './named-values.tsx';
import styles from './image.module.css';

/** What an image or artifact says of itself. */
export function Overview({ detail }: { readonly detail: ImageDetail }) {
  const { config, manifest, children } = detail;
  const annotations = Object.entries(manifest?.annotations ?? {}).map(([name, value]) => ({ name, value }));
  return (
    <div className={styles['scroll']}>
      <Panels>
        {config !== undefined && (
          <Panel title="Runs">
            <Facts rows={runFacts(config)} />
          </Panel>
        )}
        <Panel title="About">
          <Facts rows={aboutFacts(detail)} />
        </Panel>
      </Panels>
      {children.length > 0 && (
        <Panel title="Platforms">
          <Children detail={detail} />
        </Panel>
      )}
      {config !== undefined && config.env.length > 0 && (
        <Panel title="Environment">
          <NamedValues key={manifest?.digest} label="Environment" rows={config.env} />
        </Panel>
      )}
      {config !== undefined && config.labels.length > 0 && (
        <Panel title="Labels">
          <NamedValues key={manifest?.digest} label="Labels" rows={config.labels} />
        </Panel>
      )}
      {annotations.length > 0 && (
        <Panel title="Annotations">
          <NamedValues key={manifest?.digest} label="Annotations" rows={annotations} />
        </Panel>
      )}
    </div>
  );
}

type FactRows = Parameters<typeof Facts>[0]['rows'];

function runFacts(config: ImageConfig): FactRows {
  return [
    ['Entrypoint', words(config.entrypoint)],
    ['Command', words(config.cmd)],
    ['Working directory', code(config.workingDir)],
    ['User', code(config.user) ?? 'root, as the image names none'],
    ['Ports', list(config.ports)],
    ['Volumes', list(config.volumes)],
    ['Health check', config.healthcheck && healthcheck(config.healthcheck)],
    ['Stop signal', code(config.stopSignal)],
  ];
}

function aboutFacts({ digest, mediaType, manifest, config, repository, bytes }: ImageDetail): FactRows {
  const subject = manifest?.subject;
  return [
    [
      'System',
      config &&
        formatForeign(
          [config.os, config.architecture, config.variant].filter((part) => part !== undefined).join('/'),
        ),
    ],
    ['Built', config?.created !== undefined && time(config.created)],
    ['Author', config?.author !== undefined && formatForeign(config.author)],
    ['Size of all platforms', manifest?.digest !== digest && sizeOf(bytes.total)],
    ['Used by nothing else', sizeOf(bytes.exclusive)],
    ['Artifact type', code(manifest?.artifactType)],
    ['Belongs to', subject !== undefined && linkTo(repository, subject)],
    ['Manifest type', code(manifest?.mediaType)],
    ['Config type', code(manifest?.configMediaType)],
    ['Index type', digest !== manifest?.digest && code(mediaType)],
    ['Manifest digest', manifest !== undefined && manifest.digest !== digest && whole(manifest.digest)],
    ['Digest', whole(digest)],
  ];
}

function Children({ detail: { children, repository, manifest } }: { readonly detail: ImageDetail }) {
  return (
    <ul className={styles['children']}>
      {children.map(({ digest, platform, totalBytes, createdAt, isAttestation, mediaType }) => (
        <li key={`${platform} ${digest}`}>
          <a href={hrefOf({ page: 'image', repository, reference: digest })}>
            <Digest value={digest} />
          </a>
          <span className={styles['childName']}>
            {isAttestation ? 'attestation' : formatForeign(platform ?? 'no platform')}
          </span>
          {digest === manifest?.digest && <Chip tone="accent">shown</Chip>}
          <span className={styles['muted']}>
            {totalBytes === undefined ? 'not in this registry' : <Bytes value={totalBytes} />}
          </span>
          {createdAt !== undefined && (
            <span className={styles['muted']}>
              built <Time at={createdAt} />
            </span>
          )}
          <code className={styles['muted']}>{formatForeign(mediaType)}</code>
        </li>
      ))}
    </ul>
  );
}

function healthcheck({ test, intervalMs, timeoutMs, startPeriodMs, retries }: HealthcheckRow) {
  const [first, ...rest] = test;
  if (first === 'NONE') return 'switched off';
  const command = first === 'CMD-SHELL' ? rest.join(' ') : JSON.stringify(first === 'CMD' ? rest : test);
  const terms = [
    intervalMs !== undefined && `every ${formatDuration(intervalMs)}`,
    timeoutMs !== undefined && `within ${formatDuration(timeoutMs)}`,
    startPeriodMs !== undefined && `after ${formatDuration(startPeriodMs)}`,
    retries !== undefined && `${retries} tries`,
  ].filter((term) => term !== false);
  return (
    <>
      <code>{formatForeign(command)}</code> {terms.length > 0 && <span>({terms.join(', ')})</span>}
    </>
  );
}

/** A list as JSON, as a Dockerfile writes it: to tell `["a b"]` from `["a", "b"]`. */
function words(parts: readonly string[]) {
  return parts.length > 0 && <code>{formatForeign(JSON.stringify(parts).replaceAll('","', '", "'))}</code>;
}

function list(values: readonly string[]) {
  return (
    values.length > 0 && (
      <span className={styles['chips']}>
        {values.map((value) => (
          <Chip key={value} title={formatForeign(value)}>
            <code>{formatForeign(value)}</code>
          </Chip>
        ))}
      </span>
    )
  );
}

function code(text: string | undefined) {
  return text === undefined || text === '' ? undefined : <code>{formatForeign(text)}</code>;
}

function sizeOf(bytes: number | undefined) {
  return bytes !== undefined && <Bytes value={bytes} />;
}

function whole(digest: string) {
  return (
    <span className={styles['whole']}>
      <Digest value={digest} />
      <CopyButton text={digest} label={`Copy ${digest}`} />
    </span>
  );
}

function time(at: string) {
  return <Time at={at} />;
}

function linkTo(repository: string, digest: string) {
  return (
    <a href={hrefOf({ page: 'image', repository, reference: digest })}>
      <Digest value={digest} />
    </a>
  );
}
