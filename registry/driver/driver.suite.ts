/**
 * What every driver must pass: the promises at the head of driver.ts, one case each, among them the cases of
 * distribution's own driver suite that this contract has. After each case the driver must be as empty as before,
 * with no unfinished write and nothing left open. That a power cut undoes nothing is shown elsewhere.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { AppError, isAppError } from '../spec/errors.ts';
import { checked } from './checked.ts';
import type { Chunks } from './chunks.ts';
import type { Driver, ListEntry } from './driver.ts';
import { createHashState } from './hash-state.ts';
import { createRunningHash } from './running-hash.ts';

/** A fresh driver for one case. */
export interface DriverFixture extends AsyncDisposable {
  readonly driver: Driver;
  /** Another driver on the same bytes, as after a restart. */
  reopen(): Promise<Driver>;
  /** Unfinished writes that lie about and files that are open: there should be none. */
  leftovers(): Promise<readonly string[]>;
}

/** Runs the suite. `skips` names cases and says why they do not hold for this driver. */
export function testDriver(
  name: string,
  open: () => Promise<DriverFixture>,
  skips: Readonly<Record<string, string>> = {},
): void {
  for (const [title, run] of Object.entries(cases)) {
    test(`${name}: ${title}`, { skip: skips[title] ?? false }, async () => {
      await using fixture = await open();
      const driver = checked(fixture.driver);

      await run(driver, fixture);

      await driver.removeTree('suite');
      const left = (await names(driver, '')).filter((top) => top !== 'berth');
      assert.deepEqual({ left, leftovers: await fixture.leftovers() }, { left: [], leftovers: [] });
    });
  }
  test(`${name}: every skip names a case`, () => {
    assert.deepEqual(
      Object.keys(skips).filter((title) => !(title in cases)),
      [],
    );
  });
}

