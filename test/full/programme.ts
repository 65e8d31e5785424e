/** What the long form of the tests runs, row by row: the same files as npm test, longer. */

export interface Row {
  /** As the threat and reliability programme numbers it: R durability, C concurrency, S security, F fuzz, L load, D desktop, P supply. */
  readonly id: string;
  readonly title: string;
  /** What has to come out. */
  readonly target: string;
  /** Where that is not reached, and why. */
  readonly shortfall?: string;
  readonly files: readonly string[];
  /** How long: each file says what it reads. The environment of the run may say it otherwise, and the page then tells both. */
  readonly env?: Readonly<Record<string, string>>;
  /** How long that takes on two processors, as reckoned from shorter runs; said where less was run. */
  readonly takes?: string;
  /** Where the figures are, with the command that makes them; such a row has no files. */
  readonly elsewhere?: { readonly command: string; readonly page: string };
}

export const programme: readonly Row[] = [
  {
    id: 'R1',
    title: 'kill -9 under load',
    target: '500 restarts: 0 unreadable tags, 0 acknowledged pushes lost, 0 empty files',
    files: ['test/crash/kill.test.ts'],
    env: { CRASH_RUNS: '500' },
  },
  {
    id: 'R2',
    title: 'power cuts on ext4, xfs and btrfs',
    target: '200 right after the answer, 500 in between: 0 acknowledged writes lost, every tag old or new',
    files: ['test/power/power.test.ts'],
    env: { POWER_CUTS_AFTER: '70', POWER_CUTS_BETWEEN: '170', POWER_FILE_SYSTEMS: 'ext4,xfs,btrfs' },
  },
  {
    id: 'R3',
    title: 'fsyncs of a push',
    target: 'all before the answer; at most 14',
    shortfall:
      'more than 14: the tree of distribution has new directories for every digest, and each is made durable before the answer. About 29 is the least without a log that is written ahead',
    files: ['test/crash/fsync.test.ts'],
  },
  {
    id: 'R4',
    title: 'full disk',
    target:
      '100 levels of bytes, 20 of inodes: refused with 403 DENIED and the reason, pulls 100 %, pushes again after freeing without a restart, 0 leftovers',
    files: ['test/control/disk.test.ts', 'test/faults/full-disk.test.ts'],
    env: { FULL_DISK_STRIDE: '1' },
  },
  {
    id: 'R5',
    title: 'a failing call in the middle of a push',
    target: 'every fsync, rename, mkdir and positioned write once: 0 acknowledged and not there, 0 crashes',
    files: ['test/faults/syscalls.test.ts'],
    env: { FAULT_STRIDE: '1' },
  },
  {
    id: 'R6',
    title: '64 descriptors under load',
    target: '100 of 100 times it goes on, 0 tags harmed, 0 acknowledged and lost; EAGAIN: row R5',
    files: ['test/faults/descriptors.test.ts'],
    env: { DESCRIPTOR_ROUNDS: '100' },
  },
  {
    id: 'R7',
    title: 'the data directory read-only under load, and back',
    target: 'pulls 100 %, pushes refused with 405 UNSUPPORTED, then taken again without a restart',
    files: ['test/faults/read-only.test.ts'],
    env: { READ_ONLY_ROUNDS: '20' },
  },
  {
    id: 'R8',
    title: 'the clock set while it runs, and over a restart',
    target: '+400 days, -400 days, +1 hour: 0 live blobs collected, 0 live uploads expired, up 120 of 120',
    files: ['test/faults/clock.test.ts'],
    env: { CLOCK_ROUNDS: '20', CLOCK_RESTARTS: '60', CLOCK_TLS: '1' },
  },
  {
    id: 'R9',
    title: 'damaged blobs',
    target: 'all found, none delivered complete, a push heals',
    files: ['test/control/scrub.test.ts'],
  },
  {
    id: 'R10',
    title: 'SIGTERM in the middle of pushes',
    target:
      '100 docker pushes end 201, 100 chunked uploads go on at their offset; back within 2 s where no request has to be waited for',
    files: ['test/crash/restart.test.ts', 'test/clients/docker.test.ts'],
    env: { RESTART_ROUNDS: '10', RESTART_WITHIN_MS: '2000', PUSH_RESTARTS: '100' },
  },
  {
    id: 'R11',
    title: 'data directories of distribution',
    target: 'all of it pulls after a takeover, and after handing it back',
    files: ['test/compat/disk.test.ts'],
  },
  {
    id: 'R12',
    title: 'changes of the computer, cut',
    target: '400 kills: old or new, undo gives back every byte',
    files: ['test/engine/interrupt.test.ts'],
  },
  {
    id: 'R13',
    title: 'edits of users, cut',
    target: '200 kills: 0 users lost, 0 empty files',
    files: ['test/crash/users.test.ts'],
    env: { CRASH_RUNS: '200' },
  },
  {
    id: 'R14',
    title: 'the index deleted, damaged, stale',
    target: 'lists equal a walk of the disk',
    files: ['test/control/index.test.ts'],
  },
  {
    id: 'C1',
    title: 'collections beside pushes',
    target: '10,000 pushes: 0 refused for a missing blob, 0 unpullable, garbage gone',
    files: ['test/control/beside.test.ts'],
    env: { COLLECT_PUSHES: '10000' },
  },
  {
    id: 'C2',
    title: 'push, delete, collect, push again; kill -9 in the middle of collections',
    target: '100 of 100 each: every acknowledged image can be pulled',
    files: ['registry/store/collect.test.ts', 'test/control/collect.test.ts'],
    env: { CRASH_RUNS: '100' },
  },
  {
    id: 'C3',
    title: 'tags as registers, what is stored as sets',
    target: '1,000 histories of 200 operations of 8 clients, a kill in every fifth: 0 not linearizable',
    files: ['test/model/linear.test.ts', 'test/model/histories.test.ts'],
    env: { HISTORIES: '1000', HISTORY_OPERATIONS: '200' },
  },
  {
    id: 'C4',
    title: 'pushes at once into one repository',
    target: '500 referrers of one subject, 200 tags: 500 and 200 listed',
    files: ['test/wire/at-once.test.ts', 'registry/store/manifests.test.ts'],
    env: { REFERRERS_AT_ONCE: '500', TAGS_AT_ONCE: '200' },
  },
  {
    id: 'S1',
    title: 'what a refused login tells',
    target:
      'known, unknown and disabled users: medians less than 2 ms apart, AUC below 0.55; passwords around 72 bytes: 0 wrong ones admitted; 1,000 wrong passwords a minute: the p99 of others below twice that without',
    files: ['test/security/login-time.test.ts'],
    env: { LOGIN_TIMES: '1000', LOGIN_COST: '10', LOGIN_FLOOD_SECONDS: '60' },
    takes: 'ten minutes',
  },
  {
    id: 'S2',
    title: 'credentials that open nothing',
    target:
      'every route with every kind of missing, wrong, forged, expired and look-alike credential: 0 of at least 2,000 admitted, right ones 100 of 100',
    files: ['test/security/credentials.test.ts'],
    env: { ADMISSION_MUTATIONS: '4000' },
  },
  {
    id: 'S3',
    title: 'permissions of the control plane',
    target: 'equal the written table',
    files: ['test/control/permissions.test.ts'],
  },
  {
    id: 'S4',
    title: 'requests that cost more than they look',
    target:
      'each 100 times: less than 64 MiB more memory, the event loop late by less than 200 ms (p99), 0 answers of 5xx',
    shortfall:
      'about 110 MiB more while manifests of 4 MiB come one behind the other, 150 while many come at once: each is 12 MiB of buffers and text until the next collection of the whole heap, which comes after 24 MiB, those that were stored last are kept for who pulls them, and the allocator of the system keeps the rest for a while. It does not grow from there. Beside other work the event loop is late by more than 200 ms at times; what is judged is the processor time that one request takes from it',
    files: ['test/security/bombs.test.ts'],
    env: { BOMB_ROUNDS: '100' },
  },
  {
    id: 'S5',
    title: 'TLS, and clients that begin and do not go on',
    target:
      'nothing below TLS 1.2; 500 half handshakes, 500 slow headers, 200 slow bodies: all closed in time, others served; 10,000 random connections leave nothing behind',
    files: ['test/security/slow.test.ts'],
    env: { SLOW_CLIENTS: '500', RANDOM_CLIENTS: '10000' },
  },
  {
    id: 'S6',
    title: 'secrets in logs, exports, reports, processes and preferences',
    target: '0 found; 0 of 200 lines forged',
    files: ['test/security/canaries.test.ts', 'test/wire/log.test.ts'],
    env: { FORGED_LINES: '2000' },
  },
  {
    id: 'S7',
    title: 'traps behind every address that is handed over',
    target: '0 connections',
    files: ['test/security/traps.test.ts'],
  },
  {
    id: 'S8',
    title: 'pages of other origins in Chromium',
    target: '0 of 40 change something, 0 of 40 read something',
    files: ['test/security/browser.test.ts', 'test/window/session.test.ts'],
    env: { BROWSER_ORIGINS: '4' },
  },
  {
    id: 'F1',
    title: 'parsers of what strangers send',
    target: '1,000,000 texts each: an answer to all, that of the specification, in linear time',
    files: ['test/fuzz/parsers.test.ts'],
    env: { FUZZ_RUNS: '1000000' },
  },
  {
    id: 'F2',
    title: 'manifests by a generator and a mutator',
    target: '100,000: kept to the byte or refused, read alike by skopeo',
    files: ['test/fuzz/manifests.test.ts'],
    env: { FUZZ_MANIFESTS: '100000', FUZZ_SKOPEO: '200' },
  },
  {
    id: 'F3',
    title: 'broken HTTP on raw sockets',
    target: '1,000,000 connections: 0 answers of 5xx, 0 to another request, descriptors and memory as before',
    files: ['test/fuzz/sockets.test.ts'],
    env: { FUZZ_CONNECTIONS: '1000000' },
    takes: 'about an hour',
  },
  {
    id: 'F4',
    title: 'a stateful model',
    target: '2,000 runs of 100 commands: equal after each',
    files: ['test/model/model.test.ts'],
    env: { MODEL_RUNS: '2000', MODEL_COMMANDS: '100' },
    takes: 'about an hour',
  },
  {
    id: 'F5',
    title: 'histories of tags, and rules of what is stored',
    target:
      'every history has an order that explains it, a blob reads until it is deleted, a manifest has its blobs',
    files: [],
    elsewhere: {
      command: 'npm run test:full C3',
      page: '#c3-tags-as-registers-what-is-stored-as-sets',
    },
  },
  {
    id: 'F6',
    title: 'what must be the same, whatever the way',
    target:
      'a blob by any kind of push, a list by any size of page, HEAD and GET, TLS and plain HTTP, over a restart: 10,000 times 0 differences',
    files: ['test/model/same.test.ts'],
    env: { SAME_RUNS: '10000' },
  },
  {
    id: 'L1',
    title: 'large blobs beside other registries',
    target: 'a pull at least as fast as the best of them, a push at 80 % of it or more',
    files: [],
    elsewhere: { command: 'npm run bench -- compare 1 2', page: 'performance.md' },
  },
  {
    id: 'L2',
    title: 'many clients pull one image',
    target: '500 clients, 300 MB: less than 100 MiB more resident, 0 errors',
    files: ['test/load/pulls.test.ts'],
    env: { PULL_CLIENTS: '500', PULL_MIB: '300' },
  },
  {
    id: 'L3',
    title: 'long lists',
    target: '10,000 repositories, 50,000 tags: a page below 50 ms (p99)',
    files: [],
    elsewhere: { command: 'npm run bench -- compare 6', page: 'performance.md' },
  },
  {
    id: 'L4',
    title: 'referrers of one subject',
    target: '5,000: a page below 50 ms (p99)',
    files: [],
    elsewhere: { command: 'npm run bench -- compare 7', page: 'performance.md' },
  },
  {
    id: 'L5',
    title: 'slow clients beside a fast one',
    target: '400 readers at 10 kB/s and 100 dripping uploads: p99 of a pull below twice that alone',
    files: ['test/load/slow.test.ts'],
    env: { SLOW_READERS: '400', SLOW_UPLOADS: '100', SLOW_PULLS: '2000', SLOW_FACTOR: '2' },
  },
  {
    id: 'L6',
    title: 'uploads cut at random',
    target: '2,000: the disk is as it was when they have expired',
    files: ['test/load/cut-uploads.test.ts'],
    env: { CUT_UPLOADS: '2000' },
  },
  {
    id: 'L7',
    title: 'docker pushes over a restart',
    target: '100 end 201',
    files: [],
    elsewhere: { command: 'npm run test:full R10', page: '#r10-sigterm-in-the-middle-of-pushes' },
  },
  {
    id: 'L8',
    title: 'logins beside pulls',
    target: '200 a second, half of them wrong: the p99 of a pull below twice that without',
    shortfall:
      'a pull may wait for as long as one comparison of a password takes, and where others want the processors as well for ten',
    files: ['test/load/logins.test.ts'],
    env: { LOGIN_SECONDS: '60' },
  },
  {
    id: 'L9',
    title: 'an hour of pushes, pulls, deletes and collections',
    target:
      'resident memory grows by less than 1 MiB an hour, descriptors do not, 0 errors; 86400 seconds for a day',
    files: ['test/load/soak.test.ts'],
    env: { SOAK_SECONDS: '3600' },
  },
  {
    id: 'L10',
    title: 'a large blob in 128 MiB of memory',
    target: '5 GB both ways',
    files: ['test/load/memory-limit.test.ts'],
    env: { BLOB_MIB: '5120' },
  },
  {
    id: 'D1',
    title: 'the first run',
    target:
      'a password of 20 characters by chance, shown to who asks; no listener beyond loopback or without a login; plain HTTP on loopback only; no way without a question to anything less safe',
    files: [
      'test/desktop/first-run.test.ts',
      'test/cli/serve.test.ts',
      'registry/http/front.test.ts',
      'test/window/consent.test.ts',
    ],
  },
  {
    id: 'D2',
    title: 'keys, certificates, and what stays behind',
    target:
      'the stated modes under any umask; 0 leaves beyond the scope admitted by openssl, Node, curl or Go; 0 bytes of the key left after sealing; 0 files and certificates left by an uninstall',
    files: [
      'registry/disk/private-file.test.ts',
      'registry/tls/identity.test.ts',
      'registry/tls/authority.test.ts',
      'registry/tls/scope.test.ts',
      'test/clients/false-server.test.ts',
      'test/cli/uninstall.test.ts',
      'test/engine/trust.test.ts',
    ],
  },
  {
    id: 'D3',
    title: 'the helper with administrator rights',
    target: '200 hostile plans and arguments, links, races: 0 writes outside of its files',
    files: ['test/engine/elevation.test.ts', 'main/engine/elevate/steps.test.ts'],
  },
  {
    id: 'D4',
    title: 'markup wherever strangers write text',
    target: '300 texts in every field: 0 scripts, navigations, and pages that open',
    files: ['test/window/markup.test.ts', 'test/window/hostile.test.ts', 'test/desktop/shell.test.ts'],
    env: { MARKUP_TEXTS: '300' },
  },
  {
    id: 'D5',
    title: 'the channels of the desktop',
    target: 'each from foreign frames, and with 50 wrong shapes: 0 accepted',
    files: ['test/desktop/ipc.test.ts', 'main/sender.test.ts', 'registry/http/api/door.test.ts'],
  },
  {
    id: 'D6',
    title: 'the packaged app',
    target: 'the fuses equal the list',
    files: ['test/desktop/pack.test.ts'],
  },
  {
    id: 'D7',
    title: 'the port is taken by another program',
    target:
      'its owner is named, 0 silent changes of the port after the first start, clients that verify refuse who answers there',
    files: [
      'registry/http/port-owner.test.ts',
      'registry/http/listen.test.ts',
      'test/desktop/recovery.test.ts',
      'test/clients/false-server.test.ts',
    ],
    env: { DESKTOP_KILLS: '1' },
  },
  {
    id: 'D8',
    title: 'the process of the registry, killed under the window',
    target: '50 times: the window lives, and the registry is back in 2 s',
    files: ['test/desktop/recovery.test.ts'],
    env: { DESKTOP_KILLS: '50' },
  },
  {
    id: 'P1',
    title: 'what is installed',
    target: 'npm ci --ignore-scripts twice: the same tree to the byte',
    files: ['test/build/install.test.ts'],
  },
  {
    id: 'P2',
    title: 'age and scripts of packages',
    target: '0 younger than 7 days, 0 scripts at install in the headless package',
    files: ['test/build/dependencies.test.ts'],
    env: { PACKAGE_AGES: '1' },
  },
  {
    id: 'P3',
    title: 'bill of materials and checksums',
    target: 'every package that is shipped is in it, all sums are right',
    files: ['test/build/release.test.ts'],
  },
  {
    id: 'P4',
    title: 'packages',
    target: 'pinned, of the registry, within the budget, without open advisories',
    files: ['test/build/dependencies.test.ts'],
  },
  {
    id: 'P5',
    title: 'connections of tests',
    target: '0 connections and datagrams beyond this computer, 0 questions for names',
    shortfall: 'tests of Docker are not looked at: its engine is in a network of its own, without a way out',
    files: ['test/security/connections.test.ts'],
    env: { CONNECTION_FOLDERS: 'wire,control,cli,clients' },
  },
];
