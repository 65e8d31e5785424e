/**
 * berth/rules.json: all rules of a registry, `{ "version": 1, "retention": [...], "protected": [...], "expiry": [...],
 * "quotas": [...] }`. Written whole and durably, private, by the running registry alone.
 */
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { systemCode, unusable, writePrivateFile } from '../disk/private-file.ts';
import { noRules, ruleSet, type RuleSet } from '../spec/admin/rules.ts';
import { AppError } from '../spec/errors.ts';

const ruleFile = ruleSet.extend({ version: z.literal(1) });

function rulesPath(root: string): string {
  return join(root, 'berth', 'rules.json');
}

/**
 * Reads the rules of a data directory; none where there is no file. A broken file is copied to `.bak-<time>` beside it:
 * nothing is deleted by rules that nobody meant.
 * @throws AppError RULES_INVALID, naming the line; DATA_UNUSABLE
 */
export async function readRules(root: string): Promise<RuleSet> {
  const path = rulesPath(root);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return noRules;
    throw unusable(`Cannot read "${path}"`, error);
  }
  const problem = findProblem(text);
  if (typeof problem === 'string') {
    const copy = `${path}.bak-${new Date().toISOString().replaceAll(/[-:]/g, '').slice(0, 15)}`;
    await copyFile(path, copy);
    throw new AppError('RULES_INVALID', {
      message: `The rules in "${path}" cannot be used: ${problem}. A copy is kept as "${copy}".`,
      detail: { file: path },
    });
  }
  const { version: _, ...rules } = problem;
  return rules;
}

/** Writes the rules; durable when it resolves. Throws DATA_UNUSABLE and leaves the old file. */
export async function writeRules(root: string, rules: RuleSet): Promise<void> {
  await writePrivateFile(rulesPath(root), `${JSON.stringify({ version: 1, ...rules }, undefined, 2)}\n`);
}

/** The id that two rules have. */
export function findTwice({ retention, expiry, quotas }: RuleSet): string | undefined {
  const ids = [...retention, ...expiry, ...quotas].map(({ id }) => id);
  return ids.find((id, at) => ids.indexOf(id) !== at);
}

/** The rules that the text holds, or what is wrong and in which line. */
function findProblem(text: string): z.output<typeof ruleFile> | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const place = error instanceof SyntaxError ? /line \d+ column \d+/.exec(error.message)?.[0] : undefined;
    return `${place ?? 'the end'}: not JSON text`;
  }
  const result = ruleFile.safeParse(value);
  if (result.success) {
    const twice = findTwice(result.data);
    return twice === undefined ? result.data : `two rules have the id "${twice}"`;
  }
  const issue = result.error.issues[0];
  const path = issue?.path ?? [];
  return `line ${lineOf(text, path)}, ${z.core.toDotPath(path) || 'the top'}: ${issue?.message ?? 'unknown'}`;
}

/** The line of a value in JSON text: keys and items are counted on the way to it. */
function lineOf(text: string, path: readonly PropertyKey[]): number {
  let at = 0;
  for (const step of path) {
    const found = typeof step === 'number' ? itemAt(text, at, step) : text.indexOf(`"${String(step)}"`, at);
    if (found < 0) break;
    at = found;
  }
  return text.slice(0, at).split('\n').length;
}

/** Where the item of the next list begins. */
function itemAt(text: string, from: number, item: number): number {
  let at = text.indexOf('[', from);
  let depth = 0;
  for (let left = item, isText = false; at >= 0 && at < text.length; at += 1) {
    const letter = text[at] ?? '';
    if (letter === '"' && text[at - 1] !== '\\') isText = !isText;
    if (isText) {
      if (depth === 1 && left === 0) return at;
      continue;
    }
    if (letter === '[' || letter === '{') {
      if (depth === 1 && left === 0) return at;
      depth += 1;
    } else if (letter === ']' || letter === '}') depth -= 1;
    else if (letter === ',' && depth === 1) left -= 1;
  }
  return -1;
}
