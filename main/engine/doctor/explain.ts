/**
 * What the error texts of container clients mean. One table: the texts to recognise, what happened, what to do, and
 * examples, from which the tests and a page of the documentation come. The clients are written in Go, and the last
 * part of what they print is the text of Go's own packages (crypto/x509, crypto/tls, net/http, net), so one pattern
 * serves them all. The texts are those of docker 20.10 and 28, podman 4.3 and 5, skopeo 1.9, buildah 1.28, crane, oras
 * 1.3, ctr 1.6 and 2.1 and BuildKit; test/engine/explain.test.ts lets real clients print what it can.
 */

/** Whose words they are; `docker-containerd` is Docker with the containerd image store. */
export type ExplainedClient =
  'docker' | 'docker-containerd' | 'podman' | 'crane' | 'oras' | 'ctr' | 'buildkit';

export interface Fix {
  readonly sentence: string;
  /** What a person types. `ENGINE`, `NAME` and `ID` stand for what they know. */
  readonly command?: string;
}

export interface ExplanationEntry {
  /**
   * Any of them recognises the error; its named groups become fields. Each is linear in the length of the text:
   * nothing unbounded can start at two places of the same stretch.
   */
  readonly patterns: readonly RegExp[];
  /** What happened, from the view of the user. */
  readonly cause: string;
  readonly fix: Fix;
  /** Texts as clients print them. */
  readonly examples: readonly string[];
}

export interface Explanation {
  readonly id: ExplanationId;
  /** `undefined` where the text is the same in several clients. */
  readonly client: ExplainedClient | undefined;
  readonly cause: string;
  readonly fix: Fix;
  /**
   * What could be read out: `address` and `ref` of what was asked for, and by id among others `name` and `names` (of
   * the certificate), `time` and `limit`, `file`, `key`, `entry`, `status`, `message` (of the registry). Without
   * control characters and at most 500 characters each.
   */
  readonly fields: Readonly<Record<string, string>>;
}

const trustEngine = 'berth trust add ENGINE';

