import { Readable } from 'node:stream';
import type { Command } from 'commander';
import { createProgram } from '../registry/cli/main.ts';

function ignore(): void {}

/** The page docs/reference/cli.md. */
export function renderCliPage(): string {
  const program = createProgram({
    out: ignore,
    err: ignore,
    stdin: Readable.from([]),
    isTTY: false,
    canAsk: false,
    env: {},
  });
  return [
    '# Command line',
    '',
    'From a checkout `npm run berth --` stands for `berth`. Without `--data` the data directory is `$BERTH_DATA`, else the',
    'place of the system: `~/.local/share/berth` on Linux, `~/Library/Application Support/Berth` on macOS,',
    '`%LOCALAPPDATA%\\Berth` on Windows. A running registry follows changes of users, tokens and certificates by itself.',
    '',
    'Exit status: 0 done, 1 failed, 2 usage or configuration, 3 not running, 4 needs consent, 5 not found.',
    '',
    ...leaves(program).flatMap(section),
  ].join('\n');
}

function leaves(command: Command): readonly Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

function section(command: Command): readonly string[] {
  const words = [...ancestors(command), command].map((each) => each.name());
  const args = command.registeredArguments.map((each) =>
    each.required ? `<${each.name()}>` : `[${each.name()}]`,
  );
  const { options } = command;
  return [
    `## ${words.join(' ')}`,
    '',
    sentence(command.description()),
    '',
    '```sh',
    [...words, ...args, ...(options.length === 0 ? [] : ['[options]'])].join(' '),
    '```',
    '',
    ...(options.length === 0 ? [] : ['| Option | What it says |', '| --- | --- |']),
    ...options.map(({ flags, description, argChoices, defaultValue, mandatory }) => {
      const choices = argChoices === undefined ? [] : [`One of ${argChoices.join(', ')}.`];
      const preset = presetOf(defaultValue);
      const more = [
        ...choices,
        ...(preset === '' ? [] : [`Default: ${preset}.`]),
        ...(mandatory ? ['Required.'] : []),
      ];
      return `| \`${flags}\` | ${[sentence(description), ...more].join(' ').replaceAll('*', '\\*')} |`;
    }),
    '',
  ];
}

function ancestors(command: Command): readonly Command[] {
  return command.parent === null ? [] : [...ancestors(command.parent), command.parent];
}

/** Descriptions of the help start small and end without a point. */
function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function presetOf(value: unknown): string {
  return Array.isArray(value) ? value.join(' ') : typeof value === 'string' ? value : '';
}
