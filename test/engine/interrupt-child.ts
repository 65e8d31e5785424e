/**
 * Applies and undoes the same changes for ever, and says on standard output which of both begins:
 *
 *     node interrupt-child.ts DATA_DIRECTORY FOLDER
 */
import { writeSync } from 'node:fs';
import { planHash } from '../../main/engine/change.ts';
import { applyPlan, undoChange } from '../../main/engine/changes/apply.ts';
import { contextOf, planEdits } from './interrupt-plan.ts';

const [root = '', folder = ''] = process.argv.slice(2);
const context = contextOf(root);
for (;;) {
  const plan = await planEdits(folder);
  writeSync(1, 'apply\n');
  const outcomes = await applyPlan(context, plan, planHash(plan));
  for (const { id } of outcomes.toReversed()) {
    writeSync(1, 'undo\n');
    await undoChange(context, id);
  }
}
