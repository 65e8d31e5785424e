/** berth inspect, layers and compare: what an image or artifact holds. All texts of an image are strangers' texts. */
import type { Command } from 'commander';
import type { Page } from '../spec/admin/arguments.ts';
import type { Difference, FileRow, ImageDetail, LayerRow, TextPart } from '../spec/admin/image.ts';
import { parseDigest } from '../spec/digest.ts';
import { AppError } from '../spec/errors.ts';
import type { AdminClient } from './client.ts';
import { formatBytes, printable } from './format.ts';
import type { Io } from './io.ts';
import { allRows, type LookOptions, openFor, splitName, withLook } from './look.ts';
import { formatTable } from './table.ts';
import { writeJson } from './user.ts';

interface PlatformOptions extends LookOptions {
  readonly platform?: string;
}

interface InspectOptions extends PlatformOptions {
  readonly raw?: boolean;
  readonly reveal?: boolean;
}

interface LayersOptions extends PlatformOptions {
  readonly files?: string;
  readonly show?: string;
}

/** Adds `berth inspect|layers|compare` to the program. */
export function registerInspect(program: Command, io: Io): void {
  withPlatform(program.command('inspect <reference>'))
    .description('show what an image or artifact is: repository:tag or repository@digest')
    .option('--raw', 'write the manifest as it is stored')
    .option('--reveal', 'show the values of variables that look like secrets')
    .action((name: string, options: InspectOptions) => inspect(io, name, options));

  withPlatform(program.command('layers <reference>'))
    .description('list the layers of an image, or the files of one')
    .option('--files <layer>', 'the layer whose files to list: its number or digest')
    .option('--show <path>', 'with --files: write this file of the layer')
    .action((name: string, options: LayersOptions) => layers(io, name, options));

  withPlatform(program.command('compare <reference> <other>'))
    .description('show how another image of the same repository differs: layers, size, configuration')
    .option('--reveal', 'show the values of variables that look like secrets')
    .action((name: string, other: string, options: InspectOptions) => compare(io, name, other, options));
}

function withPlatform(command: Command): Command {
  return withLook(command).option(
    '--platform <platform>',
    'of an index: os/architecture, such as linux/arm64',
  );
}

async function inspect(io: Io, name: string, options: InspectOptions): Promise<void> {
  using client = await openFor(io, options);
  const { repository, reference } = splitReference(name);
  const detail = await client.call('images.get', { repository, reference, platform: options.platform });
  if (options.raw === true) {
    const digest =
      options.platform === undefined ? detail.digest : (detail.manifest?.digest ?? detail.digest);
    return await writeRaw(io, client, repository, digest);
  }
  if (options.json === true) return writeJson(io, detail);
  io.out(describe(detail, options));
}

/** To a pipe the very bytes, so that they have their digest. */
async function writeRaw(io: Io, client: AdminClient, repository: string, digest: string): Promise<void> {
  let offset: number | undefined = 0;
  while (offset !== undefined) {
    const part: TextPart = await client.call('images.raw', { repository, digest, offset });
    writeText(io, part);
    offset = part.next;
  }
  if (io.isTTY) io.out('\n');
}

function writeText(io: Io, { encoding, text }: TextPart): void {
  if (encoding === 'base64') {
    throw new AppError('CONTENT_UNREADABLE', {
      message: 'It is no text.',
      hint: '--json answers it in base64.',
    });
  }
  io.out(io.isTTY ? printable(text, { multiline: true }) : text);
}

