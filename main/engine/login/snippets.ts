/**
 * What a person copies to use the registry from a client: commands and pieces of configuration with the address, the
 * user and the image filled in. Passwords are never in them: commands read them from a file, CI takes them from its
 * secrets. Values are quoted for the language they stand in, whatever they hold.
 */

import { shellWord } from '../shell.ts';

export const snippetClients = [
  'docker',
  'podman',
  'nerdctl',
  'compose',
  'buildx',
  'skopeo',
  'crane',
  'oras',
  'helm',
  'containerd',
  'kubernetes',
  'kind',
  'k3d',
  'minikube',
  'github-actions',
  'gitlab-ci',
] as const;
export type SnippetClient = (typeof snippetClients)[number];

export interface Snippet {
  readonly client: SnippetClient;
  /** What it does, and for a piece of configuration the file it belongs into. */
  readonly title: string;
  readonly language: 'sh' | 'powershell' | 'yaml' | 'toml';
  readonly text: string;
  /** What to know or to do besides. */
  readonly note?: string;
}

export interface SnippetInput {
  /** HOST:PORT of the registry, as programs of this computer reach it. */
  readonly address: string;
  /** The same as Docker's engine reaches it, which may be in a virtual machine. */
  readonly engineAddress: string;
  /** The same as the nodes of a cluster reach it. */
  readonly clusterAddress: string;
  readonly user: string;
  /** Repository and tag or digest: `team/app:1`. */
  readonly image: string;
  /** Absolute path of the authority's certificate; `undefined` where clients trust the certificate anyway. */
  readonly caFile: string | undefined;
}

/** The file that the commands read the password from. */
const passwordFile = 'password.txt';
const passwordNote = `Put the password, or better a token, into ${passwordFile}, readable for you alone, and remove it afterwards.`;

/**
 * Answers the snippets of all clients, in the order of `snippetClients`. Trusting the certificate is left out where
 * there is nothing to trust, and for kind, k3d and minikube nothing is left then: they take the secret of Kubernetes.
 */
export function snippetsFor(input: SnippetInput): readonly Snippet[] {
  return [
    ...dockerSnippets(input),
    ...podmanSnippets(input),
    ...nerdctlSnippets(input),
    ...composeSnippets(input),
    ...buildxSnippets(input),
    ...skopeoSnippets(input),
    ...craneSnippets(input),
    ...orasSnippets(input),
    ...helmSnippets(input),
    ...containerdSnippets(input),
    ...kubernetesSnippets(input),
    ...kindSnippets(input),
    ...k3dSnippets(input),
    ...minikubeSnippets(input),
    ...githubSnippets(input),
    ...gitlabSnippets(input),
  ];
}

function dockerSnippets({ engineAddress, user, image, caFile }: SnippetInput): readonly Snippet[] {
  const client = 'docker';
  const ref = shellWord(`${engineAddress}/${image}`);
  const login = `docker login --username ${powershell(user)} --password-stdin ${powershell(engineAddress)}`;
  return [
    // Docker on Linux checks no certificate at localhost and 127.0.0.0/8, and reads no certs.d for them.
    ...(caFile === undefined || isLoopback(engineAddress)
      ? []
      : [
          trustInSystem(
            client,
            caFile,
            `/etc/docker/certs.d/${engineAddress}`,
            'For Docker on this Linux computer. berth trust add does it for any engine, and can undo it.',
          ),
        ]),
    logIn(client, `docker login ${loginArgs(user)} ${shellWord(engineAddress)}`),
    {
      client,
      title: 'Log in from PowerShell',
      language: 'powershell',
      text: lines(`Get-Content ${passwordFile} | ${login}`),
      note: passwordNote,
    },
    {
      client,
      title: 'Push and pull',
      language: 'sh',
      text: lines(`docker push ${ref}`, `docker pull ${ref}`),
    },
  ];
}

function podmanSnippets({ address, user, image, caFile }: SnippetInput): readonly Snippet[] {
  const client = 'podman';
  const ref = shellWord(`${address}/${image}`);
  return [
    ...trustInHome(client, caFile, address),
    logIn(client, `podman login ${loginArgs(user)} ${shellWord(address)}`),
    {
      client,
      title: 'Push and pull',
      language: 'sh',
      text: lines(`podman push ${ref}`, `podman pull ${ref}`),
    },
  ];
}

function nerdctlSnippets({ address, user, image, caFile }: SnippetInput): readonly Snippet[] {
  const client = 'nerdctl';
  const ref = shellWord(`${address}/${image}`);
  const note = 'Without root the folder is ~/.config/containerd/certs.d, and localhost is not this computer.';
  return [
    ...(caFile === undefined
      ? []
      : [trustInSystem(client, caFile, `/etc/containerd/certs.d/${address}`, note)]),
    logIn(client, `nerdctl login ${loginArgs(user)} ${shellWord(address)}`),
    {
      client,
      title: 'Push and pull',
      language: 'sh',
      text: lines(`nerdctl push ${ref}`, `nerdctl pull ${ref}`),
    },
  ];
}

