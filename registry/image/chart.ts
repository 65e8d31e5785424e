/** A Helm chart: what its config says of it, and the texts at the top of its archive. */
import { z } from 'zod';
import { createTarReader } from '../archive/tar-reader.ts';
import { unpack } from '../archive/unpack.ts';
import type { ChartDetail } from '../spec/admin/image.ts';
import type { Blob, Blobs } from '../store/blobs.ts';
import { present } from './image-config.ts';
import { createPause, tooLarge } from './rows.ts';

/** Helm itself takes no larger chart since 3.18: 100 MiB unpacked; what is read here stands near its start. */
const chartLimit = 100 * 1024 * 1024;
const entryLimit = 20_000;
/** Of one text. */
const textLimit = 96 * 1024;

export const chartLayer = 'application/vnd.cncf.helm.chart.content.';
const topTexts = ['Chart.yaml', 'values.yaml', 'README.md'] as const;
type TopText = (typeof topTexts)[number];

const text = z
  .union([z.string(), z.number()])
  .transform((value) => (value === '' ? undefined : String(value).slice(0, 4096)))
  .optional()
  .catch(undefined);
const texts = z
  .array(text)
  .transform((list) => list.filter((each) => each !== undefined).slice(0, 100))
  .catch([]);
const listOf = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .transform((list) => list.slice(0, 100))
    .catch([]);
const chart = z
  .object({
    name: text,
    version: text,
    appVersion: text,
    apiVersion: text,
    type: text,
    description: text,
    kubeVersion: text,
    home: text,
    deprecated: z.boolean().catch(false),
    keywords: texts,
    sources: texts,
    maintainers: listOf(z.object({ name: text, email: text }).partial().catch({})),
    dependencies: listOf(z.object({ name: text, version: text, repository: text }).partial().catch({})),
  })
  .partial();

/** The fields of Chart.yaml, which Helm keeps as JSON in the config; `undefined` for what is no chart. */
export function parseChart(json: string): ChartDetail | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  const { success, data } = chart.safeParse(value);
  if (!success || data.name === undefined) return undefined;
  const { name, version, deprecated, keywords, sources, maintainers, dependencies, ...single } = data;
  return {
    name,
    version: version ?? '',
    ...present(single),
    isDeprecated: deprecated ?? false,
    keywords: keywords ?? [],
    sources: sources ?? [],
    maintainers: (maintainers ?? []).map((each) => ({
      name: each.name ?? '',
      ...present({ email: each.email }),
    })),
    dependencies: (dependencies ?? []).map((each) => ({
      name: each.name ?? '',
      version: each.version ?? '',
      ...present({ repository: each.repository }),
    })),
  };
}

export interface ChartTexts {
  readonly texts: ReadonlyMap<TopText, string>;
  readonly notes: readonly string[];
}

/**
 * Reads the texts out of the archive, whose files are all in one directory.
 * @throws AppError CONTENT_UNREADABLE, CONTENT_TOO_LARGE, STORAGE_FAILED
 */
export async function readChartTexts(
  blobs: Pick<Blobs, 'read'>,
  layer: Blob,
  signal: AbortSignal,
): Promise<ChartTexts> {
  const pause = createPause(signal);
  const parts = new Map<TopText, Buffer[]>();
  const notes: string[] = [];
  let current: TopText | undefined;
  let entries = 0;
  let unpackedBytes = 0;
  const reader = createTarReader({
    entry({ name, type, size }) {
      entries += 1;
      if (entries > entryLimit) throw tooLarge(`it has more than ${entryLimit} entries`);
      const names = name.split('/').filter((each) => each !== '' && each !== '.');
      current = topTexts.find((each) => type === 'file' && names.length === 2 && names[1] === each);
      if (current === undefined) return;
      if (size <= textLimit) parts.set(current, []);
      else {
        notes.push(`${current} has ${size} bytes; up to ${textLimit} are shown.`);
        current = undefined;
      }
    },
    content(part) {
      if (current !== undefined) parts.get(current)?.push(Buffer.from(part));
    },
  });
  for await (const part of unpack(blobs.read(layer, { signal }))) {
    unpackedBytes += part.length;
    if (unpackedBytes > chartLimit) throw tooLarge(`it unpacks to more than ${chartLimit} bytes`);
    reader.write(part);
    await pause();
  }
  reader.end();
  const decoded = [...parts].map(([name, each]) => [name, Buffer.concat(each).toString('utf8')] as const);
  const shown = decoded.filter(([, each]) => JSON.stringify(each).length <= 2 * textLimit);
  if (shown.length < decoded.length) notes.push('What is no text is not shown.');
  return { texts: new Map(shown), notes };
}
