/**
 * Patterns that cannot hold up the window, whatever they are and whatever a client has put into the log. Regular
 * expressions run on an automaton that takes each character once, as the registry's own do; the engine of browsers
 * goes back, and needs years for `(a+)+$` and forty characters.
 *
 *     source -> tree -> program of single steps -> states, each a set of places in the program, made when they are met
 *
 * Letter case is ignored. Supported is what can be run so: no back references, no looking around.
 */

export interface Pattern {
  readonly test: (text: string) => boolean;
  /** Where it is found, from the left, the longest each; within the first 500 characters. */
  readonly ranges: (text: string) => readonly (readonly [start: number, end: number])[];
}

const longestMarked = 500;

/** Finds a text as it is. */
export function textPattern(text: string): Pattern {
  const wanted = text.toLowerCase();
  return {
    test: (line) => line.toLowerCase().includes(wanted),
    ranges(line) {
      const found: [number, number][] = [];
      const lower = line.slice(0, longestMarked).toLowerCase();
      if (wanted === '') return found;
      let at = lower.indexOf(wanted);
      while (at !== -1) {
        found.push([at, at + wanted.length]);
        at = lower.indexOf(wanted, at + wanted.length);
      }
      return found;
    },
  };
}

/** Finds a regular expression. Throws a SyntaxError with the reason for one that is broken or not supported. */
export function regexPattern(source: string): Pattern {
  // The engine of the browser knows best what is broken; it is never run.
  try {
    void new RegExp(source);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SyntaxError(reason.replace(/^.*: /, ''), { cause: error });
  }
  const program = compile(parse(source));
  const anywhere = createAutomaton(program, false);
  const here = createAutomaton(program, true);
  return {
    test: (line) => anywhere(line.toLowerCase(), 0) !== -1,
    ranges(line) {
      const lower = line.slice(0, longestMarked).toLowerCase();
      const found: [number, number][] = [];
      if (anywhere(lower, 0) === -1) return found;
      for (let at = 0; at < lower.length;) {
        const end = here(lower, at);
        if (end > at) found.push([at, end]);
        at = Math.max(at + 1, end);
      }
      return found;
    },
  };
}

type CharacterTest = (code: number) => boolean;
type Condition = 'start' | 'end' | 'word' | 'noWord';
type Tree =
  | { readonly kind: 'set'; readonly has: CharacterTest }
  | { readonly kind: 'if'; readonly condition: Condition }
  | { readonly kind: 'all'; readonly parts: readonly Tree[] }
  | { readonly kind: 'one'; readonly of: readonly Tree[] }
  | { readonly kind: 'repeat'; readonly part: Tree; readonly least: number; readonly most: number };