/** In the order of judgement: what is more specific, or hides the rest, comes first. */
const table = {
  // --- the engine itself -----------------------------------------------------------------------------------
  'engine-access-denied': {
    patterns: [
      /permission denied while trying to connect to the Docker (?:daemon socket|API) at (?<socket>[^\s"]{1,300}?):? /i,
      /dial unix (?<socket>[^\s":]{1,300}): connect: permission denied/,
    ],
    cause: 'This user may not talk to the container engine.',
    fix: { sentence: 'Run the command as root, or become a member of the group that owns the socket.' },
    examples: [
      'permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.50/containers/json": dial unix /var/run/docker.sock: connect: permission denied',
    ],
  },
  'engine-not-running': {
    patterns: [
      /Cannot connect to the Docker daemon at (?<socket>[^\s"]{1,300})\. Is the docker daemon running\?/i,
      /dial unix:?\/{0,2}(?: )?(?<socket>\/[^\s":]{1,300}): (?:connect: (?:no such file or directory|connection refused)|timeout)/,
    ],
    cause: 'The container engine is not running, or its socket is elsewhere.',
    fix: { sentence: 'Start the engine, or select its context.' },
    examples: [
      'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
      'ctr: failed to dial "/run/containerd/containerd.sock": context deadline exceeded: connection error: desc = "transport: error while dialing: dial unix:///run/containerd/containerd.sock: timeout"',
    ],
  },

  // --- daemon.json -----------------------------------------------------------------------------------------
  'daemon-flag-conflict': {
    patterns: [
      /directives are specified both as a flag and in the configuration file: (?<key>[A-Za-z0-9_-]{1,100}): /,
    ],
    cause: 'dockerd is told the same setting twice: by a flag of its service, and in daemon.json.',
    fix: {
      sentence: 'Take it out of one of the two; a change of daemon.json that Berth made can be undone.',
      command: 'berth changes undo ID',
    },
    examples: [
      'unable to configure the Docker daemon with file /etc/docker/daemon.json: the following directives are specified both as a flag and in the configuration file: insecure-registries: (from flag: [b:2], from file: [a:1])',
    ],
  },
  'daemon-key-unknown': {
    patterns: [/the following directives don't match any configuration option: (?<key>[^\n"]{1,300})/],
    cause: 'daemon.json holds a key that dockerd does not know, so dockerd will not start with it.',
    fix: { sentence: 'Correct the key, or take it out; keys are written in lower case.' },
    examples: [
      "unable to configure the Docker daemon with file /etc/docker/daemon.json: the following directives don't match any configuration option: debugg",
    ],
  },
  'daemon-json-invalid': {
    patterns: [
      /unable to configure the Docker daemon with file (?<file>[^\n"]{1,300}?): (?<detail>[^\n"]{1,300})/,
    ],
    cause: 'daemon.json is not valid, so dockerd keeps its old settings and will not start with it.',
    fix: {
      sentence: 'Mend the file; a change of it that Berth made can be undone.',
      command: 'berth changes undo ID',
    },
    examples: [
      "unable to configure the Docker daemon with file /etc/docker/daemon.json: invalid character '}' looking for beginning of object key string",
      'time="2026-01-02T03:04:05.816681847Z" level=error msg="unable to configure the Docker daemon with file /etc/docker/daemon.json: json: cannot unmarshal string into Go struct field Config.debug of type bool"',
      'unable to configure the Docker daemon with file /etc/docker/daemon.json: EOF',
    ],
  },
  'insecure-registry-invalid': {
    patterns: [
      /insecure registry (?<entry>[^\s"]{1,300}(?: [^\s"]{1,300})?) is not valid: /,
      /invalid index name \((?<entry>[^)\n]{1,300})\)/,
    ],
    cause: 'An entry of insecure-registries is no host, no host with a port and no range of addresses.',
    fix: { sentence: 'Write it as host:port, without scheme, path or wildcard.' },
    examples: [
      'failed to start daemon: insecure registry a/b is not valid: invalid host "a/b"',
      'time="2026-01-02T03:04:05.681329595Z" level=error msg="Error reconfiguring the daemon: invalid index name (-foo-:1). Cannot begin or end with a hyphen"',
    ],
  },
  'mirror-invalid': {
    patterns: [
      /invalid mirror: [^\n"]{0,100}"(?<entry>[^"\n]{1,300})"/,
      /no scheme specified for "?(?<entry>[^\s"]{1,300})/,
    ],
    cause: 'An entry of registry-mirrors is not an address that dockerd accepts.',
    fix: {
      sentence:
        'Write it as a URL with http:// or https://, without user, query and, before Docker 28, path.',
    },
    examples: [
      'failed to start daemon: invalid mirror: "127.0.0.1:5003" is not a valid URI',
      `invalid mirror: no scheme specified for "127.0.0.1:5003": must use either 'https://' or 'http://'`,
    ],
  },

  // --- the way to the registry -----------------------------------------------------------------------------
  'proxy-unreachable': {
    patterns: [/proxyconnect tcp: dial tcp (?<proxy>[^\s"]{1,300}): /, /proxyconnect tcp: /],
    cause: 'The client goes through an HTTP proxy, and that proxy cannot be reached.',
    fix: {
      sentence: 'Add the host of the registry to NO_PROXY of the client, or of the service of the engine.',
    },
    examples: [
      'Error: initializing source docker://registry.berth.test:5000/x:1: pinging container registry registry.berth.test:5000: Get "https://registry.berth.test:5000/v2/": proxyconnect tcp: dial tcp 127.0.0.1:3: connect: connection refused',
    ],
  },
  'proxy-refused': {
    patterns: [
      // Go prints nothing but the words of the status line when a proxy refuses CONNECT (net/http, dialConn).
      /(?:Get|Head|Post|Put|Patch) "https:\/\/[^"\s]{1,2000}": (?<status>Forbidden|Not Found|Method Not Allowed|Proxy Authentication Required|Too Many Requests|Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time-?out)/,
    ],
    cause: 'The client goes through an HTTP proxy, and that proxy refuses to connect to the registry.',
    fix: {
      sentence: 'Add the host of the registry to NO_PROXY of the client, or of the service of the engine.',
    },
    examples: ['Error response from daemon: Get "https://registry.berth.test:5000/v2/": Forbidden'],
  },
  'no-such-host': {
    patterns: [
      /dial tcp: lookup (?<host>[^\s":]{1,300})(?: on |: )/,
      /lookup (?<host>[^\s":]{1,300}): no such host/,
    ],
    cause: 'The engine does not find the address of that host name.',
    fix: {
      sentence:
        'Use the address that berth trust ls shows for the engine, or give the name to its DNS or hosts file.',
    },
    examples: [
      'Error response from daemon: Get "https://nohost.test:5000/v2/": dial tcp: lookup nohost.test on 127.0.0.1:53: read udp 127.0.0.1:50829->127.0.0.1:53: read: connection refused',
      'Error: initializing source docker://nohost.test:5000/x:1: pinging container registry nohost.test:5000: Get "https://nohost.test:5000/v2/": dial tcp: lookup nohost.test: no such host',
    ],
  },
  'connection-refused': {
    patterns: [
      /dial tcp (?<endpoint>[^\s"]{1,100}): connect: connection refused/,
      /dial tcp (?<endpoint>[^\s"]{1,100}): connectex: No connection could be made/,
    ],
    cause:
      'Nothing listens at that address: the registry is not running, or is elsewhere as the engine sees it.',
    fix: {
      sentence:
        'Start the registry; for an engine in a virtual machine use the address that berth trust ls shows.',
      command: 'berth serve',
    },
    examples: [
      'Error response from daemon: Get "http://localhost:5999/v2/": dial tcp 127.0.0.1:5999: connect: connection refused',
      'Get "https://localhost:5999/v2/": dial tcp [::1]:5999: connectex: No connection could be made because the target machine actively refused it.',
    ],
  },
  'no-answer': {
    patterns: [
      /dial tcp (?<endpoint>[^\s"]{1,100}): (?:i\/o timeout|connect: (?:no route to host|network is unreachable|host is down|connection timed out))/,
      /net\/http: (?:TLS handshake timeout|request canceled while waiting for connection)/,
    ],
    cause:
      'The registry does not answer at that address: a firewall, another network, or a computer that is off.',
    fix: {
      sentence:
        'Check that the registry listens on an address that the engine can reach, and the firewall between them.',
    },
    examples: [
      'Error response from daemon: Get "https://10.1.2.3:5000/v2/": dial tcp 10.1.2.3:5000: connect: network is unreachable',
      'Error response from daemon: Get "https://10.1.2.3:5000/v2/": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)',
    ],
  },

  // --- the folder with certificates ------------------------------------------------------------------------
  'client-key-missing': {
    patterns: [/missing key (?<file>[^\s"]{1,300}) for client certificate /i],
    cause:
      'The certs.d folder of the registry holds a client certificate without its key, so the engine takes nothing from it.',
    fix: {
      sentence:
        'Put the key beside it, or take the .cert file out; the certificate of an authority must end in .crt.',
    },
    examples: [
      'Error response from daemon: missing key client.key for client certificate client.cert. Note that CA certificates should use the extension .crt',
      'Error response from daemon: missing key client.key for client certificate client.cert. CA certificates must use the extension .crt',
    ],
  },
  'client-certificate-missing': {
    patterns: [/missing client certificate (?<file>[^\s"]{1,300}) for key /i],
    cause:
      'The certs.d folder of the registry holds a client key without its certificate, so the engine takes nothing from it.',
    fix: { sentence: 'Put the certificate beside it, or take the .key file out.' },
    examples: [
      'Error response from daemon: missing client certificate client.cert for key client.key',
      'Error response from daemon: Missing client certificate client.cert for key client.key',
    ],
  },
  'certificate-is-folder': {
    patterns: [/read (?<file>[^\s"]{1,300}[\\/]certs\.d[\\/][^\s"]{1,300}): is a directory/],
    cause: 'In the certs.d folder of the registry a folder has the name of a certificate.',
    fix: { sentence: 'Take it away, then let the engine trust the registry again.', command: trustEngine },
    examples: ['Error response from daemon: read /etc/docker/certs.d/localhost:5000/x.crt: is a directory'],
  },
  'certificate-unreadable': {
    patterns: [/open (?<file>[^\s"]{1,300}[\\/]certs\.d[\\/][^\s"]{1,300}): permission denied/],
    cause: 'This user may not read the certificate in the certs.d folder of the registry.',
    fix: { sentence: 'Give the file the mode 0644, or let Berth write it again.', command: trustEngine },
    examples: [
      'time="2026-01-02T03:04:05Z" level=fatal msg="Error parsing image name \\"docker://registry.berth.test:5000/x:1\\": open /etc/docker/certs.d/registry.berth.test:5000/ca.crt: permission denied"',
    ],
  },
  'certificate-link-broken': {
    patterns: [/open (?<file>[^\s"]{1,300}[\\/]certs\.d[\\/][^\s"]{1,300}): no such file or directory/],
    cause: 'A certificate in the certs.d folder of the registry is a link to a file that is gone.',
    fix: {
      sentence: 'Take the link away, then let the engine trust the registry again.',
      command: trustEngine,
    },
    examples: [
      'Error response from daemon: open /etc/docker/certs.d/registry.berth.test:5000/ca.crt: no such file or directory',
    ],
  },

  // --- certificates ----------------------------------------------------------------------------------------
  'token-authority-unknown': {
    patterns: [/failed to fetch (?:oauth|anonymous) token: [^\n]{1,600}?x509: /],
    cause:
      'The engine trusts the registry, but not the server of its login tokens: for those it looks into the trust store of the system only.',
    fix: {
      sentence:
        'Let the registry ask for user and password (Basic) instead of a token, or use a certificate that the system trusts.',
    },
    examples: [
      'Error response from daemon: failed to resolve reference "registry.berth.test:5000/x:1": failed to authorize: failed to fetch oauth token: Post "https://registry.berth.test:5000/token": tls: failed to verify certificate: x509: certificate signed by unknown authority',
    ],
  },
  'certificate-sha1': {
    patterns: [/cannot verify signature: insecure algorithm (?<algorithm>[A-Za-z0-9-]{1,40})/],
    cause: 'The certificate of the registry is signed with SHA-1, which clients refuse.',
    fix: { sentence: 'Issue a new certificate.', command: 'berth cert renew' },
    examples: [
      'Error response from daemon: Get "https://registry.berth.test:5000/v2/": x509: certificate signed by unknown authority (possibly because of "x509: cannot verify signature: insecure algorithm SHA1-RSA (temporarily override with GODEBUG=x509sha1=1)" while trying to verify candidate authority certificate "Berth CA")',
    ],
  },
  'authority-replaced': {
    patterns: [
      /unknown authority \(possibly because of "[^\n]{1,200}?" while trying to verify candidate authority certificate "(?<authority>[^"\n]{1,200})"/,
    ],
    cause: 'The engine trusts another authority of the same name: the registry has a new one.',
    fix: { sentence: 'Let the engine trust the authority that the registry has now.', command: trustEngine },
    examples: [
      'Error response from daemon: Get "https://registry.berth.test:5000/v2/": x509: certificate signed by unknown authority (possibly because of "x509: ECDSA verification failure" while trying to verify candidate authority certificate "Berth CA")',
    ],
  },
  'authority-unknown': {
    patterns: [/x509: certificate signed by unknown authority/],
    cause: 'The client does not trust the authority that issued the certificate of the registry.',
    fix: {
      sentence: 'Let the engine trust it; crane, oras and helm look into the trust store of the system only.',
      command: trustEngine,
    },
    examples: [
      'Error response from daemon: Get "https://registry.berth.test:5000/v2/": x509: certificate signed by unknown authority',
      'Error response from daemon: Get "https://registry.berth.test:5000/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority',
    ],
  },
  'name-not-covered': {
    patterns: [
      /certificate is valid for (?<names>[^\s",]{1,300}(?:, [^\s",]{1,300}){0,400}?), not (?<name>[^\s"]{1,300})/,
      /cannot validate certificate for (?<name>[^\s"]{1,300}) because it doesn't contain any IP SANs/,
      /certificate is not valid for any names, but wanted to match (?<name>[^\s"]{1,300})/,
    ],
    cause: 'The certificate of the registry is not for the name or address that the client uses.',
    fix: {
      sentence: 'Use one of its names, or add this one to berth.tls.names and issue a new certificate.',
      command: 'berth cert renew',
    },
    examples: [
      'Error response from daemon: Get "https://registry.berth.test:5000/v2/": x509: certificate is valid for localhost, 127.0.0.1, not registry.berth.test',
      `Error response from daemon: Get "https://10.99.0.1:5000/v2/": x509: cannot validate certificate for 10.99.0.1 because it doesn't contain any IP SANs`,
    ],
  },
  'names-missing': {
    patterns: [/certificate relies on legacy Common Name field/],
    cause:
      'The certificate of the registry names its host in the Common Name only, which clients no longer read.',
    fix: {
      sentence: 'Issue a certificate with the name as subject alternative name.',
      command: 'berth cert renew',
    },
    examples: [
      'Error response from daemon: Get "https://registry.berth.test:5000/v2/": x509: certificate relies on legacy Common Name field, use SANs instead',
    ],
  },
  'wrong-key-usage': {
    patterns: [/certificate specifies an incompatible key usage/],
    cause: 'The certificate of the registry is not made for servers.',
    fix: { sentence: 'Issue a certificate with the usage serverAuth.', command: 'berth cert renew' },
    examples: [
      'Error response from daemon: Get "https://registry.berth.test:5000/v2/": x509: certificate specifies an incompatible key usage',
    ],
  },
  'name-not-permitted': {
    patterns: [
      /not authorized to sign for this name: (?:DNS name|IP address) "(?<name>[^"\n]{1,300})" is not permitted/,
    ],
    cause: 'The authority of the registry may not issue certificates for one of the names in it.',
    fix: {
      sentence: 'Issue a certificate with permitted names only, or use an authority that permits this one.',
      command: 'berth cert renew',
    },
    examples: [
      'Error response from daemon: Get "https://registry.berth.test:5000/v2/": x509: a root or intermediate certificate is not authorized to sign for this name: DNS name "registry.berth.test" is not permitted by any constraint',
      'Error response from daemon: Get "https://10.0.0.1:5000/v2/": x509: a root or intermediate certificate is not authorized to sign for this name: IP address "10.0.0.1" is not permitted by any constraint',
    ],
  },
  'certificate-expired': {
    patterns: [
      /has expired or is not yet valid: current time (?<time>[^\s"]{1,40}) is after (?<limit>[^\s"]{1,40})/,
    ],
    cause: 'The certificate of the registry, or of its authority, has expired.',
    fix: { sentence: 'Issue a new certificate.', command: 'berth cert renew' },
    examples: [
      'Error response from daemon: Get "https://registry.berth.test:5000/v2/": x509: certificate has expired or is not yet valid: current time 2026-01-02T03:04:05Z is after 2026-01-01T00:00:00Z',
    ],
  },
  'certificate-not-yet-valid': {
    patterns: [
      /has expired or is not yet valid: current time (?<time>[^\s"]{1,40}) is before (?<limit>[^\s"]{1,40})/,
    ],
    cause: 'By the clock of the engine the certificate of the registry is not valid yet.',
    fix: {
      sentence:
        'Set the clocks of both computers; the clock of a virtual machine stands still while the host sleeps.',
    },
    examples: [
      'Error response from daemon: Get "https://registry.berth.test:5000/v2/": x509: certificate has expired or is not yet valid: current time 2026-01-02T03:04:05Z is before 2026-02-01T00:00:00Z',
    ],
  },

  // --- the protocol on the port ----------------------------------------------------------------------------
  'server-without-tls': {
    patterns: [
      /server gave HTTP response to HTTPS client/,
      /tls: first record does not look like a TLS handshake/,
    ],
    cause:
      'The client speaks TLS, and what answers at the port does not: it is another server, or one without TLS.',
    fix: { sentence: 'Check address and port: Berth answers with TLS on its port.' },
    examples: [
      'Error response from daemon: Get "https://registry.berth.test:5000/v2/": http: server gave HTTP response to HTTPS client',
      'Error response from daemon: Get "https://registry.berth.test:22/v2/": tls: first record does not look like a TLS handshake',
    ],
  },
  'client-without-tls': {
    patterns: [
      /(?:Get|Head|Post|Put|Patch) "http:\/\/[^"\s]{1,2000}": (?:EOF|unexpected EOF)/,
      /Client sent an HTTP request to an HTTPS server/,
      /This registry speaks HTTPS/,
    ],
    cause:
      'The client speaks plain HTTP to a port that wants TLS; docker does so when TLS failed and the registry is listed as insecure.',
    fix: {
      sentence: 'Take the registry out of the insecure ones, and let the engine trust its certificate.',
      command: trustEngine,
    },
    examples: [
      'Error response from daemon: Get "http://registry.berth.test:5000/v2/": EOF',
      'ctr: failed to resolve reference "localhost:5518/x:1": failed to do request: Head "http://localhost:5518/v2/x/manifests/1": EOF',
    ],
  },
  'client-certificate-wanted': {
    patterns: [/tls: certificate required/, /remote error: tls: bad certificate/],
    cause: 'The registry, or a proxy before it, wants a certificate of the client.',
    fix: { sentence: 'Put client.cert and client.key into the certs.d folder of the registry.' },
    examples: [
      'Error response from daemon: Get "https://registry.berth.test:5000/v2/": remote error: tls: certificate required',
    ],
  },
  'tls-version': {
    patterns: [/tls: protocol version not supported/, /tls: server selected unsupported protocol version/],
    cause: 'Client and registry have no version of TLS in common: clients want 1.2 or newer.',
    fix: { sentence: 'Update the program that answers at the port, or the client, whichever is old.' },
    examples: [
      'Error response from daemon: Get "https://registry.berth.test:5000/v2/": remote error: tls: protocol version not supported',
    ],
  },
  'tls-refused': {
    patterns: [/remote error: tls: (?<alert>[^\n"]{1,100})/],
    cause:
      'What answers at the port ended the TLS handshake: it has no cipher or key in common with the client, or wants a certificate of it.',
    fix: { sentence: 'Use a certificate with an RSA or P-256 key, and no list of ciphers of your own.' },
    examples: [
      'Error response from daemon: Get "https://registry.berth.test:5000/v2/": remote error: tls: handshake failure',
    ],
  },
  'connection-closed': {
    patterns: [
      /(?:Get|Head|Post|Put|Patch) "https:\/\/[^"\s]{1,2000}": (?:EOF|unexpected EOF)/,
      /(?:read|write) tcp [^\s"]{1,100}: (?:read|write): (?:connection reset by peer|broken pipe)/,
    ],
    cause: 'The connection was cut off: the registry stopped, or a proxy between gave up.',
    fix: { sentence: 'Try again; if it stays, look at the log of the registry and of the proxies.' },
    examples: [
      'Error response from daemon: Get "https://registry.berth.test:5000/v2/": EOF',
      'Patch "https://registry.berth.test:5000/v2/x/blobs/uploads/1": write tcp 10.0.0.1:40000->10.99.0.1:5000: write: broken pipe',
    ],
  },
  'answer-is-html': {
    patterns: [
      /error parsing HTTP (?<status>\d{3}) response body: invalid character '<'/,
      /StatusCode: (?<status>\d{3}), "?<(?:!doctype|html|head)/i,
      /invalid character '<' looking for beginning of value/,
      /unknown: <(?:!doctype|html|head)/i,
      /unexpected media type text\/html/,
    ],
    cause:
      'A web page came instead of an answer of the registry: a proxy answers in its place, or it is no registry.',
    fix: {
      sentence:
        'Let the proxy pass everything under /v2/ with bodies of any size (nginx: client_max_body_size 0).',
    },
    examples: [
      `Error response from daemon: error parsing HTTP 404 response body: invalid character '<' looking for beginning of value: "<html><body>nope</body></html>"`,
      'Error response from daemon: unknown: <html><body>nope</body></html>',
      'Error: initializing source docker://registry.berth.test:5000/x:1: reading manifest 1 in registry.berth.test:5000/x: StatusCode: 404, "<html><body>nope</body></html>"',
      `Error: initializing image from source docker://registry.berth.test:5000/x:1: invalid character '<' looking for beginning of value`,
    ],
  },
  'digest-header-missing': {
    patterns: [/invalid checksum digest format/, /HTTP HEAD request missing required header/],
    cause: 'The answer lacks the header Docker-Content-Digest: a proxy takes it out, or it is no registry.',
    fix: { sentence: 'Let the proxy pass all headers of the registry.' },
    examples: ['Error response from daemon: invalid checksum digest format'],
  },

  // --- logins kept by the client ---------------------------------------------------------------------------
  'credential-helper-missing': {
    patterns: [
      /exec: "(?<program>docker-credential-[^"\n]{1,100})": executable file not found/,
      // skopeo 1.9 and podman 4.3 say this of a program that is nowhere (golang.org/x/sys/execabs).
      /(?<program>docker-credential-[^\s"]{1,100}) resolves to executable in current directory/,
    ],
    cause: 'The login is kept by a helper program, and that program is not on the PATH of the client.',
    fix: {
      sentence:
        'Install the program, or take its name out of credHelpers and credsStore in config.json and log in again.',
      command: 'berth login',
    },
    examples: [
      'error storing credentials - err: exec: "docker-credential-berth": executable file not found in $PATH, out: ``',
      'Error: initializing source docker://registry.berth.test:5000/x:1: getting username and password: 1 error occurred:\n\t* error getting credentials - err: docker-credential-berth resolves to executable in current directory (./docker-credential-berth), out: ``',
    ],
  },
  'login-file-broken': {
    patterns: [
      /Error (?:parsing|loading) config file[: (]{1,3}(?<file>[^\s"()]{1,300}?)\)?: /,
      /reading JSON file "(?<file>[^"\n]{1,300})": unmarshaling JSON/,
    ],
    cause: 'The file with the logins of the client is not valid JSON, so the client goes on without a login.',
    fix: { sentence: 'Mend the file, or move it away and log in again.', command: 'berth login' },
    examples: [
      'WARNING: Error parsing config file (/root/.docker/config.json): unexpected EOF\nError response from daemon: Head "https://registry.berth.test:5000/v2/x/manifests/1": no basic auth credentials',
      'Error: get credentials: 1 error occurred:\n\t* reading JSON file "/root/.docker/config.json": unmarshaling JSON at "/root/.docker/config.json": unexpected end of JSON input',
    ],
  },
  'identity-token-stored': {
    patterns: [/auth file contains an Identity token/],
    cause: 'The login file holds a token that docker got from the registry, which podman cannot use.',
    fix: { sentence: 'Log docker out of the registry, then log in again.', command: 'berth login' },
    examples: ['Error: currently logged in, auth file contains an Identity token'],
  },

  // --- what the registry refuses ---------------------------------------------------------------------------
  // Docker and podman print the code alone when the message is the usual one of the code and there is no detail
  // (distribution, registry/api/errcode/errors.go).
  'disk-full': {
    patterns: [/(?<message>The disk of the registry is (?:nearly )?full[^\n"]{0,400})/],
    cause: 'The registry takes nothing more, since its disk is full; pulls go on.',
    fix: { sentence: 'Free space on the disk that holds the data directory.' },
    examples: ['denied: The disk of the registry is full. Pulls go on.'],
  },
  'host-unknown': {
    patterns: [/This registry does not answer to that host name/, /421 \(?Misdirected Request/],
    cause: 'The registry does not know the host name that the client uses as one of its own.',
    fix: { sentence: 'Use a name of the registry, or add this one to berth.http.hosts.' },
    examples: [
      'denied: This registry does not answer to that host name. Add it to berth.http.hosts if it is yours.',
      'Error: authenticating creds for "registry.berth.test:5000": pinging container registry registry.berth.test:5000: invalid status code from registry 421 (Misdirected Request)',
    ],
  },
  'too-many-requests': {
    patterns: [
      /(?:^|: )toomanyrequests(?:: (?<message>[^\n"]{1,400})|"?$)/im,
      /429 \(?Too Many Requests/,
      /too many requests to registry/,
    ],
    cause: 'The registry slows the client down: too many wrong passwords, or too much at once.',
    fix: { sentence: 'Wait a minute, check the stored password, then try again.', command: 'berth login' },
    examples: [
      'toomanyrequests: Too many wrong passwords. Wait before trying again.',
      'ctr: failed to resolve reference "registry.berth.test:5000/x:1": pulling from host registry.berth.test:5000 failed with status code [manifests 1]: 429 Too Many Requests',
    ],
  },
  'wrong-password': {
    patterns: [
      /login attempt to https?:\/\/[^\s"]{1,300} failed with status: 401/,
      /invalid username\/password/,
      /(?<message>The user name or password is wrong[^\n"]{0,200})/,
      // oras says this of a login; of a pull it goes on about the file that holds the login.
      /Error response from registry: unauthorized: (?!.{0,300}\n?.{0,100}credential stored in)/,
    ],
    cause: 'The registry does not know this user, or the password is another one.',
    fix: { sentence: 'Try again, or set a new password.', command: 'berth user passwd NAME' },
    examples: [
      'Error response from daemon: login attempt to https://registry.berth.test:5000/v2/ failed with status: 401 Unauthorized',
      'Error: logging into "registry.berth.test:5000": invalid username/password',
      'Error response from registry: unauthorized: authentication required',
      'unauthorized: The user name or password is wrong, or the token is no longer valid.',
    ],
  },
  'login-missing': {
    patterns: [
      /no basic auth credentials/,
      /credential required for basic auth/,
      /unauthorized: Login needed/i,
    ],
    cause: 'The registry wants a login, and the client has none for this address.',
    fix: {
      sentence: 'Log in to exactly the address that the image name begins with.',
      command: 'berth login',
    },
    examples: [
      'no basic auth credentials',
      'Error response from daemon: Head "https://registry.berth.test:5000/v2/x/manifests/1": no basic auth credentials',
      'Error response from daemon: failed to resolve reference "registry.berth.test:5000/x:1": pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials',
      'Error: initializing source docker://registry.berth.test:5000/x:1: reading manifest 1 in registry.berth.test:5000/x: unauthorized: Login needed.',
    ],
  },
  'login-refused': {
    patterns: [
      /credential stored in the authentication file at "(?<file>[^"\n]{1,300})" is correct/,
      /(?:^|: )unauthorized(?:: |"?$)/im,
      /: authentication required/,
      /401 \(?Unauthorized/,
      /(?:response|unexpected) status code 401/,
    ],
    cause: 'The registry wants a login, and got none, or one that it does not know.',
    fix: { sentence: 'Log in again: the stored password may be an old one.', command: 'berth login' },
    examples: [
      'Error response from registry: unauthorized: authentication required\nPlease check whether the registry credential stored in the authentication file at "/root/.docker/config.json" is correct',
      'unauthorized: authentication required',
      'Error: initializing source docker://registry.berth.test:5000/x:1: reading manifest 1 in registry.berth.test:5000/x: unauthorized',
      'Error response from daemon: failed to resolve reference "registry.berth.test:5000/x:1": unexpected status from HEAD request to https://registry.berth.test:5000/v2/x/manifests/1: 401 Unauthorized',
      'Error: initializing source docker://registry.berth.test:5000/x:1: reading manifest 1 in registry.berth.test:5000/x: unauthorized: authentication required',
      'time="2026-01-02T03:04:05Z" level=fatal msg="Error parsing image name \\"docker://registry.berth.test:5000/x:1\\": reading manifest 1 in registry.berth.test:5000/x: authentication required"',
      'Error: fetching manifest registry.berth.test:5000/x:1: GET https://registry.berth.test:5000/v2/x/manifests/1: UNAUTHORIZED: authentication required; [map[Action:pull Class: Name:x Type:repository]]',
      'ctr: failed to resolve reference "registry.berth.test:5000/x:1": pulling from host registry.berth.test:5000 failed with status code [manifests 1]: 401 Unauthorized',
    ],
  },
  denied: {
    patterns: [
      /(?:^|: )denied(?:: (?<message>[^\n"]{1,400})|"?$)/im,
      /403 \(?Forbidden/,
      /StatusCode: 403/,
      /(?:response|unexpected) status code 403/,
      /access denied[^\n"]{1,400}?, repository does not exist or may require/,
    ],
    cause: 'This user may not do that in this repository.',
    fix: {
      sentence: 'Log in as another user, or ask an administrator of the registry.',
      command: 'berth login',
    },
    examples: [
      'denied: The user reader may not push in x. An administrator of this registry can allow it.',
      "Error response from daemon: pull access denied for registry.berth.test:5000/x, repository does not exist or may require 'docker login': denied: The user reader may not pull in x.",
      'Error response from daemon: failed to resolve reference "registry.berth.test:5000/x:1": unexpected status from HEAD request to https://registry.berth.test:5000/v2/x/manifests/1: 403 Forbidden',
      'Error: writing blob: initiating layer upload to /v2/x/blobs/uploads/ in registry.berth.test:5000: denied: The user reader may not push in x.',
      'Error: trying to reuse blob sha256:ab at destination: checking whether a blob sha256:ab exists in registry.berth.test:5000/x: StatusCode: 403, ""',
      'Error: fetching manifest registry.berth.test:5000/x:1: GET https://registry.berth.test:5000/v2/x/manifests/1: DENIED: The user reader may not pull in x.',
      'ctr: failed to resolve reference "registry.berth.test:5000/x:1": pulling from host registry.berth.test:5000 failed with status code [manifests 1]: 403 Forbidden',
    ],
  },
  'not-found': {
    patterns: [
      /\b(?:manifest|name)[ _]unknown\b/i,
      /repository name not known to registry/,
      /no such manifest: /,
      /failed to (?:resolve|fetch|solve)[^\n]{1,1000}?: not found/,
      /(?:response|unexpected) status code 404/,
    ],
    cause: 'The registry has no such repository, tag or digest.',
    fix: { sentence: 'Check name and tag; push the image first.' },
    examples: [
      'Error response from daemon: manifest for registry.berth.test:5000/x:1 not found: manifest unknown: manifest unknown',
      'Error response from daemon: repository registry.berth.test:5000/x not found: name unknown: There is no such repository.',
      'Error response from daemon: failed to resolve reference "registry.berth.test:5000/x:1": registry.berth.test:5000/x:1: not found',
      'time="2026-01-02T03:04:05Z" level=fatal msg="Error parsing image name \\"docker://registry.berth.test:5000/x:1\\": reading manifest 1 in registry.berth.test:5000/x: manifest unknown"',
      'Error: fetching manifest registry.berth.test:5000/x:1: GET https://registry.berth.test:5000/v2/x/manifests/1: MANIFEST_UNKNOWN: There is no such manifest.',
      'Error: failed to fetch the content of "registry.berth.test:5000/x:1": registry.berth.test:5000/x:1: not found',
      'ctr: failed to resolve reference "registry.berth.test:5000/x:1": registry.berth.test:5000/x:1: not found',
      'ERROR: failed to build: failed to solve: registry.berth.test:5000/x:1: failed to resolve source metadata for registry.berth.test:5000/x:1: registry.berth.test:5000/x:1: not found',
    ],
  },
  'tag-refused': {
    patterns: [/(?:^|: )tag[ _]invalid(?:: (?<message>[^\n"]{1,400})|"?$)/im],
    cause: 'The registry does not take this tag: it may not be moved, or is not written as tags are.',
    fix: { sentence: 'Push under another tag.' },
    examples: [
      'tag invalid: The tag 1 is immutable.',
      'Error: fetching manifest registry.berth.test:5000/x:1: PUT https://registry.berth.test:5000/v2/x/manifests/1: TAG_INVALID: The tag 1 is immutable.',
    ],
  },
  'not-supported': {
    patterns: [/(?:^|: )unsupported(?:: (?<message>[^\n"]{1,400})|"?$)/im, /405 \(?Method Not Allowed/],
    cause: 'The registry does not do that now: it is read-only, or deleting is switched off.',
    fix: { sentence: 'Ask an administrator of the registry.' },
    examples: [
      'unsupported: The registry is read-only.',
      'Error: fetching manifest registry.berth.test:5000/x:1: PUT https://registry.berth.test:5000/v2/x/manifests/1: UNSUPPORTED: The registry is read-only.',
      'ctr: failed to resolve reference "registry.berth.test:5000/x:1": pulling from host registry.berth.test:5000 failed with status code [manifests 1]: 405 Method Not Allowed',
    ],
  },
  'manifest-refused': {
    patterns: [/Uploading manifest failed, attempted the following formats: (?<message>[^\n]{1,400})/i],
    cause: 'The registry did not take the manifest in any of the formats that the client knows.',
    fix: { sentence: 'The message holds what the registry said of each; its log has more.' },
    examples: [
      'Error: writing manifest: Uploading manifest failed, attempted the following formats: application/vnd.oci.image.manifest.v1+json(uploading manifest 1 to registry.berth.test:5000/x: blob unknown)',
    ],
  },
  'server-failed': {
    patterns: [
      /unexpected HTTP status: (?<status>5\d\d)/,
      /\b(?<status>5\d\d) \(?(?:Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time-?out|Insufficient Storage)/i,
      /StatusCode: (?<status>5\d\d)/,
      /(?:response|unexpected) status code (?<status>5\d\d)/,
    ],
    cause: 'The registry, or a proxy before it, failed.',
    fix: {
      sentence: 'Look at the log of the registry; berth doctor checks disk and storage.',
      command: 'berth doctor',
    },
    examples: [
      'received unexpected HTTP status: 507 Insufficient Storage',
      'Error: authenticating creds for "registry.berth.test:5000": pinging container registry registry.berth.test:5000: invalid status code from registry 502 (Bad Gateway)',
      'ctr: failed to resolve reference "registry.berth.test:5000/x:1": pulling from host registry.berth.test:5000 failed with status code [manifests 1]: 500 Internal Server Error',
    ],
  },
  'reference-invalid': {
    patterns: [/invalid reference format/, /repository name (?:\([^)\n]{1,300}\) )?must be lowercase/],
    cause: 'The image name is not written as engines want it.',
    fix: {
      sentence:
        'Write host:port/name:tag with a lower-case name; docker 20.10 takes no address in square brackets.',
    },
    examples: [
      'Error response from daemon: invalid reference format: repository name must be lowercase',
      'Error: repository name must be lowercase',
    ],
  },
  'refused-with-message': {
    patterns: [/error from registry: (?<message>[^\n"]{1,400})/],
    cause: 'The registry refused, and its message says why.',
    fix: { sentence: 'Do what the message says.' },
    examples: ['error from registry: The tag 1 is immutable.'],
  },
} satisfies Record<string, ExplanationEntry>;

/** Stable: pages and tests refer to it. */
export type ExplanationId = keyof typeof table;

/** The table in the order of judgement. */
export const explanations: Readonly<Record<ExplanationId, ExplanationEntry>> = table;

/** The first that matches wins: the words around the cause, from the most telling to the most common. */
const clients: readonly (readonly [ExplainedClient, RegExp])[] = [
  ['ctr', /^ctr: /m],
  ['buildkit', /failed to (?:build|solve): |failed to resolve source metadata for /],
  [
    'crane',
    /^Error: (?:fetching|pulling|pushing|reading tags for|deleting) |: (?:UNAUTHORIZED|DENIED|MANIFEST_UNKNOWN|NAME_UNKNOWN|TOOMANYREQUESTS|UNSUPPORTED|TAG_INVALID): /m,
  ],
  [
    'podman',
    /pinging container registry |authenticating creds for "|logging into "|docker:\/\/|reading manifest [^\s"]{1,200} in |trying to reuse blob |initiating layer upload to |auth file contains an Identity token|Uploading manifest failed|Error parsing manifest for image|get credentials: |getting username and password|unable to retrieve auth token|StatusCode: \d|invalid status code from registry|^Error: repository name must be lowercase/m,
  ],
  [
    'oras',
    /failed to fetch the content of "|failed to validate the credentials for |Error response from registry: |credential stored in the authentication file|credential required for basic auth/,
  ],
  [
    'docker-containerd',
    /failed to resolve reference "|failed to do request: |error from registry: |unexpected status from [A-Z]{1,10} request|access denied, repository does not exist/,
  ],
  [
    'docker',
    /Error response from daemon: |The push refers to repository \[|login attempt to http|unexpected HTTP status: |error parsing HTTP \d{3} response body|Docker daemon|failed to start daemon: |Error reconfiguring the daemon: |error (?:storing|getting) credentials - err|Error (?:parsing|loading) config file|^(?:denied|unauthorized|toomanyrequests|unsupported|tag invalid|manifest unknown|name unknown|unknown)(?:: |$)|^no basic auth credentials/m,
  ],
];

/** Where the ref of the image stands; the tag or digest may be in a group of its own. */
const refPatterns = [
  /docker:\/\/(?<ref>[^\s"]{1,400}?)(?=:?["\s]|:?$)/,
  /(?:resolve reference|content of) "(?<ref>[^"\s]{1,400})"/,
  /fetching manifest (?<ref>[^\s"]{1,400}): /,
  /failed to solve: (?<ref>[^\s"]{1,400}): /,
  /manifest for (?<ref>[^\s"]{1,400}) not found/,
  /reading manifest (?<tag>[^\s"]{1,200}) in (?<ref>[^\s"]{1,300}): /,
  /access denied for (?<ref>[^\s",]{1,400}),/,
  /repository (?<ref>[^\s"[]{1,400}) not found: name unknown/,
  /push refers to repository \[(?<ref>[^\s"\]]{1,400})\]/,
];

const addressPatterns = [
  /https?:\/\/(?:[^\s"/@]{1,200}@)?(?<address>[^\s"/@]{1,300})\/v2\//,
  /pinging container registry (?<address>[^\s"/]{1,300}): /,
  /(?:authenticating creds for|logging into) "(?<address>[^"\s/]{1,300})"/,
  /validate the credentials for (?<address>[^\s"/]{1,300}): /,
  /pulling from host (?<address>[^\s"/]{1,300}) failed/,
  /certs\.d[\\/](?<address>[^\s"\\/]{1,300})[\\/]/,
];

/** More than clients print. What comes after it is not looked at. */
const maxTextLength = 64 * 1024;
const maxFieldLength = 500;

/**
 * Answers what an error text of a container client means, or `undefined` if it is none of the known ones. Looks at
 * the first 64 KiB, in a time that is linear in them, and may be given anything.
 */
export function explain(text: string): Explanation | undefined {
  const readable = makeReadable(text);
  for (const [id, entry] of Object.entries(explanations) as [ExplanationId, ExplanationEntry][]) {
    const groups = firstMatch(entry.patterns, readable);
    if (groups === undefined) continue;
    const { cause, fix } = entry;
    const client = clients.find(([, words]) => words.test(readable))?.[0];
    return { id, client, cause, fix, fields: cleaned({ ...readTarget(readable), ...groups }) };
  }
  return undefined;
}

/** Without colours, and with the quotes that podman's log escapes. */
function makeReadable(text: string): string {
  return text
    .slice(0, maxTextLength)
    .replaceAll(/[^\P{Cc}\s]\[[\d;]{0,30}[A-Za-z]/gu, '')
    .replaceAll('\\"', '"');
}

/** What was asked for: the image, and the registry by its URL, by a sentence, or by the name of the image. */
function readTarget(text: string): Record<string, string | undefined> {
  const { ref: name, tag } = firstMatch(refPatterns, text) ?? {};
  const ref =
    name === undefined || tag === undefined ? name : `${name}${tag.includes(':') ? '@' : ':'}${tag}`;
  const address = firstMatch(addressPatterns, text)?.['address'] ?? hostOf(ref);
  return { address, ref };
}

/** The part before the first slash is a host if it has a dot or a port (distribution/reference, splitDockerDomain). */
function hostOf(ref: string | undefined): string | undefined {
  const slash = ref?.indexOf('/') ?? -1;
  const host = ref?.slice(0, Math.max(slash, 0)) ?? '';
  return /[.:]/.test(host) || host === 'localhost' ? host : undefined;
}

function firstMatch(
  patterns: readonly RegExp[],
  text: string,
): Record<string, string | undefined> | undefined {
  for (const pattern of patterns) {
    const match = pattern.exec(text);
    if (match !== null) return { ...match.groups };
  }
  return undefined;
}

/** Takes out what could act on a terminal, and passwords in URLs. */
function cleaned(fields: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(fields)) {
    const text = (value ?? '')
      .slice(0, maxFieldLength)
      .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '')
      .replaceAll(/\/\/[^\s/@]{1,300}@/g, '//')
      .trim();
    if (text !== '') kept[name] = text;
  }
  return kept;
}