function composeSnippets({ engineAddress, image }: SnippetInput): readonly Snippet[] {
  // Compose replaces variables in values; $$ is a dollar sign (Compose specification, "Interpolation").
  const ref = `${engineAddress}/${image}`.replaceAll('$', '$$$$');
  return [
    {
      client: 'compose',
      title: 'compose.yaml',
      language: 'yaml',
      text: lines('services:', '  app:', `    image: ${quoted(ref)}`),
      note: 'Compose uses the login and the trust of Docker.',
    },
  ];
}

function buildxSnippets({ engineAddress, image, caFile }: SnippetInput): readonly Snippet[] {
  const client = 'buildx';
  const build = `docker buildx build --tag ${shellWord(`${engineAddress}/${image}`)} --push .`;
  const config = [`[registry.${quoted(engineAddress)}]`, `  ca = [${quoted(caFile ?? '')}]`];
  return [
    {
      client,
      title: 'Build and push',
      language: 'sh',
      text: lines(build),
      note: 'Uses the login of Docker, and its trust as long as the builder is the one of the engine.',
    },
    ...(caFile === undefined
      ? []
      : [
          {
            client,
            title: 'buildkitd.toml of a builder in a container',
            language: 'toml',
            text: lines(...config),
            note: 'Such a builder does not reach the registry at localhost.',
          } as const,
          {
            client,
            title: 'Make a builder in a container',
            language: 'sh',
            text: lines(
              'docker buildx create --use --driver docker-container --buildkitd-config buildkitd.toml',
            ),
          } as const,
        ]),
  ];
}

function skopeoSnippets({ address, user, image, caFile }: SnippetInput): readonly Snippet[] {
  const client = 'skopeo';
  const ref = shellWord(`docker://${address}/${image}`);
  const copies = [
    `skopeo copy --all oci-archive:image.tar ${ref}`,
    `skopeo copy --all ${ref} oci-archive:copy.tar`,
  ];
  return [
    ...trustInHome(client, caFile, address),
    logIn(client, `skopeo login ${loginArgs(user)} ${shellWord(address)}`),
    { client, title: 'Copy to the registry, and from it', language: 'sh', text: lines(...copies) },
  ];
}

function craneSnippets({ address, user, image, caFile }: SnippetInput): readonly Snippet[] {
  const client = 'crane';
  const ref = shellWord(`${address}/${image}`);
  const prefix = caFile === undefined ? '' : `SSL_CERT_FILE=${shellWord(caFile)} `;
  const commands = [`${prefix}crane push image.tar ${ref}`, `${prefix}crane pull ${ref} copy.tar`];
  return [
    // It stores the login only, so it needs no certificate, and does not notice a wrong password.
    logIn(client, `crane auth login ${loginArgs(user)} ${shellWord(address)}`),
    {
      client,
      title: 'Push and pull',
      language: 'sh',
      text: lines(...commands),
      ...(caFile === undefined
        ? {}
        : { note: 'SSL_CERT_FILE replaces the authorities of the system; not on macOS.' }),
    },
  ];
}

function orasSnippets({ address, user, image, caFile }: SnippetInput): readonly Snippet[] {
  const client = 'oras';
  const ref = shellWord(`${address}/${image}`);
  const ca = caFileArgs(caFile);
  return [
    logIn(client, `oras login ${ca}${loginArgs(user)} ${shellWord(address)}`),
    {
      client,
      title: 'Push a file, and pull it',
      language: 'sh',
      text: lines(`oras push ${ca}${ref} ./file.txt`, `oras pull ${ca}${ref}`),
    },
  ];
}

function helmSnippets({ address, user, caFile }: SnippetInput): readonly Snippet[] {
  const client = 'helm';
  const ca = caFileArgs(caFile);
  return [
    logIn(client, `helm registry login ${ca}${loginArgs(user)} ${shellWord(address)}`),
    {
      client,
      title: 'Push a chart, and install it',
      language: 'sh',
      text: lines(
        `helm push ${ca}app-0.1.0.tgz ${shellWord(`oci://${address}/charts`)}`,
        `helm install ${ca}app ${shellWord(`oci://${address}/charts/app`)} --version 0.1.0`,
      ),
    },
  ];
}