/** A readable page. */
function describe(detail: ImageDetail, { reveal }: InspectOptions): string {
  const { manifest, config, bytes } = detail;
  const attached = [
    detail.hasSignature ? 'signature (not verified)' : '',
    detail.hasSbom ? 'list of packages' : '',
    detail.hasProvenance ? 'provenance (not verified)' : '',
  ].filter((each) => each !== '');
  const health = config?.healthcheck;
  const lines: readonly (readonly [string, string | undefined])[] = [
    ['digest', detail.digest],
    ['media type', detail.mediaType],
    ['kind', detail.kind],
    ['tags', detail.tags.map((each) => each.tag).join(' ')],
    [
      'protected',
      detail.tags
        .flatMap(({ tag, protectedBy }) => (protectedBy === undefined ? [] : [`${tag} by ${protectedBy}`]))
        .join(', '),
    ],
    ['platforms', detail.children.map(childName).join(' ')],
    ['manifest', manifest?.digest === detail.digest ? undefined : manifest?.digest],
    ['platform', manifest?.platform],
    ['artifact type', manifest?.artifactType],
    ['subject', manifest?.subject],
    ['size', formatBytes(bytes.manifest)],
    ['attached', attached.join(', ')],
    ['created', config?.created],
    ['author', config?.author],
    ['entrypoint', wordsOf(config?.entrypoint)],
    ['command', wordsOf(config?.cmd)],
    ['user', config?.user],
    ['directory', config?.workingDir],
    ['ports', config?.ports.join(' ')],
    ['volumes', config?.volumes.join(' ')],
    ['stop signal', config?.stopSignal],
    ['health', health === undefined ? undefined : wordsOf(health.test)],
  ];
  const width = Math.max(...lines.map(([label]) => label.length)) + 2;
  const said = lines
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([label, value]) => `${`${label}:`.padEnd(width)}${printable(value ?? '')}`);
  const env = config?.env.map(
    ({ name, value, isSecretLooking }) =>
      `${name}=${isSecretLooking && reveal !== true ? '******** (--reveal shows it)' : value}`,
  );
  const labels = config?.labels.map(({ name, value }) => `${name}=${value}`);
  const annotations = Object.entries(manifest?.annotations ?? {}).map(([name, value]) => `${name}=${value}`);
  return [
    ...said,
    ...block('variables', env),
    ...block('labels', labels),
    ...block('annotations', annotations),
    ...block('notes', detail.notes),
    ...(detail.dockerfile === '' ? [] : ['', printable(detail.dockerfile.trimEnd(), { multiline: true })]),
    '',
  ].join('\n');
}

function childName({ platform, isAttestation }: ImageDetail['children'][number]): string {
  return isAttestation ? '(attestation)' : (platform ?? '(none)');
}

function wordsOf(words: readonly string[] | undefined): string | undefined {
  return words === undefined || words.length === 0 ? undefined : JSON.stringify(words);
}

function block(title: string, lines: readonly string[] = []): readonly string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => `  ${printable(line)}`)];
}

async function layers(io: Io, name: string, options: LayersOptions): Promise<void> {
  if (options.show !== undefined && options.files === undefined) {
    throw new AppError('USAGE', { message: '--show needs --files, which names the layer.' });
  }
  using client = await openFor(io, options);
  const { repository, reference } = splitReference(name);
  const detail = await client.call('images.get', { repository, reference, platform: options.platform });
  if (options.files !== undefined) {
    const { digest } = getLayer(detail, options.files);
    const image = detail.manifest?.digest;
    return options.show === undefined
      ? await listFiles(io, client, { repository, digest, image }, options)
      : await showFile(io, client, { repository, digest, path: options.show }, options);
  }
  if (options.json === true) return writeJson(io, detail.layers);
  const table = detail.layers.map((layer, at) => [String(at + 1), ...layerCells(layer)]);
  io.out(formatTable(['#', 'SIZE', 'UP TO HERE', 'SHARED WITH', 'DIGEST', 'MADE BY'], table, io));
}

function layerCells(layer: LayerRow): readonly string[] {
  const { digest, size, cumulativeBytes, sharedWith, command, title, mediaType } = layer;
  const users = sharedWith >= 100 ? '100 or more' : String(sharedWith);
  const about = printable(command ?? title ?? mediaType);
  const short = about.length > 80 ? `${about.slice(0, 79)}…` : about;
  return [formatBytes(size), formatBytes(cumulativeBytes), users, digest.slice(0, 19), short];
}

function getLayer({ layers: all }: ImageDetail, wanted: string): LayerRow {
  const found = /^\d{1,4}$/.test(wanted)
    ? all[Number(wanted) - 1]
    : all.find(
        ({ digest }) => digest.startsWith(wanted) || digest.split(':')[1]?.startsWith(wanted) === true,
      );
  if (found !== undefined) return found;
  throw new AppError('BLOB_UNKNOWN', {
    message: `The image has no layer ${JSON.stringify(wanted)}; it has ${all.length} layers.`,
    hint: 'berth layers lists them with their numbers.',
  });
}

