/**
 * The packages of a software bill of materials: SPDX 2 JSON, CycloneDX JSON, and both as the predicate of an in-toto
 * statement, which may be wrapped in a DSSE envelope (as by cosign) or a Sigstore bundle.
 */
import { z } from 'zod';
import type { PackageRow } from '../spec/admin/image.ts';
import { AppError } from '../spec/errors.ts';
import { present } from './image-config.ts';
import { scanLists } from './json-lists.ts';
import { createRowSorter, type Pause, stepsPerPause } from './rows.ts';

export interface PackageListing {
  /** Name, version, type and license, each row once. */
  readonly rows: readonly string[];
  readonly format: 'spdx' | 'cyclonedx';
}

/** The largest document that is read. */
export const documentLimit = 32 * 1024 * 1024;
/** An envelope is parsed at once, which holds everybody up. */
const envelopeLimit = 8 * 1024 * 1024;
const rowLimits = { rows: 200_000, characters: 16 * 1024 * 1024 };

/**
 * Lists the packages of a document, sorted.
 * @throws AppError CONTENT_UNREADABLE, CONTENT_TOO_LARGE
 */
export async function listPackages(bytes: Buffer, pause: Pause): Promise<PackageListing> {
  const sorter = createRowSorter(rowLimits);
  const { keys } = await scanLists(bytes, {
    names: ['packages', 'components'],
    inside: 'predicate',
    pause,
    element(name, json) {
      const found = name === 'packages' ? spdxPackage(json) : componentsOf(json, 0);
      for (const row of found) sorter.add(encode(row));
    },
  });
  const isWrapped = keys.has('payload') || keys.has('dsseEnvelope');
  if (isWrapped && !keys.has('packages') && !keys.has('components')) {
    return await listPackages(unwrap(bytes), pause);
  }
  const format =
    keys.has('spdxVersion') || keys.has('packages')
      ? 'spdx'
      : keys.has('bomFormat') || keys.has('components')
        ? 'cyclonedx'
        : undefined;
  if (format === undefined) throw unreadable('it is neither SPDX nor CycloneDX as JSON');
  const sorted = await sorter.sorted(pause);
  const rows: string[] = [];
  for (const [at, row] of sorted.entries()) {
    if (row !== rows.at(-1)) rows.push(row);
    if (at % stepsPerPause === 0) await pause();
  }
  return { rows, format };
}

const envelope = z.object({ payload: z.string() });
const wrapped = z.union([envelope, z.object({ dsseEnvelope: envelope })]);

function unwrap(bytes: Buffer): Buffer {
  if (bytes.length > envelopeLimit) throw unreadable(`it is an envelope of more than ${envelopeLimit} bytes`);
  const { success, data } = wrapped.safeParse(parse(bytes.toString('utf8')));
  if (!success) throw unreadable('it is an envelope without a payload');
  const inner = Buffer.from('payload' in data ? data.payload : data.dsseEnvelope.payload, 'base64');
  // Envelopes within envelopes would be unwrapped one by one, each smaller than the one around it.
  return inner;
}

const text = z.string().catch('');
const spdx = z
  .object({
    name: text,
    versionInfo: text,
    licenseConcluded: text,
    licenseDeclared: text,
    primaryPackagePurpose: text,
    externalRefs: z
      .array(z.object({ referenceType: text, referenceLocator: text }).partial().catch({}))
      .catch([]),
  })
  .partial()
  .catch({});

function spdxPackage(json: string): readonly PackageRow[] {
  const said = spdx.parse(parse(json));
  if (said.name === undefined || said.name === '') return [];
  const purl = said.externalRefs?.find(({ referenceType }) => referenceType === 'purl')?.referenceLocator;
  const license = [said.licenseConcluded, said.licenseDeclared].find(
    (each) => each !== undefined && !['', 'NOASSERTION', 'NONE'].includes(each),
  );
  return [
    rowOf({
      name: said.name,
      version: said.versionInfo,
      type: purlType(purl) ?? said.primaryPackagePurpose?.toLowerCase(),
      license,
    }),
  ];
}

