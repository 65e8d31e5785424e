/** The paths of the browser door, for the code that answers them and the page that lists them. */
export const apiEndpoints = {
  login: {
    path: '/api/login',
    methods: {
      POST: 'Begins a session of an administrator from `{"user","password"}` as JSON: the cookie, and the CSRF token.',
    },
  },
  logout: { path: '/api/logout', methods: { POST: 'Ends the session, and closes its sockets.' } },
  session: {
    path: '/api/session',
    methods: {
      GET: 'Who is logged in, and the CSRF token; 401 if nobody. With `first`, a list of `[method, arguments]` as JSON, also `{"seq","values"}`: answers of methods that only read, and the number of the feed to read on from.',
    },
  },
  rpc: {
    path: '/api/rpc',
    methods: {
      GET: 'The control plane as a WebSocket, with the subprotocols `berth.1` and `csrf.<token>`.',
    },
  },
  upload: {
    path: '/api/upload',
    methods: {
      POST: 'Takes a file in that is to be imported, as `application/octet-stream`, and answers `{"upload","bytes"}`: `bundles.inspect` and `bundles.import` know it by `upload`.',
    },
  },
  download: {
    path: '/api/download/<ticket>',
    methods: { GET: 'What the control plane gave a ticket for: one use, 30 seconds, the same user.' },
  },
} as const;

export type ApiEndpoint = keyof typeof apiEndpoints;

/** True for everything that the door answers, or refuses. */
export function isApiPath(path: string): boolean {
  return path === '/api' || path.startsWith('/api/');
}

/** The endpoint of a path. Only downloads have something behind their name. */
export function findApiEndpoint(path: string): ApiEndpoint | undefined {
  if (/^\/api\/download\/[^/]+$/.test(path)) return 'download';
  const names = Object.keys(apiEndpoints) as ApiEndpoint[];
  return names.find((name) => name !== 'download' && apiEndpoints[name].path === path);
}

export function apiMethods(endpoint: ApiEndpoint): readonly string[] {
  return Object.keys(apiEndpoints[endpoint].methods);
}
