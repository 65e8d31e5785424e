import { testDriver } from './driver.suite.ts';
import { createMemoryDriver } from './memory.ts';

async function openFixture() {
  const driver = createMemoryDriver();
  return {
    driver,
    reopen: () => Promise.resolve(driver),
    leftovers: () => Promise.resolve([]),
    [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
  };
}

testDriver('memory', openFixture, {
  'a part survives a restart': 'memory ends with the process',
  'a large part and its stream need little memory': 'memory keeps all bytes',
});