function containerdSnippets({ address, user, image, caFile }: SnippetInput): readonly Snippet[] {
  const client = 'containerd';
  const server = quoted(`https://${address}`);
  const hosts = [
    `server = ${server}`,
    '',
    `[host.${server}]`,
    '  capabilities = ["pull", "resolve", "push"]',
    `  ca = ${quoted(caFile ?? '')}`,
  ];
  const pull = `ctr images pull --hosts-dir /etc/containerd/certs.d --user ${shellWord(user)} ${shellWord(`${address}/${image}`)}`;
  return [
    // The one form that containerd 1.6 and 2.1 both take.
    ...(caFile === undefined
      ? []
      : [
          {
            client,
            title: `/etc/containerd/certs.d/${address}/hosts.toml`,
            language: 'toml',
            text: lines(...hosts),
            note: 'Kubernetes uses it if config_path of containerd names the folder.',
          } as const,
        ]),
    {
      client,
      title: 'Pull',
      language: 'sh',
      text: lines(`sudo ${pull}`),
      note: 'ctr asks for the password.',
    },
  ];
}

function kubernetesSnippets({ clusterAddress, user, image }: SnippetInput): readonly Snippet[] {
  const client = 'kubernetes';
  // printf is a part of the shell, so that the password is in no list of processes.
  const secret = [
    `auth=$(printf '%s:%s' ${shellWord(user)} "$(cat ${passwordFile})" | base64 | tr -d '\\n')`,
    `printf '{"auths":{%s:{"auth":"%s"}}}' ${shellWord(quoted(clusterAddress))} "$auth" |`,
    '  kubectl create secret generic berth --type=kubernetes.io/dockerconfigjson --from-file=.dockerconfigjson=/dev/stdin',
  ];
  const pod = [
    'apiVersion: v1',
    'kind: Pod',
    'metadata:',
    '  name: app',
    'spec:',
    '  imagePullSecrets:',
    '    - name: berth',
    '  containers:',
    '    - name: app',
    `      image: ${quoted(`${clusterAddress}/${image}`)}`,
  ];
  return [
    { client, title: 'Make the secret', language: 'sh', text: lines(...secret), note: passwordNote },
    {
      client,
      title: 'A pod with the image',
      language: 'yaml',
      text: lines(...pod),
      note: 'The secret is of one namespace, that of the pod.',
    },
  ];
}

function kindSnippets({ clusterAddress, caFile }: SnippetInput): readonly Snippet[] {
  if (caFile === undefined) return [];
  const folder = `/etc/containerd/certs.d/${clusterAddress}`;
  const text = [
    'for node in $(kind get nodes); do',
    `  docker exec "$node" mkdir -p ${shellWord(folder)}`,
    `  docker cp ${shellWord(caFile)} "$node":${shellWord(`${folder}/ca.crt`)}`,
    'done',
  ];
  const note =
    'For nodes of kind 0.27 and newer, and again for each new cluster; pods need the secret of Kubernetes.';
  return [
    {
      client: 'kind',
      title: 'Trust the certificate in the nodes',
      language: 'sh',
      text: lines(...text),
      note,
    },
  ];
}

function k3dSnippets({ clusterAddress, caFile }: SnippetInput): readonly Snippet[] {
  if (caFile === undefined) return [];
  const client = 'k3d';
  const inNode = '/etc/ssl/certs/berth-ca.crt';
  const registries = ['configs:', `  ${quoted(clusterAddress)}:`, '    tls:', `      ca_file: ${inNode}`];
  const create = `k3d cluster create --registry-config registries.yaml --volume ${shellWord(`${caFile}:${inNode}`)}`;
  return [
    { client, title: 'registries.yaml', language: 'yaml', text: lines(...registries) },
    {
      client,
      title: 'Make a cluster that trusts the certificate',
      language: 'sh',
      text: lines(create),
      note: 'Pods need the secret of Kubernetes.',
    },
  ];
}

function minikubeSnippets({ caFile }: SnippetInput): readonly Snippet[] {
  if (caFile === undefined) return [];
  return [
    {
      client: 'minikube',
      title: 'Start with trust in the certificate',
      language: 'sh',
      text: lines(
        'mkdir -p "$HOME/.minikube/certs"',
        `cp ${shellWord(caFile)} "$HOME/.minikube/certs/berth.pem"`,
        'minikube start --embed-certs',
      ),
      note: 'Pods need the secret of Kubernetes.',
    },
  ];
}

