import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run, succeed } from '../support/process.ts';
import { startRegistry, type RegistryOptions, type TestRegistry } from '../support/registry.ts';

/** The suite is pinned to a commit of the OCI distribution-spec: with the commit the number of tests moves. */
const module = 'github.com/opencontainers/distribution-spec/conformance';
const version = 'v0.0.0-20260831232431-97274622c111';

const out = join(import.meta.dirname, '..', '..', 'out');

export interface Mode {
  readonly name: string;
  /** How many tests there are; fewer means that something was not asked. */
  readonly tests: number;
  readonly transport: 'http' | 'tls';
  readonly registry: RegistryOptions;
  /** Settings of the suite. */
  readonly env: Readonly<Record<string, string>>;
}

export interface Outcome {
  readonly tests: number;
  readonly failures: number;
  readonly errors: number;
  readonly skipped: number;
  /** Tests of optional APIs that the version does not ask for. */
  readonly disabled: number;
  /** Name and message of each test that failed. */
  readonly failed: readonly string[];
}

const user = { name: 'dev', role: 'admin', password: 'conformance' } as const;

const versions = [
  { name: '1.1', tests: 862, serverEnv: {}, env: { OCI_VERSION: '1.1' } },
  {
    // Every optional API is on in this version; of the data only manifests with missing parts are not.
    name: 'dev',
    tests: 1032,
    serverEnv: { BERTH_VALIDATION_SPARSE: 'true', REGISTRY_VALIDATION_MANIFESTS_INDEXES_PLATFORMS: 'none' },
    env: { OCI_VERSION: 'dev', OCI_DATA_SPARSE: 'true' },
  },
];

/** Each version of the specification, over plain HTTP and TLS, without and with a login. */
export const modes: readonly Mode[] = versions.flatMap(({ name, tests, serverEnv, env }) =>
  (['http', 'tls'] as const).flatMap((transport) =>
    (['none', 'htpasswd'] as const).map((auth) => ({
      name: `${name} ${transport} ${auth === 'none' ? 'anonymous' : 'login'}`,
      tests,
      transport,
      registry: { auth, env: serverEnv, users: auth === 'none' ? {} : { [user.name]: user } },
      env: auth === 'none' ? env : { ...env, OCI_USERNAME: user.name, OCI_PASSWORD: user.password },
    })),
  ),
);

/** Installs the suite into out/tools with Go, unless this version is there. Answers the path of the program. */
export async function installSuite(): Promise<string> {
  const folder = join(out, 'tools');
  const program = join(folder, 'conformance');
  const present = await run('go', ['version', '-m', program]);
  if (present.stdout.includes(version)) return program;

  // Go needs its proxy and certificates, so it gets the whole environment.
  const env = Object.fromEntries(Object.entries(process.env).filter((entry) => entry[1] !== undefined));
  await succeed('go', ['install', `${module}@${version}`], {
    env: { ...(env as Record<string, string>), GOBIN: folder },
    timeoutMs: 600_000,
  });
  return program;
}

/** Starts a registry, runs the suite against it, and answers what junit.xml says. Results stay in out/conformance. */
export async function runSuite(program: string, mode: Mode): Promise<Outcome> {
  const results = join(out, 'conformance', mode.name.replaceAll(' ', '-'));
  await rm(results, { recursive: true, force: true });
  await mkdir(results, { recursive: true });
  await using registry = await startRegistry(mode.registry);

  const { stdout, stderr } = await run(program, [], {
    cwd: results,
    env: { ...mode.env, ...addressOf(mode, registry), OCI_RESULTS_DIR: results },
    timeoutMs: 600_000,
  });
  const junit = await readFile(join(results, 'junit.xml'), 'utf8').catch(() => undefined);
  if (junit === undefined) throw new Error(`the suite left no results:\n${stdout}${stderr}${registry.log()}`);
  return parseJunit(junit);
}

function addressOf(mode: Mode, registry: TestRegistry): Record<string, string> {
  return mode.transport === 'http'
    ? { OCI_REGISTRY: `127.0.0.1:${registry.port}`, OCI_TLS: 'disabled' }
    : { OCI_REGISTRY: `localhost:${registry.port}`, OCI_TLS: 'enabled', SSL_CERT_FILE: registry.caFile };
}

/** The suite leaves out counts of 0. */
function parseJunit(junit: string): Outcome {
  const totals = /<testsuites[^>]*>/.exec(junit)?.[0] ?? '';
  const count = (name: string): number => Number(new RegExp(` ${name}="(\\d+)"`).exec(totals)?.[1] ?? 0);
  const failed = [
    ...junit.matchAll(/<testcase name="([^"]*)"[^>]* status="(?:failure|error)">(.*?)<\/testcase>/gs),
  ];
  return {
    tests: count('tests'),
    failures: count('failures'),
    errors: count('errors'),
    skipped: count('skipped'),
    disabled: count('disabled'),
    failed: failed.map(
      ([, name, body = '']) => `${name}: ${/<system-out>(.*?)<\/system-out>/s.exec(body)?.[1] ?? ''}`,
    ),
  };
}
