/**
 * Plugins that leave out of the window's scripts what no browser needs: it is fetched, parsed and run before each first
 * screen. None changes what the code does.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import type { Plugin } from 'vite';
import { type ErrorCode, errorEntry, errors } from '../registry/spec/errors.ts';

const require = createRequire(import.meta.url);

/** Marks modules that are made here. */
const made = '\0lean:';

/**
 * React as a module with named exports. As CommonJS each use is a property of an object, and a call reads
 * `(0, runtime.jsx)(...)`, some thousand times.
 */
export function namedReact(): Plugin {
  const names = ['react', 'react/jsx-runtime', 'react-dom', 'react-dom/client'];
  return {
    name: 'named-react',
    enforce: 'pre',
    resolveId: (source, _, { kind }) =>
      names.includes(source) && kind === 'import-statement' ? `${made}${source}` : undefined,
    load(id) {
      if (!id.startsWith(made)) return undefined;
      const path = require.resolve(id.slice(made.length));
      const keys = Object.keys(require(path) as object).filter((key) => key !== 'default');
      return [
        `import all from ${JSON.stringify(path)};`,
        'export default all;',
        ...keys.map((key) => `export const ${key} = all.${key};`),
      ].join('\n');
    },
  };
}

/**
 * Classes by names of a few letters, unique in the page and the same in every build, as strings where they are used: a
 * script carries no table of them.
 */
export function shortClasses(root: string): {
  readonly plugins: readonly Plugin[];
  readonly nameClass: NameClass;
} {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.module.css'))
    .toSorted();
  const classes = new Map(files.map((file) => [file, [] as string[]]));
  return {
    nameClass(name, path) {
      const file = relative(root, path.replace(/\?.*/, ''));
      const known = classes.get(file);
      if (known === undefined) throw new Error(`${path} is not below ${root}`);
      if (!known.includes(name)) known.push(name);
      return `${lettersOf(files.indexOf(file))}${known.indexOf(name)}`;
    },
    plugins: [
      {
        name: 'short-classes',
        enforce: 'pre',
        transform: {
          filter: { id: /\.tsx?$/ },
          handler: (code) =>
            code.includes('.module.css')
              ? code
                  .replaceAll(/^import (\w+) from ('[^']*\.module\.css')/gm, 'import * as $1 from $2')
                  .replaceAll(/\bstyles\['(\w+)'\]/g, 'styles.$1')
              : undefined,
        },
      },
      {
        name: 'kept-styles',
        enforce: 'post',
        // Of a module that is left out because its names stand elsewhere, the rules would be left out, too.
        transform: {
          filter: { id: /\.module\.css$/ },
          handler: (code) => ({ code, map: null, moduleSideEffects: 'no-treeshake' }),
        },
      },
    ],
  };
}

type NameClass = (name: string, file: string) => string;

function lettersOf(index: number): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz';
  return `${letters[Math.floor(index / 26)]}${letters[index % 26]}`;
}

/**
 * Icons as what is drawn alone, each from its file: lucide gives each its names, and each of its lines a random key. They
 * are drawn by `renderer/parts/icon.ts`.
 */