interface LayerPlace {
  readonly repository: string;
  readonly digest: string;
}

async function listFiles(
  io: Io,
  client: AdminClient,
  { repository, digest, image }: LayerPlace & { readonly image: string | undefined },
  { json }: LookOptions,
): Promise<void> {
  const rows = await allRows((after): Promise<Page<FileRow>> =>
    client.call('layers.files', { repository, digest, image, after, limit: 1000 }),
  );
  if (json === true) return writeJson(io, rows);
  const table = rows.map((row) => [
    row.change ?? '',
    row.type,
    row.mode === undefined ? '' : row.mode.toString(8).padStart(4, '0'),
    row.uid === undefined ? '' : `${row.uid}:${row.gid ?? ''}`,
    row.type === 'file' ? formatBytes(row.size) : '',
    printable(row.link === undefined ? row.path : `${row.path} -> ${row.link}`),
  ]);
  io.out(formatTable(['CHANGE', 'TYPE', 'MODE', 'OWNER', 'SIZE', 'PATH'], table, io));
}

async function showFile(
  io: Io,
  client: AdminClient,
  place: LayerPlace & { readonly path: string },
  { json }: LookOptions,
): Promise<void> {
  const part = await client.call('layers.file', place);
  if (json === true) return writeJson(io, part);
  writeText(io, part);
}

async function compare(io: Io, name: string, other: string, options: InspectOptions): Promise<void> {
  const a = splitReference(name);
  const b =
    other.startsWith('@') || !/[:@/]/.test(other)
      ? { ...a, reference: other.replace(/^@/, '') }
      : splitReference(other);
  if (a.repository !== b.repository) {
    throw new AppError('USAGE', { message: 'Two images of one repository are compared.' });
  }
  using client = await openFor(io, options);
  const result = await client.call('images.compare', {
    repository: a.repository,
    a: a.reference,
    b: b.reference,
    platform: options.platform,
  });
  if (options.json === true) return writeJson(io, result);
  const sign = result.grownBytes < 0 ? '-' : '+';
  const layersTable = [
    ...result.common.map((layer) => ['=', ...layerCells(layer)]),
    ...result.onlyA.map((layer) => ['-', ...layerCells(layer)]),
    ...result.onlyB.map((layer) => ['+', ...layerCells(layer)]),
  ];
  const differences = [
    ...result.config.map((each) => differenceCells('', each, options)),
    ...result.env.map((each) => differenceCells('variable ', each, options)),
    ...result.labels.map((each) => differenceCells('label ', each, options)),
  ];
  io.out(
    [
      `size: ${formatBytes(result.a.bytes)} -> ${formatBytes(result.b.bytes)} (${sign}${formatBytes(Math.abs(result.grownBytes))})\n`,
      formatTable(['', 'SIZE', 'UP TO HERE', 'SHARED WITH', 'DIGEST', 'MADE BY'], layersTable, io),
      ...(differences.length === 0 ? [] : [formatTable(['WHAT', 'BEFORE', 'AFTER'], differences, io)]),
      ...result.notes.map((note) => `${printable(note)}\n`),
    ].join('\n'),
  );
}

function differenceCells(
  what: string,
  { name, a = '', b = '', isSecretLooking }: Difference,
  { reveal }: InspectOptions,
): readonly string[] {
  const cell = (value: string): string =>
    isSecretLooking && reveal !== true && value !== '' ? '********' : printable(value).slice(0, 200);
  return [printable(`${what}${name}`), cell(a), cell(b)];
}

/** Splits `repository:tag` or `repository@digest`; without either it is the tag `latest`. */
export function splitReference(name: string): { readonly repository: string; readonly reference: string } {
  const at = name.indexOf('@');
  if (at < 0) {
    const { repository, tag } = splitName(name);
    return { repository, reference: tag ?? 'latest' };
  }
  const digest = parseDigest(name.slice(at + 1));
  if (digest !== undefined) return { repository: name.slice(0, at), reference: digest };
  throw new AppError('USAGE', { message: `"${name}" is not repository@digest.`, hint: 'Write team/app:1.' });
}
