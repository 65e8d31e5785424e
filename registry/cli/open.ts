/** berth open: the window of the running registry, in the browser. */
import type { Command } from 'commander';
import { AppError, isAppError } from '../spec/errors.ts';
import { parseRepoName } from '../spec/names.ts';
import { nearest } from '../spec/nearest.ts';
import { screens } from '../spec/screens.ts';
import { openBrowser } from './browser.ts';
import type { AdminClient } from './client.ts';
import { splitReference } from './inspect.ts';
import type { Io } from './io.ts';
import { type LookOptions, openFor, withLook } from './look.ts';
import { done } from './user.ts';

interface OpenOptions extends LookOptions {
  readonly print?: boolean;
}

/** Adds `berth open` to the program. */
export function registerOpen(program: Command, io: Io): void {
  withLook(program.command('open'))
    .description('open the window of the running registry in the browser')
    .argument('[path]', `a repository, an image, or one of ${screens.join(', ')}`)
    .option('--print', 'only print the address')
    .action(async (path: string | undefined, options: OpenOptions) => {
      using client = await openFor(io, options);
      const { ui } = await client.call('status.get', {});
      if (ui === undefined) throw new AppError('UI_OFF');
      const url = `${ui}${await findPlace(client, path ?? 'home')}`;
      done(io, options, { url }, url);
      if (options.print !== true) await openBrowser(url, io.env);
    });
}

/**
 * The place in the window that a person means by a word.
 * @throws AppError USAGE, NAME_UNKNOWN, MANIFEST_UNKNOWN
 */
async function findPlace(client: AdminClient, word: string): Promise<string> {
  if (screens.some((screen) => screen === word)) return word === 'home' ? '#/' : `#/${word}`;
  if (/[:@]/.test(word)) {
    const { repository, reference } = splitReference(word);
    await client.call('images.get', { repository: mustBeName(repository, word), reference });
    return `#/repositories/${repository}/_/image/${reference}`;
  }
  const repository = mustBeName(word, word);
  try {
    await client.call('tags.list', { repository, limit: 1 });
  } catch (error) {
    const screen = nearest(word, screens);
    if (!isAppError(error, 'NAME_UNKNOWN') || screen === undefined) throw error;
    throw new AppError('NAME_UNKNOWN', { message: error.message, hint: `The nearest screen is ${screen}.` });
  }
  return `#/repositories/${repository}`;
}

function mustBeName(text: string, word: string): string {
  if (parseRepoName(text) !== undefined) return text;
  throw new AppError('USAGE', {
    message: `"${word}" is neither a screen nor an image.`,
    hint: `Write team/app, team/app:1, or one of ${screens.join(', ')}.`,
  });
}
