import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatRecord, type LineFormat } from '../spec/log-line.ts';
import { levels, subsystems, type FieldValue } from '../spec/log-record.ts';
import { createFormatter } from './formatter.ts';

const names = fc.constantFrom(
  'a',
  'b',
  'http.request.id',
  'time',
  'level',
  'msg',
  'sys',
  'event',
  'service',
  'é',
);
const values: fc.Arbitrary<FieldValue> = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.integer(),
  fc.boolean(),
  fc.array(fc.string()),
  fc.constant(undefined),
);
const fields = fc.dictionary(names, values, { noNullPrototype: true });
const records = fc.array(
  fc.record({
    at: fc.nat(),
    level: fc.constantFrom(...levels),
    sys: fc.constantFrom(...subsystems),
    event: fc.constantFrom('one', 'other'),
    msg: fc.string({ unit: 'grapheme' }),
    fields,
  }),
  { maxLength: 20 },
);

for (const format of ['text', 'json'] satisfies LineFormat[]) {
  test(`${format}: each line is the one that is written of its record alone, with what is always there`, () => {
    fc.assert(
      fc.property(fields, records, (always, all) => {
        const write = createFormatter(format, always);
        for (const record of all) {
          const whole = { ...record, fields: { ...always, ...record.fields } };
          assert.equal(write(record), formatRecord(whole, format));
        }
      }),
    );
  });
}