function githubSnippets({ address, user, image, caFile }: SnippetInput): readonly Snippet[] {
  const trustStep = [
    '      - name: Trust the registry',
    '        env:',
    '          BERTH_CA: ${{ vars.BERTH_CA }}',
    '        run: |',
    '          sudo mkdir -p "/etc/docker/certs.d/$BERTH_ADDRESS"',
    `          printf '%s\\n' "$BERTH_CA" | sudo tee "/etc/docker/certs.d/$BERTH_ADDRESS/ca.crt"`,
  ];
  const text = [
    'on: push',
    'jobs:',
    '  image:',
    '    runs-on: self-hosted',
    '    env:',
    `      BERTH_ADDRESS: ${github(address)}`,
    `      BERTH_USER: ${github(user)}`,
    `      BERTH_IMAGE: ${github(`${address}/${image}`)}`,
    '    steps:',
    '      - uses: actions/checkout@v4',
    ...(caFile === undefined ? [] : trustStep),
    '      - name: Log in',
    '        env:',
    '          BERTH_PASSWORD: ${{ secrets.BERTH_PASSWORD }}',
    `        run: printf '%s' "$BERTH_PASSWORD" | docker login --username "$BERTH_USER" --password-stdin "$BERTH_ADDRESS"`,
    '      - name: Build and push',
    '        run: |',
    '          docker build --tag "$BERTH_IMAGE" .',
    '          docker push "$BERTH_IMAGE"',
  ];
  const variable = caFile === undefined ? '' : ` and the variable BERTH_CA with the text of ${caFile}`;
  return [
    {
      client: 'github-actions',
      title: '.github/workflows/image.yaml',
      language: 'yaml',
      text: lines(...text),
      note: `Make the secret BERTH_PASSWORD with a token${variable}. The runner has to reach the registry.`,
    },
  ];
}

function gitlabSnippets({ address, user, image, caFile }: SnippetInput): readonly Snippet[] {
  const ref = shellWord(`${address}/${image}`);
  const script = [
    `printf '%s' "$BERTH_PASSWORD" | docker login --username ${shellWord(user)} --password-stdin ${shellWord(address)}`,
    `docker build --tag ${ref} .`,
    `docker push ${ref}`,
  ];
  const trusted = caFile === undefined ? '' : ' and trusts its certificate';
  return [
    {
      client: 'gitlab-ci',
      title: '.gitlab-ci.yml',
      language: 'yaml',
      text: lines('image:', '  script:', ...script.map((line) => `    - ${quoted(line)}`)),
      note: `Make the masked variable BERTH_PASSWORD with a token. For a runner whose Docker reaches the registry${trusted}.`,
    },
  ];
}

function logIn(client: SnippetClient, command: string): Snippet {
  const text = lines(`${command} < ${passwordFile}`);
  return { client, title: 'Log in', language: 'sh', text, note: passwordNote };
}

function loginArgs(user: string): string {
  return `--username ${shellWord(user)} --password-stdin`;
}

function caFileArgs(caFile: string | undefined): string {
  return caFile === undefined ? '' : `--ca-file ${shellWord(caFile)} `;
}

/** Podman, Buildah and Skopeo read one folder of the user (containers-certs.d(5)). */
function trustInHome(client: SnippetClient, caFile: string | undefined, address: string): readonly Snippet[] {
  if (caFile === undefined) return [];
  const folder = `"$HOME"/${shellWord(`.config/containers/certs.d/${address}`)}`;
  const text = lines(`mkdir -p ${folder}`, `cp ${shellWord(caFile)} ${folder}/ca.crt`);
  return [{ client, title: 'Trust the certificate', language: 'sh', text }];
}

function trustInSystem(client: SnippetClient, caFile: string, folder: string, note: string): Snippet {
  const text = lines(
    `sudo mkdir -p ${shellWord(folder)}`,
    `sudo cp ${shellWord(caFile)} ${shellWord(`${folder}/ca.crt`)}`,
  );
  return { client, title: 'Trust the certificate', language: 'sh', text, note };
}

function isLoopback(address: string): boolean {
  return /^(?:localhost|127\.\d+\.\d+\.\d+)(?::\d+)?$/.test(address);
}

function lines(...parts: readonly string[]): string {
  return `${parts.join('\n')}\n`;
}

/** A literal of PowerShell, where four other characters are single quotes, too (about_Quoting_Rules). */
function powershell(value: string): string {
  return `'${value.replaceAll(/['\u2018-\u201b]/g, '$&$&')}'`;
}

/**
 * A double-quoted scalar of YAML, a basic string of TOML and a string of JSON: all three read it. What JSON leaves as
 * it is, TOML forbids (U+007F) or YAML 1.1, which Go's parsers read, takes for the end of a line (U+0085, U+2028).
 */
function quoted(value: string): string {
  return JSON.stringify(value).replaceAll(
    /[\u007f-\u009f\u2028\u2029\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The same in a workflow of GitHub, which replaces expressions in texts and knows no escape for their beginning. */
function github(value: string): string {
  return quoted(value.replaceAll('${{', "${{ '${{' }}"));
}