export function plainIcons(root: string): Plugin {
  const files = iconFiles();
  return {
    name: 'plain-icons',
    enforce: 'pre',
    resolveId: (source, importer = '') =>
      source === '../createLucideIcon.mjs' && importer.includes('/lucide-react/')
        ? join(root, 'parts', 'icon.ts')
        : undefined,
    transform: {
      filter: { id: [/\.tsx?$/, /\/lucide-react\/dist\/esm\/icons\//] },
      handler: (code, id) => (/\.tsx?$/.test(id) ? importFiles(code, files) : keepDrawing(code)),
    },
  };
}

/** The file of each icon, by the names that lucide gives it. */
function iconFiles(): ReadonlyMap<string, string> {
  const folder = join(dirname(require.resolve('lucide-react')), '..', 'esm');
  const index = readFileSync(join(folder, 'lucide-react.mjs'), 'utf8');
  return new Map(
    [...index.matchAll(/^export \{(.*)\} from '\.\/icons\/(.*)\.mjs';$/gm)].flatMap(
      ([, names = '', file = '']) =>
        [...names.matchAll(/default as (\w+)/g)].map(
          ([, name = '']) => [name, `lucide-react/icons/${file}`] as const,
        ),
    ),
  );
}

function importFiles(code: string, files: ReadonlyMap<string, string>): string {
  return code.replaceAll(/^import \{([^}]*)\} from 'lucide-react';$/gm, (_, names: string) =>
    names
      .split(',')
      .map((each) => each.trim())
      .filter((each) => each !== '' && !each.startsWith('type '))
      .map((each) => {
        const [name = '', alias = name] = each.split(' as ');
        const file = files.get(name);
        if (file === undefined) throw new Error(`lucide has no icon ${name}`);
        return `import ${alias} from '${file}';`;
      })
      .join(' '),
  );
}

function keepDrawing(code: string): string {
  return code
    .replace('import createLucideIcon from', 'import { createIcon as createLucideIcon } from')
    .replace(/^__iconData\.node;$/m, '')
    .replaceAll(/^ {2}(?:name: "[^"]*"|size: 24|aliases: \[[^\]]*\]),?$/gm, '')
    .replaceAll(/,\s*key: "[^"]*"/g, '');
}

/**
 * The table of errors with the words that the window says itself. What the registry throws comes with its own, so that
 * of other codes only the names are needed; and what an HTTP answer tells has a message, but no advice.
 */
export function ownErrors(root: string): Plugin {
  const path = join(root, '..', 'registry', 'spec', 'errors.ts');
  return {
    name: 'own-errors',
    enforce: 'pre',
    transform: {
      filter: { id: path },
      handler(code) {
        const start = code.indexOf('export const errors = {');
        const end = code.indexOf('} as const satisfies', start);
        if (start === -1 || end === -1) throw new Error(`${path} has no table`);
        const raised = raisedCodes(root);
        const words = (Object.keys(errors) as ErrorCode[]).map((each) => {
          const { message, action, oci } = errorEntry(each);
          if (raised.has(each)) return [each, { message, action }];
          return [each, oci === each ? { action } : {}];
        });
        return `${code.slice(0, start)}export const errors = ${JSON.stringify(Object.fromEntries(words)).slice(0, -1)}${code.slice(end)}`;
      },
    },
  };
}

/** What the window may raise: each code that its text names, and what it takes from the facts throws. */
function raisedCodes(root: string): ReadonlySet<string> {
  const spec = join(root, '..', 'registry', 'spec');
  const own = readdirSync(root, { recursive: true, encoding: 'utf8' }).map((name) => join(root, name));
  const facts = readdirSync(spec).map((name) => join(spec, name));
  return new Set(
    [...own, ...facts]
      .filter((file) => /(?<!\.test)\.tsx?$/.test(file))
      .flatMap((file) => {
        const named = file.startsWith(spec) ? /AppError\('([A-Z_]+)'/g : /'([A-Z_]+)'/g;
        return [...readFileSync(file, 'utf8').matchAll(named)].map(([, code = '']) => code);
      }),
  );
}

/** Words of react-aria in English alone, which the window is in, and says so (`renderer/window.tsx`). */
export function oneLanguage(): Plugin {
  return {
    name: 'one-language',
    enforce: 'pre',
    transform: {
      filter: { id: /\/dist\/private\/(?:[^/]+\/)?intlStrings\.mjs$/ },
      handler: (code) =>
        code
          .replaceAll(/^import .*\/(?!en-US)[a-z]{2}-[A-Z]{2}\.mjs";$/gm, '')
          .replaceAll(/^ +"(?!en-US)[a-z]{2}-[A-Z]{2}": .*$/gm, ''),
    },
  };
}

/** The page itself does not scroll (`renderer/parts/base.css`): a dialog need not keep it from that. */
export function stillPage(): Plugin {
  return {
    name: 'still-page',
    enforce: 'pre',
    load: (id) =>
      id.endsWith('/react-aria/dist/private/overlays/usePreventScroll.mjs')
        ? 'export const usePreventScroll = () => {};'
        : undefined,
  };
}

/**
 * Selects that are in no form (`renderer/parts/field.tsx`): none has a name that is sent or filled in, and what is chosen is
 * never wrong, so that neither a hidden twin nor its validity is needed.
 */
export function plainSelects(): Plugin {
  const modules = {
    '/react-aria/dist/private/select/HiddenSelect.mjs': `
      export const HiddenSelect = () => null;
      export const useHiddenSelect = undefined;
    `,
    '/react-stately/dist/private/form/useFormValidationState.mjs': `
      import { createContext } from 'react';
      export const FormValidationContext = createContext({});
      const valid = { isInvalid: false, validationErrors: [] };
      const state = { displayValidation: valid, realtimeValidation: valid };
      for (const name of ['updateValidation', 'resetValidation', 'commitValidation']) state[name] = () => {};
      export const useFormValidationState = () => state;
      export const [VALID_VALIDITY_STATE, DEFAULT_VALIDATION_RESULT, privateValidationStateProp, mergeValidation] = [];
    `,
  };
  return {
    name: 'plain-selects',
    enforce: 'pre',
    load: (id) => Object.entries(modules).find(([path]) => id.endsWith(path))?.[1],
  };
}

/** What stands in for a hook of React where React is too old to have it. */
export function ownStore(): Plugin {
  return {
    name: 'own-store',
    enforce: 'pre',
    load: (id) =>
      id.endsWith('/use-sync-external-store/shim/index.js')
        ? `export { useSyncExternalStore } from 'react';`
        : undefined,
  };
}

/** Styles are in one file and nothing is preloaded, so importing needs no help. */
export function plainImports(): Plugin {
  return {
    name: 'plain-imports',
    enforce: 'pre',
    load: (id) =>
      id === '\0vite/preload-helper.js' ? 'export const __vitePreload = (load) => load();' : undefined,
  };
}
