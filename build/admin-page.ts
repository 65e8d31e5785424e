/** The page docs/reference/control-plane.md: the methods and topics of registry/spec/admin/, from schemas and comments. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { adminArguments, topicArguments } from '../registry/spec/admin-api.ts';

const folder = join(import.meta.dirname, '..', 'registry', 'spec', 'admin');

/** What stands in a file about a subject. */
interface Subject {
  readonly title: string;
  /** By method: the comment above its arguments. */
  readonly comments: ReadonlyMap<string, string>;
  /** By method: the type of its answer. */
  readonly answers: ReadonlyMap<string, string>;
  /** The declarations of the rows, as they are. */
  readonly types: readonly string[];
}

/** Writes the page. Throws when a method has no comment. */
export async function renderAdminPage(): Promise<string> {
  const files = (await readdir(folder)).filter((name) => name !== 'arguments.ts').toSorted();
  const subjects = await Promise.all(
    files.map(async (file) => readSubject(await readFile(join(folder, file), 'utf8'))),
  );
  const shared = readSubject(await readFile(join(folder, 'arguments.ts'), 'utf8'));
  return [
    '# Control plane',
    '',
    'What the window, the command line and other programs may ask of a running registry. The messages are JSON:',
    '',
    '```text',
    'client -> server   call {id, method, args} | cancel {id} | subscribe {id, topic, args} | unsubscribe {id}',
    'server -> client   ok {id, value} | error {id, error} | event {id, items} | end {id}',
    '```',
    '',
    'Each has its name as `kind`. On the socket `berth/admin.sock` of the data directory, which its owner alone may open, a',
    'message is a line. Times are RFC 3339, sizes are bytes. A list is answered in pages: `next` of one is `after` of the',
    'following one. An error has `code`, `message` and `hint`; see [errors](errors.md).',
    '',
    ...block(shared.types),
    '## Topics',
    '',
    '| Topic | Arguments |',
    '| --- | --- |',
    ...Object.entries(topicArguments).map(([name, schema]) => `| \`${name}\` | ${argumentsOf(schema)} |`),
    '',
    ...subjects.filter(({ answers }) => answers.size > 0).flatMap(section),
  ].join('\n');
}

function readSubject(source: string): Subject {
  const title = /^\/\*\*\s*([\s\S]*?)\s*\*\//.exec(source)?.[1] ?? '';
  const comments = source.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*'([a-z]+\.[A-Za-z]+)':/g);
  const answers = /export interface \w+Results \{\n([\s\S]*?)\n\}/.exec(source)?.[1] ?? '';
  return {
    title: oneLine(title),
    comments: new Map([...comments].map(([, text = '', name = '']) => [name, oneLine(text)])),
    answers: new Map(
      [...answers.matchAll(/'([a-z]+\.[A-Za-z]+)':\s*([\s\S]*?);(?=\n|$)(?!\n {4})/g)].map(
        ([, name = '', type = '']) => [name, oneLine(type)],
      ),
    ),
    types: [
      ...source.matchAll(/^(?:\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?export interface (?!\w+Results)[\s\S]*?^\}/gm),
    ].map(([text]) => text.replaceAll(/^export /gm, '')),
  };
}

function section({ title, comments, answers, types }: Subject): readonly string[] {
  const rows = [...answers].map(([name, type]) => {
    const comment = comments.get(name);
    if (comment === undefined) throw new Error(`${name} has no comment in registry/spec/admin`);
    if (!Object.hasOwn(adminArguments, name)) throw new Error(`${name} has no arguments`);
    const schema = adminArguments[name as keyof typeof adminArguments];
    return `| \`${name}\` | ${cell(comment)} | ${argumentsOf(schema)} | \`${type.replaceAll('|', String.raw`\|`)}\` |`;
  });
  return [
    `## ${title
      .replace(/^The control plane on /, '')
      .replace(/[:.].*$/, '')
      .replace(/^./, (letter) => letter.toUpperCase())}`,
    '',
    '| Method | What it does | Arguments | Answer |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
    ...block(types),
  ];
}

function block(types: readonly string[]): readonly string[] {
  return types.length === 0 ? [] : ['```ts', types.join('\n\n'), '```', ''];
}

interface JsonSchema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
}

function argumentsOf(schema: z.ZodType): string {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
  }) as JsonSchema;
  return Object.entries(properties)
    .map(([name, each]) => {
      const preset = each.default === undefined ? '' : ` = ${JSON.stringify(each.default)}`;
      const values = each.enum === undefined ? '' : `: ${each.enum.join(', ')}`;
      return `\`${name}${required.includes(name) ? '' : '?'}${preset}\`${cell(values)}`;
    })
    .join('<br>');
}

function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`);
}

/** The text of a comment or a type, without line ends and stars. */
function oneLine(text: string): string {
  return text
    .replaceAll(/\n\s*\*?\s*/g, ' ')
    .trim()
    .replaceAll(/\s+/g, ' ');
}
