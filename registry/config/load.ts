/**
 * From file, environment and options to a checked configuration. In this order, later wins:
 *
 *   default < file < REGISTRY_* and BERTH_* by name < option
 *
 * Each value remembers its source. Keys are then judged: unknown and ignored ones become notices, refused ones end
 * the start. Nothing is written, whatever is wrong with the file.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import type { Support } from '../spec/config-fields.ts';
import { cipherSuites, configSchema } from '../spec/config.ts';
import type { Config } from '../spec/config.ts';
import { AppError } from '../spec/errors.ts';
import { fields, metaOf, shapeOf } from './fields.ts';
import { applyEnvironment, setValue } from './environment.ts';
import { nearest } from '../spec/nearest.ts';
import {
  emptyGroup,
  invalid,
  isOff,
  leaf,
  nameToGroup,
  parseYaml,
  plainOf,
  sourceAt,
  treeOf,
} from './tree.ts';
import type { Group, Notice, Source, Tree } from './tree.ts';

export interface LoadedConfig {
  readonly config: Config;
  /** Of every supported key by its dotted path. */
  readonly sources: ReadonlyMap<string, Source>;
  readonly notices: readonly Notice[];
  /** The file that was read, if there is one. */
  readonly file?: string;
}

export interface LoadOptions {
  /** The file asked for. Without it REGISTRY_CONFIGURATION_PATH, then `<root>/berth/config.yml` if it exists. */
  readonly file?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Values by dotted path; `undefined` is not said. */
  readonly flags?: Readonly<Record<string, unknown>>;
  /** The data directory if nothing names one. */
  readonly root: string;
  /** What the file would hold; findings then name the settings alone, for there is no line to look at. */
  readonly text?: string | undefined;
  /** Variables with our prefixes that mean something else to the caller. */
  readonly otherVariables?: readonly string[];
}

/**
 * Loads and checks the configuration. Throws CONFIG_INVALID that names the file, line and column, the variable or
 * the option, one finding a line; the message never holds a value.
 */
export async function loadConfig(options: LoadOptions): Promise<LoadedConfig> {
  const flags = Object.entries(options.flags ?? {}).filter(([, value]) => value !== undefined);
  const { file, text } = await readConfigFile(options, Object.fromEntries(flags));
  const place =
    options.text === undefined ? placeIn(file ?? '') : () => ({ kind: 'file', where: '' }) as const;

  const written = text === undefined ? emptyGroup(unsaid) : parseFile(text, place);
  const { tree: withEnv, notices } = applyEnvironment(written, options.env, options.otherVariables ?? []);
  const withFlags = flags.reduce((tree, [path, value]) => setFlag(tree, path, value), withEnv);
  const tree = renameLogLevel(completeStorage(withFlags, options.root));

  const judged = judge(tree, configSchema, []);
  const parsed = configSchema.safeParse(judged.value);
  if (!parsed.success) throw findingsOf(parsed.error, tree);
  return {
    config: parsed.data,
    sources: sourcesOf(tree),
    notices: [...notices, ...judged.notices, ...adjustments(tree)],
    ...(file === undefined ? {} : { file }),
  };
}

const unsaid: Source = { kind: 'default', where: '' };

// --- the file ------------------------------------------------------------------------------------------------

async function readConfigFile(
  { file: asked, env, root, text: given }: LoadOptions,
  flags: Readonly<Record<string, unknown>>,
): Promise<{ file?: string; text?: string }> {
  const named = asked ?? (env['REGISTRY_CONFIGURATION_PATH'] || undefined);
  const flagRoot = flags['storage.filesystem.rootdirectory'];
  const directory =
    typeof flagRoot === 'string' ? flagRoot : env['REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY'] || root;
  const file = named ?? join(directory, 'berth', 'config.yml');
  if (given !== undefined) return { file, text: given };
  try {
    return { file, text: new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file)) };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' && named === undefined) return {};
    const reason = readFaults[String(code)] ?? 'cannot be read';
    throw new AppError('CONFIG_INVALID', { message: `${file}: ${reason}`, cause: error });
  }
}

const readFaults: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'the file may not be read by this user',
  EISDIR: 'this is a directory, not a file',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'the file is not UTF-8 text',
};

type Place = (line: number, column: number) => Source;

function placeIn(file: string): Place {
  return (line, column) => ({ kind: 'file', where: `${file}:${String(line)}:${String(column)}` });
}