const cases: Readonly<Record<string, (driver: Driver, fixture: DriverFixture) => Promise<void>>> = {
  async 'a commit writes every key whose condition holds, and says nothing of the others'(driver) {
    await driver.write('suite/there', noise(3, 1));
    await driver.write('suite/hollow', noise(0, 1));
    const bytes = noise(7, 7);

    await driver.commit([
      [
        { key: 'suite/new', bytes },
        { key: 'suite/there', bytes, if: 'absent' },
      ],
      [
        { key: 'suite/hollow', bytes, if: 'empty' },
        { key: 'suite/none/below', bytes, if: 'empty' },
      ],
    ]);
    await driver.commit([[{ key: 'suite/hollow', bytes: noise(1, 1), if: 'empty' }]]);

    const keys = ['new', 'there', 'hollow', 'none/below'];
    const sizes = await Promise.all(keys.map(async (key) => (await driver.stat(`suite/${key}`))?.size));
    assert.deepEqual(sizes, [7, 3, 7, 7]);
  },

  async 'commits that share keys take turns, in whatever order they name them'(driver) {
    const keys = ['suite/a', 'suite/b', 'suite/c'];

    await Promise.all(
      Array.from({ length: 30 }, (_, at) => {
        const named = at % 2 === 0 ? keys : keys.toReversed();
        return driver.commit(named.map((key) => [{ key, bytes: noise(at, at) }]));
      }),
    );

    const sizes = await Promise.all(keys.map(async (key) => (await driver.stat(key))?.size));
    assert.deepEqual(sizes, [29, 29, 29]);
  },

  async 'a part is moved unless the key has its size, and what follows is written in both cases'(driver) {
    const found: unknown[] = [];
    for (const name of ['first', 'second']) {
      const part = await driver.openPart(`suite/up/${name}/data`, { create: true });
      assert.ok(part);
      await part.append(chunksOf(noise(9, 1), 9));
      const after = [[{ key: `suite/links/${name}`, bytes: noise(2, 2) }]];

      const isMoved = await part.commit('suite/blob', {
        unless: 'sameSize',
        after,
        clear: `suite/up/${name}`,
      });

      found.push({ isMoved, links: await names(driver, 'suite/links'), up: await names(driver, 'suite/up') });
      await (isMoved ? part[Symbol.asyncDispose]() : part.discard());
    }

    assert.deepEqual(found, [
      { isMoved: true, links: ['first'], up: [] },
      { isMoved: false, links: ['first', 'second'], up: ['second'] },
    ]);
    assert.equal((await driver.stat('suite/blob'))?.size, 9);
  },

  async 'what was written is read back, at any size and of any bytes'(driver) {
    for (const size of [0, 1, 71, 4095, 4096, 65_537, 1_048_579]) {
      const bytes = noise(size, size);

      assert.equal(await driver.write('suite/a/key', bytes), true);

      const found = {
        info: (await driver.stat('suite/a/key'))?.size,
        small: await driver.readSmall('suite/a/key', { limit: size }),
        stream: await readAll(readOf(driver, 'suite/a/key')),
      };
      assert.deepEqual(found, { info: size, small: new Uint8Array(bytes), stream: bytes });
    }
  },

  async 'the time of a key is the time of its write'(driver) {
    const before = Date.now();

    await driver.write('suite/key', noise(1, 1));

    const modifiedAt = (await driver.stat('suite/key'))?.modifiedAt ?? 0;
    // File systems stamp with the clock of the last tick.
    assert.ok(modifiedAt > before - 1000 && modifiedAt < Date.now() + 1000, `${modifiedAt} beside ${before}`);
  },

  async 'a range gives exactly its bytes'(driver) {
    const bytes = noise(200_000, 1);
    await driver.write('suite/key', bytes);

    for (const range of [
      {},
      { start: 0, end: 1 },
      { start: 199_999 },
      { start: 65_535, end: 65_537 },
      { end: 200_000 },
      { start: 100, end: 900_000 },
      { start: 200_000 },
      { start: 300_000 },
      { start: 7, end: 7 },
      { end: 0 },
    ]) {
      const found = await readAll(readOf(driver, 'suite/key', range));
      assert.deepEqual(found, bytes.subarray(range.start ?? 0, range.end), JSON.stringify(range));
    }
  },

  async 'what is absent is undefined, and removing it is fine'(driver) {
    await driver.write('suite/there/key', noise(1, 1));

    for (const key of ['suite/none', 'suite/no/way/here', 'suite/there', 'suite/there/key/below']) {
      assert.equal(await driver.stat(key), undefined, key);
      assert.equal(await driver.readSmall(key, { limit: 10 }), undefined, key);
    }
    for (const key of ['suite/none', 'suite/there']) assert.equal(await driver.open(key), undefined, key);
    assert.equal(await driver.openPart('suite/no/way/here', { create: false }), undefined);
    assert.deepEqual(await names(driver, 'suite/none'), []);
    await driver.remove('suite/none');
    await driver.remove('suite/no/way/here');
    await driver.removeTree('suite/no/way');
    assert.equal((await driver.stat('suite/there/key'))?.size, 1);
  },

  async 'a value larger than the limit is refused'(driver) {
    await driver.write('suite/key', noise(11, 1));

    await assert.rejects(driver.readSmall('suite/key', { limit: 10 }), hasCode('STORAGE_FAILED'));
  },

  async 'a second write replaces the first, shorter or longer'(driver) {
    for (const size of [1000, 10, 3000, 0, 5]) {
      await driver.write('suite/key', noise(size, size));
      assert.deepEqual(
        await driver.readSmall('suite/key', { limit: size }),
        new Uint8Array(noise(size, size)),
      );
    }
  },

  async 'readers beside a writer see the old bytes or the new, never a mix and never nothing'(driver) {
    const values = [Buffer.alloc(150_000, 'a'), Buffer.alloc(90_000, 'b'), Buffer.alloc(1, 'c')];
    const whole = new Set(values.map(hash));
    await driver.write('suite/key', valueAt(values, 0));
    const written = new AbortController();
    const seen = new Set<string>();
    async function readOn(read: () => Promise<Uint8Array>): Promise<void> {
      while (!written.signal.aborted) {
        seen.add(hash(await read()));
        // In memory a read takes no turn of the event loop, and would let nobody else have one.
        await nextTurn();
      }
    }

    const readers = [
      readOn(() => readAll(readOf(driver, 'suite/key'))),
      readOn(() => readAll(readOf(driver, 'suite/key'))),
      readOn(async () => (await driver.readSmall('suite/key', { limit: 150_000 })) ?? Buffer.of()),
    ];
    for (let round = 0; round < 150; round += 1) {
      await driver.write('suite/key', valueAt(values, round % values.length));
      await nextTurn();
    }
    written.abort();
    await Promise.all(readers);

    assert.ok(seen.size > 1, 'the readers saw no change');
    assert.deepEqual(
      [...seen].filter((value) => !whole.has(value)),
      [],
    );
  },

  async 'a stream opened before a key is replaced or removed gives the old bytes to their end'(driver) {
    const old = noise(3_000_000, 1);
    for (const change of [
      () => driver.write('suite/key', noise(10, 2)),
      () => driver.remove('suite/key'),
      () => driver.removeTree('suite'),
    ]) {
      await driver.write('suite/key', old);
      const chunks: Uint8Array[] = [];

      for await (const chunk of readOf(driver, 'suite/key') as AsyncIterable<Uint8Array>) {
        if (chunks.length === 0) await change();
        chunks.push(chunk);
      }

      assert.equal(hash(Buffer.concat(chunks)), hash(old));
    }
  },

  async 'of many writers that want a key absent exactly one gets it'(driver) {
    for (const key of ['suite/new/directory/key', 'suite/new/directory/other']) {
      const racers = Array.from({ length: 24 }, (_, index) => noise(1000 + index, index));

      const won = await Promise.all(racers.map((bytes) => driver.write(key, bytes, { if: 'absent' })));

      assert.equal(won.filter(Boolean).length, 1);
      const winner = racers[won.indexOf(true)];
      assert.deepEqual(await readAll(readOf(driver, key)), winner);
      assert.equal(await driver.write(key, noise(1, 1), { if: 'absent' }), false);
      assert.deepEqual(await readAll(readOf(driver, key)), winner);
    }
  },

  async 'an absent-only write works again after a removal'(driver) {
    await driver.write('suite/key', noise(1, 1));
    await driver.remove('suite/key');

    assert.equal(await driver.write('suite/key', noise(2, 2), { if: 'absent' }), true);
  },

  async 'many writers of one key leave the whole value of one'(driver) {
    const values = Array.from({ length: 16 }, (_, index) => noise(50_000 + index, index));

    await Promise.all(values.map((bytes) => driver.write('suite/key', bytes)));

    const found = hash(await readAll(readOf(driver, 'suite/key')));
    assert.ok(values.map(hash).includes(found));
  },

  async 'many writers in new directories all succeed'(driver) {
    const keys = Array.from({ length: 60 }, (_, index) => `suite/deep/${index % 4}/${index % 7}/${index}`);

    await Promise.all(keys.map((key, index) => driver.write(key, noise(100, index))));

    for (const [index, key] of keys.entries())
      assert.deepEqual(await readAll(readOf(driver, key)), noise(100, index), key);
  },

  async 'a list gives the direct children in byte order'(driver) {
    const children = ['-', '.x', '0', '10', '9', 'A', 'Z.a', '_layers', 'a', 'a-b', 'a.b', 'a_b', 'aa', 'b'];
    const trees = new Set(['9', '_layers', 'a', 'aa']);
    for (const name of children.toReversed())
      await driver.write(`suite/list/${name}${trees.has(name) ? '/below/key' : ''}`, noise(1, 1));
    await driver.write('suite/list-not', noise(1, 1));

    const found: ListEntry[] = [];
    for await (const entry of driver.list('suite/list')) found.push(entry);

    const expected = children.map((name) => ({ name, kind: trees.has(name) ? 'tree' : 'file' }));
    assert.deepEqual(found, expected);
    assert.deepEqual(await names(driver, 'suite'), ['list', 'list-not']);
    assert.deepEqual(await names(driver, 'suite/list/a'), ['below']);
    assert.deepEqual(await names(driver, 'suite/list/b'), []);
  },

  async 'a list goes on after a name, whether or not the name exists'(driver) {
    for (const name of ['a', 'b', 'ba', 'c', 'Z']) await driver.write(`suite/list/${name}`, noise(1, 1));

    const found = Object.fromEntries(
      await Promise.all(
        ['', 'Z', 'a', 'aa', 'b', 'b~', 'c', 'z'].map(
          async (after) => [after, await names(driver, 'suite/list', after)] as const,
        ),
      ),
    );

    assert.deepEqual(found, {
      '': ['Z', 'a', 'b', 'ba', 'c'],
      Z: ['a', 'b', 'ba', 'c'],
      a: ['b', 'ba', 'c'],
      aa: ['b', 'ba', 'c'],
      b: ['ba', 'c'],
      'b~': ['c'],
      c: [],
      z: [],
    });
  },

  async 'a list in any order gives the same children, and can be left early'(driver) {
    const children = Array.from({ length: 200 }, (_, index) => `tag-${index}`).toSorted();
    await driver.commit([children.map((name) => ({ key: `suite/any/${name}`, bytes: noise(1, 1) }))]);

    const found: string[] = [];
    for await (const { name } of driver.list('suite/any', { order: 'any' })) found.push(name);
    const first: string[] = [];
    for await (const { name } of driver.list('suite/any', { order: 'any' })) {
      first.push(name);
      break;
    }

    assert.deepEqual(found.toSorted(), children);
    assert.equal(first.length, 1);
    assert.deepEqual(await Array.fromAsync(driver.list('suite/none', { order: 'any' })), []);
  },

  async 'a list can be left early and of a thousand children'(driver) {
    const expected = Array.from({ length: 1000 }, (_, index) => `tag-${index}`).toSorted();
    await driver.commit([expected.map((name) => ({ key: `suite/tags/${name}/link`, bytes: noise(1, 1) }))]);

    for await (const { name } of driver.list('suite/tags')) {
      assert.equal(name, expected[0]);
      break;
    }
    assert.deepEqual(await names(driver, 'suite/tags'), expected);
  },

  async 'a removal takes the key or the tree and nothing beside it'(driver) {
    const keys = ['suite/a/1', 'suite/a/2', 'suite/a/sub/3', 'suite/ab/4', 'suite/a-5', 'suite/b'];
    for (const key of keys) await driver.write(key, noise(3, 3));
    async function left(): Promise<readonly string[]> {
      const infos = await Promise.all(keys.map((key) => driver.stat(key)));
      return keys.filter((_, index) => infos[index] !== undefined);
    }

    await driver.remove('suite/a/1');
    assert.deepEqual(await left(), keys.slice(1));

    await driver.removeTree('suite/a');
    assert.deepEqual(await left(), ['suite/ab/4', 'suite/a-5', 'suite/b']);

    await driver.removeTree('suite/b', { durable: false });
    await driver.removeTree('suite/b');
    assert.deepEqual(await left(), ['suite/ab/4', 'suite/a-5']);

    await driver.write('suite/a/1', noise(4, 4));
    assert.deepEqual(await names(driver, 'suite/a'), ['1']);
  },

  async 'removals and writes of one tree at the same time end in a whole state'(driver) {
    for (let round = 0; round < 10; round += 1) {
      const key = 'suite/upload/one/data';
      await driver.write(key, noise(10, 1));

      const [written] = await Promise.allSettled([
        driver.write(key, noise(20, 2)),
        driver.removeTree('suite/upload/one'),
        driver.removeTree('suite/upload/one'),
      ]);

      const found = await driver.readSmall(key, { limit: 20 });
      if (found !== undefined) assert.deepEqual(found, new Uint8Array(noise(20, 2)));
      else if (written.status === 'rejected') assert.ok(isAppError(written.reason, 'STORAGE_FAILED'));
    }
  },

  async 'a part grows by what is appended and becomes a key on commit'(driver) {
    const bytes = noise(1_500_000, 1);
    await using part = await openPart(driver, 'suite/upload/data');

    assert.equal(await part.append(chunksOf(bytes.subarray(0, 700_001), 65_536)), 700_001);
    assert.deepEqual(await readAll(part.read()), bytes.subarray(0, 700_001));
    assert.equal(await part.append(chunksOf(bytes.subarray(700_001, 1_495_000), 4000)), 794_999);
    assert.equal(await part.append(chunksOf(bytes.subarray(1_495_000), 1)), 5000);
    assert.deepEqual([part.size, (await driver.stat('suite/upload/data'))?.size], [1_500_000, 1_500_000]);
    assert.equal(await driver.stat('suite/blob/data'), undefined);
    await part.commit('suite/blob/data');

    assert.deepEqual(await readAll(readOf(driver, 'suite/blob/data')), bytes);
    const range = { start: 65_000, end: 700_500 };
    assert.deepEqual(
      await readAll(readOf(driver, 'suite/blob/data', range)),
      bytes.subarray(65_000, 700_500),
    );
    assert.equal(await driver.stat('suite/upload/data'), undefined);
  },

  async 'a part that is made has a small key beside it, unless that is there'(driver) {
    const made = { create: true, beside: { key: 'suite/up/startedat', bytes: noise(24, 1) } };
    const begun = () => readAll(readOf(driver, 'suite/up/startedat'));

    assert.equal(await driver.openPart('suite/up/data', { ...made, create: false }), undefined);
    assert.equal(await driver.stat('suite/up/startedat'), undefined);
    await using part = await driver.openPart('suite/up/data', made);
    assert.deepEqual(await begun(), noise(24, 1));
    await driver.write('suite/up/startedat', noise(24, 2));
    await using other = await driver.openPart('suite/up/other', made);

    assert.deepEqual(await begun(), noise(24, 2));
    assert.deepEqual(await names(driver, 'suite/up'), ['data', 'other', 'startedat']);
    assert.deepEqual([part?.size, other?.size], [0, 0]);
  },

  async 'a commit replaces the key that is there'(driver) {
    await driver.write('suite/key', noise(5000, 1));
    await using part = await openPart(driver, 'suite/part');
    await part.append(chunksOf(noise(10, 2), 3));

    await part.commit('suite/key');

    assert.deepEqual(await readAll(readOf(driver, 'suite/key')), noise(10, 2));
  },

  async 'a part of no bytes becomes an empty key'(driver) {
    await using part = await openPart(driver, 'suite/part');
    assert.equal(await part.append(chunksOf(Buffer.of(), 1)), 0);
    assert.equal(await part.append(Readable.from([[], [Buffer.of(), Buffer.of()]])), 0);

    await part.commit('suite/key');

    assert.deepEqual(await driver.readSmall('suite/key', { limit: 0 }), new Uint8Array());
  },

  async 'a part that was closed goes on where it was'(driver) {
    const bytes = noise(400_000, 1);
    {
      await using part = await openPart(driver, 'suite/part');
      await part.append(chunksOf(bytes.subarray(0, 100_000), 9999));
    }

    await using again = await driver.openPart('suite/part', { create: false });
    assert.equal(again?.size, 100_000);
    await again.append(chunksOf(bytes.subarray(100_000), 9999));
    await again.commit('suite/key');

    assert.deepEqual(await readAll(readOf(driver, 'suite/key')), bytes);
  },

  async 'a part survives a restart'(driver, fixture) {
    const bytes = noise(300_000, 1);
    {
      await using part = await openPart(driver, 'suite/part');
      await part.append(chunksOf(bytes.subarray(0, 123_457), 5000));
    }

    await using other = await fixture.reopen();
    await using part = await openPart(checked(other), 'suite/part');
    assert.equal(part.size, 123_457);
    await part.append(chunksOf(bytes.subarray(123_457), 5000));
    await part.commit('suite/key');

    assert.deepEqual(await readAll(readOf(driver, 'suite/key')), bytes);
  },

  async 'truncate rolls a part back, and it grows on from there'(driver) {
    const bytes = noise(50_000, 1);
    await using part = await openPart(driver, 'suite/part');
    await part.append(chunksOf(bytes, 7000));
    await part.append(chunksOf(noise(99, 9), 10));

    await part.truncate(50_000);
    assert.deepEqual(await readAll(part.read()), bytes);
    await part.truncate(20_000);
    await part.append(chunksOf(bytes.subarray(20_000), 7000));
    await assert.rejects(part.truncate(50_001), hasCode('STORAGE_FAILED'));
    await part.commit('suite/key');

    assert.deepEqual(await readAll(readOf(driver, 'suite/key')), bytes);
  },

  async 'a hash takes what is appended, in small parts and in large ones'(driver) {
    const bytes = noise(5_000_000, 1);
    for (const cuts of [[3], [0, 1_500_000], [400_000, 400_001, 3_000_000], [2_000_000]]) {
      for (const isOwned of [false, true]) {
        const running = createRunningHash({ algorithm: 'sha256' });
        await using part = await openPart(driver, 'suite/part');
        const ends = [...cuts, bytes.length];
        for (const [at, end] of ends.entries()) {
          const source = copiesOf(bytes.subarray(ends[at - 1] ?? 0, end), 70_000);
          await part.append(source, { hash: running, isOwned });
          assert.equal(running.bytes, end);
        }
        assert.equal((await running.take())?.digest, hash(bytes));
        assert.deepEqual([running.bytes, await running.take()], [Number.NaN, undefined]);
        assert.equal(hash(await readAll(part.read())), hash(bytes));
        await part.discard();
      }
    }
  },

  async 'a hash that missed bytes says so'(driver) {
    const running = createRunningHash({ algorithm: 'sha256' });
    await using part = await openPart(driver, 'suite/part');
    const stop = new AbortController();
    const hung = part.append(
      thenSilence(copiesOf(noise(3_000_000, 1), 65_536), () => stop.abort()),
      { signal: stop.signal, hash: running, isOwned: true },
    );
    await assert.rejects(hung, hasCode('CANCELLED'));
    assert.deepEqual([running.bytes, part.size], [3_000_000, 3_000_000]);

    await part.append(copiesOf(noise(10, 2), 10));

    assert.notEqual(running.bytes, part.size);
  },

  async 'chunks that are not given away stay as they are'(driver) {
    const bytes = noise(3_000_000, 1);
    const chunk = Buffer.from(bytes);
    await using part = await openPart(driver, 'suite/part');

    await part.append(chunksOf(chunk, 1_300_000), { hash: createRunningHash({ algorithm: 'sha256' }) });

    assert.equal(hash(chunk), hash(bytes));
  },

  async 'an abort while the source is silent keeps what arrived'(driver) {
    const bytes = noise(900_001, 1);
    const stop = new AbortController();
    await using part = await openPart(driver, 'suite/part');

    const appended = part.append(
      thenSilence(chunksOf(bytes, 16_384), () => stop.abort()),
      {
        signal: stop.signal,
      },
    );

    await assert.rejects(appended, hasCode('CANCELLED'));
    assert.deepEqual([part.size, (await driver.stat('suite/part'))?.size], [900_001, 900_001]);
    await part.append(chunksOf(noise(10, 2), 10));
    await part.commit('suite/key');
    assert.deepEqual(await readAll(readOf(driver, 'suite/key')), Buffer.concat([bytes, noise(10, 2)]));
  },

  async 'a signal that is already aborted takes nothing from the source'(driver) {
    await using part = await openPart(driver, 'suite/part');

    const appended = part.append(chunksOf(noise(10, 1), 1), { signal: AbortSignal.abort() });

    await assert.rejects(appended, hasCode('CANCELLED'));
    assert.equal(part.size, 0);
  },

  async 'a source that fails is passed on as it is, and its bytes are kept'(driver) {
    const failures = [
      { error: new Error('the sender said no'), same: true },
      { error: new AppError('SIZE_INVALID'), same: true },
      { error: Object.assign(new Error('aborted'), { code: 'ECONNRESET' }), same: false },
    ];
    for (const { error, same } of failures) {
      await using part = await openPart(driver, 'suite/part');
      async function* failing(): AsyncGenerator<Chunks> {
        yield* chunksOf(noise(300_000, 3), 10_000);
        throw error;
      }

      const caught: unknown = await part.append(failing()).catch((thrown: unknown) => thrown);

      if (same) assert.equal(caught, error);
      else assert.ok(isAppError(caught, 'CANCELLED'));
      assert.deepEqual(await readAll(part.read()), noise(300_000, 3));
      await part.discard();
    }
  },

  async 'a part has one appender'(driver) {
    const stop = new AbortController();
    await using part = await openPart(driver, 'suite/part');
    const first = part.append(
      thenSilence(chunksOf(noise(10, 1), 10), () => stop.abort()),
      {
        signal: stop.signal,
      },
    );

    await assert.rejects(part.append(chunksOf(noise(10, 2), 1)));
    await assert.rejects(part.truncate(0));
    await assert.rejects(part.commit('suite/key'));

    await assert.rejects(first, hasCode('CANCELLED'));
    assert.deepEqual(await readAll(part.read()), noise(10, 1));
  },

  async 'a discarded part is gone, and a closed one refuses work'(driver) {
    await using part = await openPart(driver, 'suite/part');
    await part.append(chunksOf(noise(1000, 1), 10));

    await part.discard();

    assert.equal(await driver.stat('suite/part'), undefined);
    assert.equal(await driver.openPart('suite/part', { create: false }), undefined);
    await assert.rejects(part.append(chunksOf(noise(1, 1), 1)));
    await driver.write('suite/part', noise(7, 7));
    await assert.rejects(part.commit('suite/key'));
    await assert.rejects(part.discard());
    assert.equal(await driver.stat('suite/key'), undefined);
    assert.equal((await driver.stat('suite/part'))?.size, 7);
  },

  async 'parts beside each other do not mix'(driver) {
    const values = Array.from({ length: 8 }, (_, index) => noise(2_000_000 + index, index));

    await Promise.all(
      values.map(async (bytes, index) => {
        await using part = await openPart(driver, `suite/uploads/${index}/data`);
        await part.append(chunksOf(bytes, 30_000 + index));
        await part.commit(`suite/blobs/${index}/data`);
      }),
    );

    for (const [index, bytes] of values.entries())
      assert.equal(hash(await readAll(readOf(driver, `suite/blobs/${index}/data`))), hash(bytes));
  },

  async 'many readers of one key each get all of it'(driver) {
    const bytes = noise(700_000, 1);
    await driver.write('suite/key', bytes);

    const starts = Array.from({ length: 40 }, (_, index) => index * 1000);
    const found = await Promise.all(starts.map((start) => readAll(readOf(driver, 'suite/key', { start }))));

    assert.deepEqual(
      found.map(hash),
      starts.map((start) => hash(bytes.subarray(start))),
    );
  },

  async 'a hash takes what is read, in small blocks and in large ones'(driver) {
    const bytes = noise(1_000_001, 1);
    const macKey = noise(16, 2);
    const whole = createHashState({ macKey });
    whole.update(bytes);
    const { mac } = whole.end();
    await driver.write('suite/key', bytes);
    for (const size of [10_000, 600_000, 2_000_000]) {
      await using reader = await driver.open('suite/key');
      assert.ok(reader);
      const running = createRunningHash({ algorithm: 'sha512', macKey });
      const read: Buffer[] = [];
      let block: Uint8Array = Buffer.allocUnsafeSlow(size);
      for (let at = 0; at < bytes.length; at += size) {
        const found: Uint8Array = await reader.readHashed(block, at, running);
        assert.equal(found.length, Math.min(size, bytes.length - at));
        read.push(Buffer.from(found));
        // The same memory again.
        assert.equal(found.buffer.byteLength, size);
        block = new Uint8Array(found.buffer);
      }
      assert.equal(running.bytes, bytes.length);
      const digest = createHash('sha512').update(bytes).digest('hex');
      assert.deepEqual(await running.take(), { digest, mac });
      assert.equal(hash(Buffer.concat(read)), hash(bytes));
    }
  },

  async 'an open key keeps its bytes when the key is written again, and gives none past its end'(driver) {
    const bytes = noise(100_000, 1);
    await driver.write('suite/key', bytes);
    await using reader = await driver.open('suite/key');
    await driver.write('suite/key', noise(10, 2));
    await driver.remove('suite/key');

    const into = Buffer.alloc(60_000);
    const found = [await reader?.read(into, 50_000), Buffer.from(into.subarray(0, 50_000))];

    assert.deepEqual(found, [50_000, bytes.subarray(50_000)]);
    assert.equal(await reader?.read(into, 100_000), 0);
    assert.equal(await reader?.read(into, 200_000), 0);
    assert.equal(reader?.size, 100_000);
  },

  async 'a large part and its stream need little memory'(driver) {
    const chunk = noise(65_536, 1);
    const total = 256 * 1024 * 1024;
    const sent = createHash('sha256');
    const before = process.memoryUsage.rss();
    let most = 0;
    function watchMemory(): void {
      most = Math.max(most, process.memoryUsage.rss() - before);
    }
    async function* source(): AsyncGenerator<Chunks> {
      for (let at = 0; at < total; at += chunk.length) {
        // A buffer of its own for each chunk, as a socket gives.
        const fresh = Buffer.from(chunk);
        sent.update(fresh);
        if (at % (4 * 1024 * 1024) === 0) watchMemory();
        yield [fresh];
      }
    }
    await using part = await openPart(driver, 'suite/part');

    await part.append(source());
    await part.commit('suite/key');
    const received = createHash('sha256');
    for await (const bytes of readOf(driver, 'suite/key') as AsyncIterable<Uint8Array>) {
      received.update(bytes);
      watchMemory();
    }

    assert.equal(received.digest('hex'), sent.digest('hex'));
    assert.ok(most < 128 * 1024 * 1024, `${Math.round(most / 1024 / 1024)} MiB more`);
  },

  async 'a key that breaks the grammar is refused by every method'(driver) {
    const bad = [
      '',
      '/',
      '/a',
      'a/',
      'a//b',
      '.',
      '..',
      '../a',
      'a/..',
      'a/./b',
      'a b',
      'ä',
      'a\0',
      'a\\b',
      'a%2fb',
    ];
    await using part = await openPart(driver, 'suite/part');

    for (const key of bad) {
      const calls: (() => unknown)[] = [
        () => driver.stat(key),
        () => driver.open(key),
        () => driver.readSmall(key, { limit: 1 }),
        () => driver.write(key, noise(1, 1)),
        () => names(driver, key === '' ? '/' : key),
        () => driver.remove(key),
        () => driver.removeTree(key),
        () => driver.openPart(key, { create: true }),
        () => part.commit(key),
      ];
      for (const call of calls)
        await assert.rejects(async () => call(), { name: 'Error', message: /^not a storage key/ }, key);
    }
  },
};