const component = z
  .object({
    name: text,
    group: text,
    version: text,
    type: text,
    purl: text,
    licenses: z
      .array(
        z
          .object({ expression: text, license: z.object({ id: text, name: text }).partial().catch({}) })
          .partial()
          .catch({}),
      )
      .catch([]),
    components: z.array(z.unknown()).catch([]),
  })
  .partial()
  .catch({});
const deepestComponent = 50;

/** A component and those within it. */
function componentsOf(json: string, depth: number): readonly PackageRow[] {
  const nested = (value: unknown, at: number): readonly PackageRow[] => {
    if (at > deepestComponent) return [];
    const said = component.parse(value);
    const licenses = (said.licenses ?? []).map(
      ({ expression, license }) => expression || license?.id || license?.name || '',
    );
    const name = said.name ?? '';
    const row = rowOf({
      name: said.group === undefined || said.group === '' ? name : `${said.group}/${name}`,
      version: said.version,
      type: purlType(said.purl) ?? said.type,
      license: licenses.filter((each) => each !== '').join(', '),
    });
    const within = (said.components ?? []).flatMap((each) => nested(each, at + 1));
    return name === '' ? within : [row, ...within];
  };
  return nested(parse(json), depth);
}

function purlType(purl: string | undefined): string | undefined {
  return /^pkg:([a-z][a-z0-9.+-]{0,30})\//i.exec(purl ?? '')?.[1]?.toLowerCase();
}

const fieldLength = 300;

function rowOf(fields: { readonly [Field in keyof PackageRow]: string | undefined }): PackageRow {
  const short = (value: string | undefined): string | undefined =>
    value === undefined || value === '' ? undefined : value.replaceAll('\0', ' ').slice(0, fieldLength);
  return {
    name: short(fields.name) ?? '',
    ...present({
      version: short(fields.version),
      type: short(fields.type),
      license: short(fields.license),
    }),
  };
}

function encode({ name, version = '', type = '', license = '' }: PackageRow): string {
  return [name, version, type, license].join('\0');
}

/** Of JSON, each of which may be three bytes. */
const pageCharacters = 256 * 1024;

/**
 * A page of packages whose name holds `q`. `after` is the place in the list.
 * @throws AppError PAGE_INVALID
 */
export async function pageOfPackages(
  { rows }: PackageListing,
  {
    q,
    after,
    limit,
  }: { readonly q?: string | undefined; readonly after?: string | undefined; readonly limit: number },
  pause: Pause,
): Promise<{ readonly rows: readonly PackageRow[]; readonly total: number; readonly next?: string }> {
  if (after !== undefined && !/^\d{1,9}$/.test(after)) {
    throw new AppError('PAGE_INVALID', {
      message: 'The page to go on from is not one of this list.',
      hint: 'Pass the `next` of the page before, or none for the first page.',
    });
  }
  const start = after === undefined ? 0 : Number(after);
  const wanted = q?.toLowerCase() ?? '';
  const found: PackageRow[] = [];
  let total = 0;
  let characters = 0;
  let next: string | undefined;
  for (const [at, each] of rows.entries()) {
    const [name = '', version = '', type = '', license = ''] = each.split('\0');
    if (name.toLowerCase().includes(wanted)) {
      total += 1;
      if (at >= start && next === undefined) {
        if (found.length >= limit || characters > pageCharacters) next = String(at);
        else {
          const row = rowOf({ name, version, type, license });
          found.push(row);
          characters += JSON.stringify(row).length;
        }
      }
    }
    if (at % stepsPerPause === 0) await pause();
  }
  return { rows: found, total, ...present({ next }) };
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw unreadable('it is not JSON', cause);
  }
}

function unreadable(what: string, cause?: unknown): AppError {
  return new AppError('CONTENT_UNREADABLE', { message: `The packages cannot be read: ${what}.`, cause });
}