function parseFile(text: string, place: Place): Group {
  const tree = parseYaml(text, place);
  if (tree === undefined) return emptyGroup(unsaid);
  if (tree.kind !== 'group') throw invalid(tree.at, 'the file has to be a map of keys, such as "http:"');
  const entries = [...tree.entries].map(
    ([key, { keyAt, value }]) =>
      [key, { keyAt, value: key === 'storage' || key === 'auth' ? nameToGroup(key, value) : value }] as const,
  );
  return { ...tree, entries: new Map(entries) };
}

function setFlag(tree: Group, path: string, value: unknown): Group {
  const at: Source = { kind: 'flag', where: `the option for ${path}` };
  const result = setValue(tree, path.split('.'), treeOf(value, at) ?? leaf('', at), at);
  if (!result) throw new Error(`an option sets ${path}, which is no setting`);
  return result;
}

/** Without a driver the data directory is used; a driver `filesystem` without a directory is given it. */
function completeStorage(tree: Group, root: string): Group {
  const storage = find(tree, ['storage']);
  const driver = find(tree, ['storage', 'filesystem']);
  const said = find(tree, ['storage', 'filesystem', 'rootdirectory']);
  const drivers = storage?.kind === 'group' ? [...storage.entries.keys()].filter(isDriver) : [];
  if (drivers.length > 0 && !drivers.includes('filesystem')) return tree;
  if ([storage, driver, said].some((part) => part?.kind === 'leaf' && part.text !== '')) return tree;
  return setValue(tree, ['storage', 'filesystem', 'rootdirectory'], leaf(root, unsaid), unsaid) ?? tree;
}

function isDriver(key: string): boolean {
  return !['cache', 'delete', 'maintenance', 'redirect', 'tag'].includes(key);
}

/** The former name `loglevel` counts if `log.level` is not said. */
function renameLogLevel(tree: Group): Group {
  const old = find(tree, ['loglevel']);
  const level = find(tree, ['log', 'level']);
  if (!old || (level && !isEmpty(level))) return tree;
  return setValue(tree, ['log', 'level'], old, old.at) ?? tree;
}

// --- which keys count ----------------------------------------------------------------------------------------

interface Judged {
  /** What the supported keys say. */
  readonly value: unknown;
  readonly notices: readonly Notice[];
}

/** Leaves out what is unknown or ignored, with a notice. Throws for what is refused. */
function judge(tree: Tree, schema: z.core.$ZodType, path: readonly string[]): Judged {
  const shape = shapeOf(schema);
  if (isEmpty(tree)) return { value: isProvider(path) ? {} : undefined, notices: [] };
  if (shape.kind === 'list' && tree.kind === 'list') {
    const items = tree.items.map((item) => judge(item, shape.item, path));
    return { value: items.map(({ value }) => value), notices: items.flatMap(({ notices }) => notices) };
  }
  if (shape.kind !== 'group') return { value: plainOf(tree), notices: [] };
  if (tree.kind !== 'group') throw invalid(tree.at, `${path.join('.')} has to be a map of keys`);

  const children = [...tree.entries].map(([key, { keyAt, value }]) => {
    const child = shape.keys.get(key);
    const judged = child
      ? judgeKey(value, keyAt, child, [...path, key], tree)
      : unknown([...path, key], keyAt, [...shape.keys.keys()]);
    return { key, ...judged };
  });
  const said = children.filter(({ value }) => value !== undefined);
  if (path.join('.') === 'auth' && said.length > 1)
    throw invalid(tree.at, 'auth names two ways to log in: keep one');
  return {
    value: Object.fromEntries(said.map(({ key, value }) => [key, value])),
    notices: children.flatMap(({ notices }) => notices),
  };
}

function judgeKey(
  tree: Tree,
  keyAt: Source,
  schema: z.core.$ZodType,
  path: readonly string[],
  around: Group,
): Judged {
  const meta = metaOf(schema);
  const help = meta?.help ?? '';
  const support = supportOf(path, meta?.level ?? 'supported', around);
  if (support === 'supported') {
    return path.join('.') === 'auth.none' ? judgeNone(tree) : judge(tree, schema, path);
  }
  // A driver or a way to log in is asked for by its bare name.
  if (isOff(tree) && !isProvider(path)) return { value: undefined, notices: [] };
  if (support === 'refused') throw invalid(keyAt, `${path.join('.')} is refused. ${help}`);
  return { value: undefined, notices: [notice(path, 'ignored', keyAt, `has no effect. ${help}`)] };
}

