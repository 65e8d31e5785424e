import { fileURLToPath } from 'node:url';

/** Where `npm run build` puts the window for browsers. A bundle replaces this by the directory beside it. */
export const uiDirectory = fileURLToPath(new URL('../../dist/ui', import.meta.url));