async function openPart(driver: Driver, key: string) {
  const part = await driver.openPart(key, { create: true });
  assert.ok(part);
  return part;
}

async function names(driver: Driver, prefix: string, after?: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { name } of driver.list(prefix, after === undefined ? {} : { after })) found.push(name);
  return found;
}

async function readAll(source: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Bytes that differ by seed and position, so that a mix or a shift is seen. */
function noise(size: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  let state = seed * 2_654_435_761 + 1;
  for (let at = 0; at < size; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Chunks> {
  for (let at = 0; at < bytes.length; at += size) yield [bytes.subarray(at, at + size)];
}

/** Chunks that nobody else has: each in memory of its own, small ones in that which Node shares out. */
async function* copiesOf(bytes: Uint8Array, size: number): AsyncGenerator<Chunks> {
  for await (const chunks of chunksOf(bytes, size)) yield chunks.map((chunk) => Buffer.from(chunk));
}

/** The chunks, then a call, then nothing for ever: a sender that hangs. */
async function* thenSilence(source: AsyncIterable<Chunks>, whenSilent: () => void): AsyncGenerator<Chunks> {
  yield* source;
  setImmediate(whenSilent);
  await new Promise(() => undefined);
}

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function valueAt(values: readonly Buffer[], index: number): Buffer {
  const value = values[index];
  assert.ok(value);
  return value;
}

function hasCode(code: 'CANCELLED' | 'STORAGE_FAILED'): (error: unknown) => boolean {
  return (error) => isAppError(error, code);
}

/** The bytes of a key from `start` to `end` (exclusive), read block by block. */
async function* readOf(
  driver: Driver,
  key: string,
  { start = 0, end = Number.POSITIVE_INFINITY }: { readonly start?: number; readonly end?: number } = {},
): AsyncGenerator<Buffer> {
  await using reader = await driver.open(key);
  assert.ok(reader, key);
  const last = Math.min(end, reader.size);
  for (let at = start; at < last;) {
    const block = Buffer.alloc(Math.min(262_144, last - at));
    const count = await reader.read(block, at);
    assert.equal(count, block.length);
    yield block;
    at += count;
  }
}