/** Reads what `RegExp` has found to be well-formed. */
function parse(source: string): Tree {
  let at = 0;

  function readOne(): Tree {
    const of = [readAll()];
    while (source[at] === '|') {
      at += 1;
      of.push(readAll());
    }
    return of.length === 1 && of[0] !== undefined ? of[0] : { kind: 'one', of };
  }

  function readAll(): Tree {
    const parts: Tree[] = [];
    while (at < source.length && source[at] !== '|' && source[at] !== ')') parts.push(readRepeated());
    return { kind: 'all', parts };
  }

  function readRepeated(): Tree {
    let part = readPart();
    for (;;) {
      const [written = '', sign, low, comma, high] =
        /^(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})\??/.exec(source.slice(at)) ?? [];
      if (written === '') return part;
      at += written.length;
      const least = sign === undefined ? Number(low) : sign === '+' ? 1 : 0;
      const most =
        sign === '?' ? 1 : sign !== undefined || high === '' ? Number.POSITIVE_INFINITY : Number(high ?? low);
      part = { kind: 'repeat', part, least, most: comma === undefined && sign === undefined ? least : most };
    }
  }

  function readPart(): Tree {
    const character = source[at] ?? '';
    at += 1;
    switch (character) {
      case '(':
        return readGroup();
      case '[':
        return { kind: 'set', has: readSet() };
      case '.':
        return { kind: 'set', has: (code) => code !== 10 && code !== 13 };
      case '^':
        return { kind: 'if', condition: 'start' };
      case '$':
        return { kind: 'if', condition: 'end' };
      case '\\':
        if (source[at] === 'b' || source[at] === 'B') {
          at += 1;
          return { kind: 'if', condition: source[at - 1] === 'b' ? 'word' : 'noWord' };
        }
        return { kind: 'set', has: readEscape().has };
      default:
        return { kind: 'set', has: isCode(character.toLowerCase().charCodeAt(0)) };
    }
  }

  function readGroup(): Tree {
    const [opening = ''] = /^\?(?::|<[A-Za-z_$][\w$]*>)/.exec(source.slice(at)) ?? [];
    if (opening === '' && source[at] === '?') throw new SyntaxError('Looking around is not supported');
    at += opening.length;
    const inner = readOne();
    at += 1;
    return inner;
  }

  /** After a backslash: one character, whose code it has, or a class of them. */
  function readEscape(): { readonly has: CharacterTest; readonly code?: number } {
    const letter = source[at] ?? '';
    at += 1;
    const known = classes[letter];
    if (known !== undefined) return { has: known };
    if (/[1-9k]/.test(letter)) throw new SyntaxError('Back references are not supported');
    const [hex = ''] =
      letter === 'x' || letter === 'u'
        ? (new RegExp(`^[\\da-f]{${letter === 'x' ? 2 : 4}}`, 'i').exec(source.slice(at)) ?? [])
        : [];
    at += hex.length;
    const code =
      hex === ''
        ? (controls[letter] ?? letter.toLowerCase().charCodeAt(0))
        : lowerCode(Number.parseInt(hex, 16));
    return { has: isCode(code), code };
  }

  function readSet(): CharacterTest {
    const isOpposite = source[at] === '^';
    if (isOpposite) at += 1;
    const tests: CharacterTest[] = [];
    while (source[at] !== ']') {
      const first = readSetPart();
      if (source[at] === '-' && source[at + 1] !== ']' && first.code !== undefined) {
        at += 1;
        const last = readSetPart();
        if (last.code !== undefined) tests.push(isBetween(first.code, last.code));
        else tests.push(isCode(first.code), isCode(45), last.has);
      } else tests.push(first.has);
    }
    at += 1;
    return (code) => tests.some((test) => test(code) || test(upperCode(code))) !== isOpposite;
  }

  function readSetPart(): { readonly has: CharacterTest; readonly code?: number } {
    const character = source[at] ?? '';
    at += 1;
    if (character === '\\' && source[at] === 'b') {
      at += 1;
      return { has: isCode(8), code: 8 };
    }
    if (character === '\\') return readEscape();
    const code = character.charCodeAt(0);
    return { has: isCode(code), code };
  }

  return readOne();
}

function isCode(wanted: number): CharacterTest {
  return (code) => code === wanted;
}

function isBetween(first: number, last: number): CharacterTest {
  return (code) => code >= first && code <= last;
}

