/**
 * berth completion: what a shell asks when Tab is pressed. The script that a shell reads at its start only passes the
 * line on to `berth __complete`, so that new verbs need no new script; that answers one candidate a line.
 */
import type { Argument, Command, Option } from 'commander';
import { Argument as NewArgument } from 'commander';
import { accountFiles, listAccounts } from '../auth/accounts.ts';
import { isAppError } from '../spec/errors.ts';
import { parseRepoName } from '../spec/names.ts';
import { type AdminClient, openClient } from './client.ts';
import type { Io } from './io.ts';
import { loadFor } from './load.ts';
import { screens } from '../spec/screens.ts';

const bash = `_berth() {
  local line="\${COMP_LINE:0:COMP_POINT}" prefix="" candidate
  local -a words
  read -ra words <<< "$line"
  [[ "$line" == *[[:space:]] ]] && words+=("")
  local word="\${words[\${#words[@]}-1]}"
  # Readline completes what stands behind the last colon, and a reference has one.
  [[ "$COMP_WORDBREAKS" == *:* && "$word" == *:* ]] && prefix="\${word%"\${word##*:}"}"
  COMPREPLY=()
  while IFS= read -r candidate; do
    COMPREPLY+=("\${candidate#"$prefix"}")
  done < <(berth __complete "\${words[@]:1}" 2> /dev/null)
}
complete -o bashdefault -o default -F _berth berth
`;

const zsh = `#compdef berth
_berth() {
  local -a found
  found=("\${(@f)$(berth __complete "\${(@)words[2,CURRENT]}" 2> /dev/null)}")
  if [[ -n "$found" ]]; then compadd -- "\${found[@]}"; else _files; fi
}
compdef _berth berth
`;

const fish = `complete -c berth -f -a '(berth __complete (commandline -opc)[2..-1] (commandline -ct | string collect --allow-empty) 2> /dev/null)'
`;

const completionScripts = { bash, zsh, fish } as const;
type Shell = keyof typeof completionScripts;

/** Adds `berth completion` to the program. */
export function registerCompletion(program: Command, io: Io): void {
  program
    .command('completion')
    .description('print what makes a shell complete the words of berth; its start file has to read it')
    .addArgument(new NewArgument('<shell>', 'the shell').choices(Object.keys(completionScripts)))
    .addHelpText(
      'after',
      '\nbash: source <(berth completion bash)\nzsh:  source <(berth completion zsh)\nfish: berth completion fish | source',
    )
    .action((shell: Shell) => io.out(completionScripts[shell]));
}

/** Answers what may stand in place of the last of the words, which follow `berth` on a line. */
export async function complete(
  program: Command,
  io: Io,
  words: readonly string[],
): Promise<readonly string[]> {
  const { command, rest } = walk(program, words.slice(0, -1));
  const last = words.at(-1) ?? '';
  const candidates = await candidatesFor(io, command, { rest, last, words });
  return [...new Set(candidates)].filter((each) => each.startsWith(last)).toSorted();
}

/** The command that words lead to, and those that follow it. */
function walk(command: Command, words: readonly string[]): { command: Command; rest: readonly string[] } {
  const [first, ...rest] = words;
  const next = command.commands.find(
    (each) => first !== undefined && [each.name(), ...each.aliases()].includes(first),
  );
  return next === undefined ? { command, rest: words } : walk(next, rest);
}

interface Place {
  /** The words behind the command, without the last. */
  readonly rest: readonly string[];
  readonly last: string;
  readonly words: readonly string[];
}

async function candidatesFor(io: Io, command: Command, place: Place): Promise<readonly string[]> {
  const { rest, last } = place;
  const options = command.options.filter(({ hidden }) => !hidden);
  const before = options.find(({ short, long }) => rest.length > 0 && [short, long].includes(rest.at(-1)));
  if (before !== undefined && takesValue(before)) return before.argChoices ?? [];
  if (last.startsWith('-')) return options.flatMap(({ long }) => long ?? []);
  if (command.commands.length > 0) return namesOf(command);
  const argument = argumentAt(command.registeredArguments, countPositional(rest, options));
  return argument?.argChoices ?? (await valuesOf(io, argument?.name(), place));
}

function namesOf(command: Command): readonly string[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((each) => each.name());
}

function takesValue(option: Option): boolean {
  return option.required || option.optional;
}

/** How many of the words are arguments: neither options nor their values. */
function countPositional(words: readonly string[], options: readonly Option[]): number {
  return words.filter((word, at) => {
    const before = options.find(({ short, long }) => at > 0 && [short, long].includes(words[at - 1]));
    return !word.startsWith('-') && (before === undefined || !takesValue(before));
  }).length;
}

function argumentAt(all: readonly Argument[], at: number): Argument | undefined {
  const last = all.at(-1);
  return all[at] ?? (last?.variadic === true ? last : undefined);
}

/** What an argument of a name can be, as the registry and its files know. A shell does not wait for long. */
async function valuesOf(
  io: Io,
  name: string | undefined,
  { last, words }: Place,
): Promise<readonly string[]> {
  const { root } = await loadFor(io, {
    data: optionOf(words, '--data'),
    config: optionOf(words, '--config'),
  });
  switch (name ?? '') {
    case 'repository':
      return await asked(root, (client) => repositories(client, last));
    case 'path':
      return [...screens, ...(await asked(root, (client) => references(client, last)))];
    case 'reference':
    case 'references':
      return await asked(root, (client) => references(client, last));
    case 'user':
      return (await listAccounts(accountFiles(root))).map((account) => account.name);
    case 'trash':
      return await asked(root, async (client) =>
        (await client.call('trash.list', { limit })).rows.map(({ id }) => id),
      );
    default:
      return [];
  }
}

const limit = 200;
const patienceMs = 1000;

async function asked(
  root: string,
  question: (client: AdminClient) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  try {
    using client = await openClient(root);
    const timer = setTimeout(() => client.close(), patienceMs);
    return await question(client).finally(() => clearTimeout(timer));
  } catch (error) {
    // Nobody wants to read an error between two words.
    if (isAppError(error)) return [];
    throw error;
  }
}

async function repositories(client: AdminClient, start: string): Promise<readonly string[]> {
  const { rows } = await client.call('repositories.list', { q: start, limit });
  return rows.map(({ name }) => name);
}

/** Repositories, and behind a colon the tags of one. */
async function references(client: AdminClient, start: string): Promise<readonly string[]> {
  const colon = start.indexOf(':');
  if (colon < 0) return await repositories(client, start);
  const repository = parseRepoName(start.slice(0, colon));
  if (repository === undefined) return [];
  const { rows } = await client.call('tags.list', { repository, q: start.slice(colon + 1), limit });
  return rows.map(({ tag }) => `${repository}:${tag}`);
}

function optionOf(words: readonly string[], name: string): string | undefined {
  const at = words.indexOf(name);
  return at < 0 ? undefined : words[at + 1];
}
