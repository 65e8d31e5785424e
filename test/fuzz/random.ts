/** Random numbers that a seed repeats, for what is too slow or too large for fast-check to shrink. */
export interface Random {
  /** A whole number from 0 to below the bound. */
  below(bound: number): number;
  of<T>(choices: readonly T[]): T;
}

/** Mulberry32: small, and good enough to choose by. */
export function createRandom(seed: number): Random {
  let state = Math.imul(seed, 0x9e37_79b1) >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (bound: number): number => Math.floor(next() * bound);
  return { below, of: (choices) => choices[below(choices.length)] as (typeof choices)[number] };
}