function isWord(code: number): boolean {
  return (
    (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || code === 95 || (code >= 65 && code <= 90)
  );
}

const isDigit = isBetween(48, 57);
const isSpace: CharacterTest = (code) => /\s/.test(String.fromCharCode(code));
const classes: Readonly<Record<string, CharacterTest | undefined>> = {
  d: isDigit,
  D: (code) => !isDigit(code),
  w: isWord,
  W: (code) => !isWord(code),
  s: isSpace,
  S: (code) => !isSpace(code),
};
const controls: Readonly<Record<string, number | undefined>> = { n: 10, r: 13, t: 9, f: 12, v: 11, 0: 0 };

function lowerCode(code: number): number {
  return String.fromCharCode(code).toLowerCase().charCodeAt(0);
}

function upperCode(code: number): number {
  return String.fromCharCode(code).toUpperCase().charCodeAt(0);
}

/** One step of a program; `to` are places in it. The end is the place after the last step. */
type Step =
  | { readonly kind: 'set'; readonly has: CharacterTest }
  | { readonly kind: 'if'; readonly condition: Condition }
  | { readonly kind: 'go'; to: readonly number[] };

const longestProgram = 500;

function compile(tree: Tree): readonly Step[] {
  const steps: Step[] = [];

  function add<S extends Step>(step: S): S {
    if (steps.length >= longestProgram) throw new SyntaxError('It is too long');
    steps.push(step);
    return step;
  }

  function emit(node: Tree): void {
    switch (node.kind) {
      case 'all':
        for (const part of node.parts) emit(part);
        return;
      case 'one': {
        const fork = add<Step & { kind: 'go' }>({ kind: 'go', to: [] });
        const ends: (Step & { kind: 'go' })[] = [];
        fork.to = node.of.map((part) => {
          const start = steps.length;
          emit(part);
          ends.push(add({ kind: 'go', to: [] }));
          return start;
        });
        for (const end of ends) end.to = [steps.length];
        return;
      }
      case 'repeat': {
        for (let count = 0; count < node.least; count += 1) emit(node.part);
        if (node.most === Number.POSITIVE_INFINITY) {
          const start = steps.length;
          const fork = add<Step & { kind: 'go' }>({ kind: 'go', to: [] });
          emit(node.part);
          add({ kind: 'go', to: [start] });
          fork.to = [start + 1, steps.length];
          return;
        }
        const forks: (Step & { kind: 'go' })[] = [];
        for (let count = node.least; count < node.most; count += 1) {
          forks.push(add({ kind: 'go', to: [steps.length + 1] }));
          emit(node.part);
        }
        for (const fork of forks) fork.to = [...fork.to, steps.length];
        return;
      }
      default:
        add(node);
    }
  }

  emit(tree);
  return steps;
}

/** Places before a character, and what conditions have to know of the character before. */
interface State {
  readonly places: readonly number[];
  readonly isStart: boolean;
  readonly isAfterWord: boolean;
  /** By the code of the character; -1 is the end. */
  readonly moves: Map<number, Move>;
}

interface Move {
  /** The pattern has ended before the character. */
  readonly isFound: boolean;
  readonly next: State;
}

const mostStates = 1000;

/**
 * Answers a function that looks for the program from a place of a text on, and answers where its match ends: the first
 * end where it may begin anywhere, the last where it begins there; -1 for none.
 */
function createAutomaton(
  program: readonly Step[],
  beginsHere: boolean,
): (text: string, from: number) => number {
  let states = new Map<string, State>();

  function stateOf(places: readonly number[], isStart: boolean, isAfterWord: boolean): State {
    const key = `${places.join(' ')}${isStart ? '^' : ''}${isAfterWord ? 'w' : ''}`;
    const known = states.get(key);
    if (known !== undefined) return known;
    // What has become too much is made anew as it is needed.
    if (states.size >= mostStates) states = new Map();
    const state: State = { places, isStart, isAfterWord, moves: new Map() };
    states.set(key, state);
    return state;
  }

  function moveOf(state: State, code: number): Move {
    const isBeforeWord = isWord(code);
    const holds: Readonly<Record<Condition, boolean>> = {
      start: state.isStart,
      end: code === -1,
      word: state.isAfterWord !== isBeforeWord,
      noWord: state.isAfterWord === isBeforeWord,
    };
    const seen = new Set<number>();
    const next = new Set<number>();
    const open = [...state.places];
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      if (seen.has(place)) continue;
      seen.add(place);
      const step = program[place];
      if (step === undefined) continue;
      if (step.kind === 'go') open.push(...step.to);
      else if (step.kind === 'if') {
        if (holds[step.condition]) open.push(place + 1);
      } else if (step.has(code)) next.add(place + 1);
    }
    if (!beginsHere) next.add(0);
    return {
      isFound: seen.has(program.length),
      next: stateOf(
        [...next].toSorted((one, other) => one - other),
        false,
        isBeforeWord,
      ),
    };
  }

  return (text, from) => {
    let state = stateOf([0], from === 0, from > 0 && isWord(text.charCodeAt(from - 1)));
    let end = -1;
    for (let at = from; at <= text.length; at += 1) {
      const code = at === text.length ? -1 : text.charCodeAt(at);
      let move = state.moves.get(code);
      if (move === undefined) {
        move = moveOf(state, code);
        state.moves.set(code, move);
      }
      if (move.isFound) {
        if (!beginsHere) return at;
        end = at;
      }
      state = move.next;
      if (state.places.length === 0) break;
    }
    return end;
  };
}
