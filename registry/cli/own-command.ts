/** What starts this command line once more, before its arguments. A bundle for the single executable replaces this. */
export function ownCommand(): readonly string[] {
  const program = process.argv[1];
  if (program === undefined) throw new Error('this process has no program file');
  return [process.execPath, ...process.execArgv, program];
}
