import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Change, type Edit, sha256 } from '../change.ts';
import { takeOutSteps } from './take-out.ts';

interface Case {
  readonly name: string;
  readonly edit: Edit;
  readonly before: string | undefined;
  readonly after: string;
  readonly current: string | undefined;
  readonly interim?: readonly string[];
  /** The contents put in place one after the other, `undefined` for a file that goes; or the error. */
  readonly steps: readonly (string | undefined)[] | RegExp;
}

const whole: Edit = { kind: 'whole' };
const entry: Edit = { kind: 'json-entry', key: 'insecure-registries', entry: 'r:1' };
const member: Edit = { kind: 'json-member', key: 'credHelpers', member: 'r:1', value: 'berth' };

const cases: readonly Case[] = [
  { name: 'a new file goes', edit: whole, before: undefined, after: 'a', current: 'a', steps: [undefined] },
  { name: 'a replaced file comes back', edit: whole, before: 'b', after: 'a', current: 'a', steps: ['b'] },
  {
    name: 'a file that is gone needs nothing',
    edit: whole,
    before: 'b',
    after: 'a',
    current: undefined,
    steps: [],
  },
  {
    name: 'a file that was never written needs nothing',
    edit: whole,
    before: 'b',
    after: 'a',
    current: 'b',
    steps: [],
  },
  {
    name: 'a file of others stays',
    edit: whole,
    before: 'b',
    after: 'a',
    current: 'c',
    steps: /holds something else/,
  },
  {
    name: 'a key that was not there is emptied before it goes, to the byte',
    edit: entry,
    before: '{ "debug":true }',
    after: '{ "debug":true, "insecure-registries": ["r:1"] }',
    current: '{ "debug":true, "insecure-registries": ["r:1"] }',
    steps: ['{ "debug":true, "insecure-registries": [] }', '{ "debug":true }'],
  },
  {
    name: 'an interrupted way back goes on where it stopped',
    edit: entry,
    before: '{"debug":true}',
    after: '{"debug":true,"insecure-registries":["r:1"]}',
    current: '{"debug":true,"insecure-registries":[]}',
    interim: ['{"debug":true,"insecure-registries":[]}'],
    steps: ['{"debug":true}'],
  },
  {
    name: 'an entry among others goes alone',
    edit: entry,
    before: '{"insecure-registries":["x:1"]}',
    after: '{"insecure-registries":["x:1","r:1"]}',
    current: '{"insecure-registries":["x:1","r:1"]}',
    steps: ['{"insecure-registries":["x:1"]}'],
  },
  {
    name: 'the edit of others beside an entry stays',
    edit: entry,
    before: '{"debug":true}',
    after: '{"debug":true,"insecure-registries":["r:1"]}',
    current: '{"debug":false,"insecure-registries":["r:1","y:2"]}',
    steps: ['{"debug":false,"insecure-registries":["y:2"]}'],
  },
  {
    name: 'an entry that others took out needs nothing',
    edit: entry,
    before: '{}',
    after: '{"insecure-registries":["r:1"]}',
    current: '{"insecure-registries":["y:2"]}',
    steps: [],
  },
  {
    name: 'a file that others broke is refused',
    edit: entry,
    before: '{}',
    after: '{"insecure-registries":["r:1"]}',
    current: '{"insecure-registries":["r:1"],}',
    steps: /holds/,
  },
  {
    name: 'a member goes, with its object where that is new',
    edit: member,
    before: '{"a":1}',
    after: '{"a":1,"credHelpers":{"r:1":"berth"}}',
    current: '{"a":2,"credHelpers":{"r:1":"berth"}}',
    steps: ['{"a":2}'],
  },
  {
    name: 'a member goes from an object of others',
    edit: member,
    before: '{"credHelpers":{"x":"y"}}',
    after: '{"credHelpers":{"x":"y","r:1":"berth"}}',
    current: '{"credHelpers":{"x":"z","r:1":"berth"}}',
    steps: ['{"credHelpers":{"x":"z"}}'],
  },
  {
    name: 'a member that others changed stays',
    edit: member,
    before: '{}',
    after: '{"credHelpers":{"r:1":"berth"}}',
    current: '{"credHelpers":{"r:1":"pass"}}',
    steps: /something else for r:1/,
  },
];

for (const { name, edit, before, after, current, interim = [], steps } of cases) {
  test(name, () => {
    const bytes = (text: string | undefined) => (text === undefined ? undefined : Buffer.from(text));
    const hash = (text: string | undefined) => (text === undefined ? undefined : sha256(Buffer.from(text)));
    const change: Change = {
      title: 'test',
      engine: 'docker',
      address: 'r:1',
      place: { kind: 'file', path: '/etc/file', mode: 0o644 },
      edit,
      before: hash(before),
      after: Buffer.from(after).toString('base64'),
      needsRoot: false,
      activation: { kind: 'none' },
      proof: { kind: 'none' },
      manual: [],
    };
    const takeOut = () =>
      takeOutSteps({
        change,
        current: bytes(current),
        before: bytes(before),
        interim: interim.map((text) => hash(text) ?? ''),
      }).map((step) => (step === undefined ? undefined : Buffer.from(step).toString()));

    if (steps instanceof RegExp) assert.throws(takeOut, { message: steps });
    else assert.deepEqual(takeOut(), steps);
  });
}
