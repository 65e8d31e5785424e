import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { needs } from '../support/tools.ts';
import { installSuite, modes, runSuite } from './suite.ts';

suite('OCI conformance suite', needs('go'), () => {
  let program: string;
  before(async () => {
    program = await installSuite();
  });

  for (const mode of modes) {
    test(`${mode.name}: ${mode.tests} tests pass, none is skipped`, async () => {
      const { tests, failures, errors, skipped, failed } = await runSuite(program, mode);

      assert.deepEqual(
        { tests, failures, errors, skipped, failed },
        { tests: mode.tests, failures: 0, errors: 0, skipped: 0, failed: [] },
      );
    });
  }
});