/** `auth: none` and `none:` say it without a value. */
function judgeNone(tree: Tree): Judged {
  if (tree.kind === 'group' || isEmpty(tree)) return { value: true, notices: [] };
  return { value: isOff(tree) ? undefined : plainOf(tree), notices: [] };
}

function supportOf(path: readonly string[], level: Support, around: Group): Support {
  const certificate = find(around, ['certificate']);
  // With a certificate distribution does not look at this section either.
  return path.join('.') === 'http.tls.letsencrypt' && certificate && !isEmpty(certificate)
    ? 'ignored'
    : level;
}

/** `siblings`: the keys that may stand there, which in items of a list are in no path. */
function unknown(path: readonly string[], at: Source, siblings: readonly string[]): Judged {
  const key = path.join('.');
  const around = path.slice(0, -1).join('.');
  const near = nearest(key, [...knownPaths, ...siblings.map((each) => `${around}.${each}`)]);
  const message = `is not known${near === undefined ? '' : `; the nearest key is ${near}`}.`;
  // Such a key names a driver or a way to log in: going on would use another one.
  if (isProvider(path)) throw invalid(at, `${key} ${message}`);
  return { value: undefined, notices: [notice(path, 'unknown', at, message)] };
}

const knownPaths = [
  ...new Set(
    fields.flatMap(({ path }) => path.split('.').map((_, index, keys) => keys.slice(0, index + 1).join('.'))),
  ),
];

/** A driver or a way to log in is chosen by its key alone: `inmemory:`. */
function isProvider(path: readonly string[]): boolean {
  return path.length === 2 && (path[0] === 'storage' || path[0] === 'auth');
}

function isEmpty(tree: Tree): boolean {
  return tree.kind === 'leaf' && tree.text === '';
}

function notice(path: readonly string[], level: Notice['level'], at: Source, message: string): Notice {
  const key = path.join('.');
  return { key, level, where: at.where, message: `${key} ${message}` };
}

/** What is read as something else than what was written, without harm. */
function adjustments(tree: Group): readonly Notice[] {
  const lowest = find(tree, ['http', 'tls', 'minimumtls']);
  const suites = find(tree, ['http', 'tls', 'ciphersuites']);
  const old = lowest?.kind === 'leaf' && /^tls1\.[01]$/i.test(lowest.text) ? [lowest] : [];
  const unsafe = (suites?.kind === 'list' ? suites.items : [])
    .filter((suite) => suite.kind === 'leaf')
    .filter(({ text }) => text in cipherSuites && cipherSuites[text] === undefined);
  return [
    ...old.map(({ at }) => notice(['http', 'tls', 'minimumtls'], 'ignored', at, 'is raised to tls1.2.')),
    ...unsafe.map(({ at, text }) =>
      notice(['http', 'tls', 'ciphersuites'], 'ignored', at, `leaves out ${text}, which is not safe.`),
    ),
  ];
}

// --- findings and sources ------------------------------------------------------------------------------------

function findingsOf(error: z.ZodError, tree: Group): AppError {
  const findings = error.issues.map((issue) => {
    const at = sourceAt(tree, issue.path);
    const path = issue.path.map(String).join('.');
    return `${at.where === '' ? '' : `${at.where}: `}${path} ${reasonOf(issue)}`;
  });
  return new AppError('CONFIG_INVALID', { message: findings.join('\n') });
}

function reasonOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? 'has a key that is not valid';
  if (issue.code === 'unrecognized_keys') return `does not know ${issue.keys.join(', ')}`;
  return issue.message;
}

function sourcesOf(tree: Group): ReadonlyMap<string, Source> {
  const supported = fields.filter(({ level }) => level === 'supported');
  return new Map(
    supported.map(({ path }) => {
      const said = find(tree, path.split('.'));
      return [path, !said || isEmpty(said) ? unsaid : said.at];
    }),
  );
}

function find(tree: Tree, path: readonly string[]): Tree | undefined {
  const [first, ...rest] = path;
  if (first === undefined) return tree;
  const child = tree.kind === 'group' ? tree.entries.get(first)?.value : undefined;
  return child && find(child, rest);
}
