/**
 * `npm run conformance [PART OF A MODE'S NAME]`: runs the OCI conformance suite in every mode and prints one table.
 * Exits with 1 if a test failed, was skipped or is missing.
 */
import { installSuite, modes, runSuite } from './suite.ts';

const wanted = process.argv[2] ?? '';
const columns = [22, 8, 10, 8, 7, 10];
const printRow = (cells: readonly (string | number)[]): void => {
  process.stdout.write(`${cells.map((cell, index) => String(cell).padEnd(columns[index] ?? 0)).join('')}\n`);
};

const program = await installSuite();
printRow(['mode', 'tests', 'failures', 'errors', 'skips', 'disabled']);
const failed: string[] = [];
for (const mode of modes.filter(({ name }) => name.includes(wanted))) {
  const { tests, failures, errors, skipped, disabled, failed: names } = await runSuite(program, mode);
  printRow([mode.name, tests, failures, errors, skipped, disabled]);
  failed.push(...names.map((name) => `${mode.name}: ${name}`));
  if (tests !== mode.tests) failed.push(`${mode.name}: ${mode.tests} tests were expected`);
  if (skipped > 0) failed.push(`${mode.name}: ${skipped} tests were skipped`);
}
for (const line of failed) process.stdout.write(`\n${line}\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
