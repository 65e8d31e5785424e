/**
 * The one table of errors. From it come the type `ErrorCode`, the answers on the wire, the exit texts of the
 * command line and docs/reference/errors.md.
 */

/** The 14 codes that OCI distribution-spec 1.1, "Error Codes", knows. Answers below 500 use no other. */
export type OciCode =
  | 'BLOB_UNKNOWN'
  | 'BLOB_UPLOAD_INVALID'
  | 'BLOB_UPLOAD_UNKNOWN'
  | 'DIGEST_INVALID'
  | 'MANIFEST_BLOB_UNKNOWN'
  | 'MANIFEST_INVALID'
  | 'MANIFEST_UNKNOWN'
  | 'NAME_INVALID'
  | 'NAME_UNKNOWN'
  | 'SIZE_INVALID'
  | 'UNAUTHORIZED'
  | 'DENIED'
  | 'UNSUPPORTED'
  | 'TOOMANYREQUESTS';

interface ErrorEntry {
  /** The HTTP status; absent for errors that only the command line and the start can meet. */
  readonly status?: number;
  /** The code on the wire. */
  readonly oci?: OciCode | 'UNKNOWN' | 'UNAVAILABLE';
  /** The sentence a person reads when nothing more exact is known. */
  readonly message: string;
  /** When it happens, for the reference page. */
  readonly when: string;
  /** What to do about it. */
  readonly action: string;
}

export const errors = {
  // --- malformed input -------------------------------------------------------------------------------------
  NAME_INVALID: {
    status: 400,
    oci: 'NAME_INVALID',
    message: 'The repository name is not valid.',
    when: 'The name breaks the grammar, is longer than 255 characters, or is encoded in a way that hides it.',
    action: 'Use lower-case letters, digits and single separators (. _ __ -), in parts joined by /.',
  },
  TAG_INVALID: {
    status: 400,
    oci: 'MANIFEST_INVALID',
    message: 'The tag is not valid.',
    when: 'A tag breaks the grammar, or cannot be stored on this file system.',
    action: 'Use letters, digits, _ . and -, not starting with . or -, at most 128 characters.',
  },
  DIGEST_INVALID: {
    status: 400,
    oci: 'DIGEST_INVALID',
    message: 'The digest is not valid.',
    when: 'The digest is malformed, uses another algorithm, or the bytes received do not have it.',
    action: 'Use sha256 or sha512 in lower-case hexadecimal, and send the bytes that were hashed.',
  },
  SIZE_INVALID: {
    status: 400,
    oci: 'SIZE_INVALID',
    message: 'The body does not have the announced length.',
    when: 'The length in Content-Range differs from the bytes that arrived.',
    action: 'Send the chunk again from the offset in the Range header of the upload.',
  },
  UPLOAD_INVALID: {
    status: 400,
    oci: 'BLOB_UPLOAD_INVALID',
    message: 'The upload request is not valid.',
    when: 'Content-Range is malformed.',
    action: 'Write Content-Range as <first>-<last>, both inclusive byte positions.',
  },
  MANIFEST_INVALID: {
    status: 400,
    oci: 'MANIFEST_INVALID',
    message: 'The manifest is not valid.',
    when: 'The body is not a manifest of one of the four media types, or says something else than its headers.',
    action: 'The message names the rule. Build the image again with a current tool.',
  },
  MANIFEST_BLOB_UNKNOWN: {
    status: 400,
    oci: 'MANIFEST_BLOB_UNKNOWN',
    message: 'The manifest refers to content that this repository does not have.',
    when: 'A config, layer or child manifest is not in the repository. One entry per missing digest.',
    action: 'Push the missing content first, or push the image again.',
  },
  MANIFEST_TOO_LARGE: {
    status: 413,
    oci: 'MANIFEST_INVALID',
    message: 'The manifest is too large.',
    when: 'The body exceeds berth.limits.manifestbytes.',
    action: 'Put large data into a blob, or raise berth.limits.manifestbytes.',
  },
  PAGE_INVALID: {
    status: 400,
    oci: 'UNSUPPORTED',
    message: 'The page size n is not a whole number.',
    when: 'n is not a decimal number of 0 or more.',
    action: 'Send n as decimal digits.',
  },
  QUERY_INVALID: {
    status: 400,
    oci: 'UNSUPPORTED',
    message: 'The query cannot be understood.',
    when: 'A list is asked with a key that does not exist, or a value that the key does not take. No row is answered.',
    action: 'Correct what the message names. berth ls --help shows the keys.',
  },
  PARAMETER_INVALID: {
    status: 400,
    oci: 'UNSUPPORTED',
    message: 'A parameter of the request is not supported.',
    when: 'A query parameter has a value that this registry does not know.',
    action: 'The message names the parameter and its values.',
  },
  TOO_MANY_TAGS: {
    status: 414,
    oci: 'UNSUPPORTED',
    message: 'Too many tags in one request.',
    when: 'A manifest is pushed with more than 50 tag parameters.',
    action: 'Split the request.',
  },
  UPLOAD_OFFSET: {
    status: 416,
    oci: 'BLOB_UPLOAD_INVALID',
    message: 'The chunk does not start where the upload stands.',
    when: 'Content-Range does not start at the offset of the upload.',
    action: 'Continue after the last byte in the Range header of this answer.',
  },
  RANGE_INVALID: {
    status: 416,
    oci: 'SIZE_INVALID',
    message: 'The range is outside the blob.',
    when: 'A Range header asks for no byte of the blob.',
    action: 'Ask within the size given in Content-Range.',
  },
  HTTP_INVALID: {
    status: 400,
    oci: 'UNSUPPORTED',
    message: 'The request is not valid HTTP.',
    when: 'Framing, header syntax or the request line break RFC 9112, or could be read in two ways.',
    action: 'Check proxies between the client and the registry.',
  },
  HEADERS_TOO_SLOW: {
    status: 408,
    oci: 'UNSUPPORTED',
    message: 'The request headers did not arrive in time.',
    when: 'The header block is not complete after 10 seconds.',
    action: 'Send the request again.',
  },
  BODY_TOO_SLOW: {
    status: 408,
    oci: 'UNSUPPORTED',
    message: 'The request body did not arrive in time.',
    when: 'The body of a login is not complete after 10 seconds.',
    action: 'Send the request again.',
  },
  URI_TOO_LONG: {
    status: 414,
    oci: 'UNSUPPORTED',
    message: 'The request line is too long.',
    when: 'Path and query exceed 16 KiB.',
    action: 'Use a shorter path or fewer parameters.',
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    oci: 'UNSUPPORTED',
    message: 'The request headers are too large.',
    when: 'The header block exceeds 32 KiB or 100 fields.',
    action: 'Send fewer or smaller headers.',
  },
  // --- absent ----------------------------------------------------------------------------------------------
  NAME_UNKNOWN: {
    status: 404,
    oci: 'NAME_UNKNOWN',
    message: 'There is no such repository.',
    when: 'The repository holds no manifest.',
    action: 'Check the name, or push to it first.',
  },
  MANIFEST_UNKNOWN: {
    status: 404,
    oci: 'MANIFEST_UNKNOWN',
    message: 'There is no such manifest.',
    when: 'The tag or digest is not in this repository.',
    action: 'List the tags of the repository, or push the image.',
  },
  BLOB_UNKNOWN: {
    status: 404,
    oci: 'BLOB_UNKNOWN',
    message: 'There is no such blob in this repository.',
    when: 'The digest is not linked in this repository.',
    action: 'Push the blob, or mount it from a repository that has it.',
  },
  UPLOAD_UNKNOWN: {
    status: 404,
    oci: 'BLOB_UPLOAD_UNKNOWN',
    message: 'There is no such upload.',
    when: 'The upload is finished, expired, cancelled, of another user or repository, or never was.',
    action: 'Start a new upload with POST.',
  },
  ROUTE_UNKNOWN: {
    status: 404,
    oci: 'UNSUPPORTED',
    message: 'This registry has no such endpoint.',
    when: 'The path is none of the distribution API.',
    action: 'Check the path; docs/reference/http.md lists the endpoints.',
  },
  UI_OFF: {
    status: 404,
    oci: 'UNSUPPORTED',
    message: 'The window for browsers is switched off.',
    when: 'berth open, or a request below /ui, while berth.web.enabled is false.',
    action:
      'Switch it on with berth config set berth.web.enabled true, or BERTH_WEB_ENABLED=true, and restart the registry.',
  },
  // --- refused ---------------------------------------------------------------------------------------------
  UNAUTHORIZED: {
    status: 401,
    oci: 'UNAUTHORIZED',
    message: 'Login needed.',
    when: 'No credentials, or credentials that are wrong, expired or revoked.',
    action: 'Run docker login with the address of this registry.',
  },
  DENIED: {
    status: 403,
    oci: 'DENIED',
    message: 'You may not do this here.',
    when: 'The user or token lacks the verb (pull, push, delete) for the repository.',
    action: 'Ask an administrator of the registry for the permission.',
  },
  TAG_PROTECTED: {
    status: 403,
    oci: 'DENIED',
    message: 'The tag is protected.',
    when: 'A tag that berth.storage.protectedtags or berth protect names would be moved to another manifest, or deleted.',
    action: 'Push under another tag, or take the rule back: berth protect ls shows where it stands.',
  },
  QUOTA_EXCEEDED: {
    status: 403,
    oci: 'DENIED',
    message: 'A quota of this repository is used up.',
    when: 'A push would exceed the bytes or tags that a quota allows for its repositories.',
    action: 'Delete something with berth rm; berth du shows what takes the room.',
  },
  TRANSFER_ENDED: {
    status: 403,
    oci: 'DENIED',
    message: 'An administrator of this registry has ended this transfer.',
    when: 'The requests of a session were cut: berth activity --cancel.',
    action: 'Ask the administrator, then try again.',
  },
  ORIGIN_DENIED: {
    status: 403,
    oci: 'DENIED',
    message: 'Writes from web pages of other origins are refused.',
    when: 'A write carries an Origin header that http.headers does not allow.',
    action: 'Set Access-Control-Allow-Origin under http.headers if the page is yours.',
  },
  PAGE_DENIED: {
    status: 403,
    oci: 'DENIED',
    message: 'Only pages of this registry may ask this.',
    when: 'A request below /api has a foreign or no Origin, no JSON body, or not the token of its session.',
    action: 'Use the address that the registry shows, and send the token that the login answered.',
  },
  STORAGE_FULL: {
    status: 403,
    oci: 'DENIED',
    message: 'The disk of the registry is full.',
    when: 'Free space is below the reserve (berth.storage.reserve), or a write met a full disk or quota.',
    action: 'Free space on the disk that holds the data directory. Pulls go on.',
  },
  STORAGE_READ_ONLY: {
    status: 405,
    oci: 'UNSUPPORTED',
    message: 'The registry is read-only.',
    when: 'Read-only mode of the registry or of the repository is on, or the data directory cannot be written.',
    action:
      'Switch storage.maintenance.readonly off, or that of the repository (berth repository), or make the data directory writable.',
  },
  METHOD_UNSUPPORTED: {
    status: 405,
    oci: 'UNSUPPORTED',
    message: 'This endpoint does not support the method.',
    when: 'The method is not in the Allow header.',
    action: 'Use one of the methods in the Allow header.',
  },
  DELETE_DISABLED: {
    status: 405,
    oci: 'UNSUPPORTED',
    message: 'Deleting is switched off.',
    when: 'storage.delete.enabled is false.',
    action: 'Set storage.delete.enabled: true.',
  },
  MANIFEST_IN_USE: {
    status: 405,
    oci: 'UNSUPPORTED',
    message: 'The manifest is part of an index.',
    when: 'An index in the repository lists the manifest.',
    action: 'Delete the index first.',
  },
  BLOB_IN_USE: {
    status: 405,
    oci: 'UNSUPPORTED',
    message: 'The blob is part of an image.',
    when: 'A manifest in the repository uses the blob.',
    action: 'Delete the manifest first.',
  },
  HOST_DENIED: {
    status: 421,
    oci: 'DENIED',
    message: 'This registry does not answer to that host name.',
    when: 'The Host header is not a name of this registry (protection against DNS rebinding).',
    action: 'Use a known address, or add the name to berth.http.hosts.',
  },
  HTTPS_NEEDED: {
    status: 426,
    oci: 'DENIED',
    message: 'This registry speaks HTTPS.',
    when: 'Plain HTTP arrives from another machine.',
    action: 'Use https, and trust the certificate of the registry.',
  },
  TOO_MANY_LOGINS: {
    status: 429,
    oci: 'TOOMANYREQUESTS',
    message: 'Too many wrong passwords. Wait before trying again.',
    when: 'The bucket of failed logins of the address and user is empty, or the password queue is full.',
    action: 'Wait for the seconds in Retry-After.',
  },
  TOO_MANY_UPLOADS: {
    status: 429,
    oci: 'TOOMANYREQUESTS',
    message: 'Too many open uploads.',
    when: 'The user has 100 open upload sessions.',
    action: 'Finish or cancel uploads. Abandoned ones expire.',
  },
  TOO_MANY_MANIFESTS: {
    status: 429,
    oci: 'TOOMANYREQUESTS',
    message: 'Too many large manifests at once.',
    when: 'Manifests above 64 KiB are taken two at a time, and 64 wait; or one comes slower than in 10 seconds while others wait.',
    action: 'Try again; push fewer at once.',
  },
  // --- our own faults --------------------------------------------------------------------------------------
  UNKNOWN: {
    status: 500,
    oci: 'UNKNOWN',
    message: 'An error inside the registry.',
    when: 'A fault of the registry itself.',
    action: 'Look for the request id in the log and report it.',
  },
  STORAGE_FAILED: {
    status: 503,
    oci: 'UNAVAILABLE',
    message: 'The storage of the registry failed.',
    when: 'The disk answered with an error.',
    action: 'Check the disk and the log, then try again.',
  },
  UNAVAILABLE: {
    status: 503,
    oci: 'UNAVAILABLE',
    message: 'The registry is starting or stopping.',
    when: 'The registry is not ready, is shutting down, or has as many connections as it admits.',
    action: 'Try again in a moment.',
  },
  CANCELLED: {
    status: 503,
    oci: 'UNAVAILABLE',
    message: 'The request was cut off.',
    when: 'The client went away, sent no byte for too long, or was replaced by a newer request.',
    action: 'Resume the upload from the offset it reports.',
  },
  // --- start and command line ------------------------------------------------------------------------------
  USAGE: {
    message: 'The command was not understood.',
    when: 'An option or argument is missing or unknown.',
    action: 'Run berth --help.',
  },
  CONFIG_INVALID: {
    message: 'The configuration is not valid.',
    when: 'A configuration file, variable or option is broken or unsafe to ignore.',
    action: 'Mend the line that the message names; berth config check reads it without starting.',
  },
  SETTING_UNKNOWN: {
    message: 'There is no such setting.',
    when: 'The path is not that of a setting, or of one that this version does not have.',
    action: 'berth config print lists the settings.',
  },
  SETTING_LOCKED: {
    message: 'The setting cannot be changed here.',
    when: 'An environment variable or an option fixes it, or the configuration file cannot be written.',
    action: 'Change the variable or option where the registry is started.',
  },
  USERS_INVALID: {
    message: 'The user file cannot be used.',
    when: 'The htpasswd file or the access file is missing, unreadable or malformed.',
    action: 'Mend the line that the message names.',
  },
  CERTIFICATE_INVALID: {
    message: 'The certificate cannot be used.',
    when: 'A certificate or key is missing, malformed, expired, or they do not belong together.',
    action: 'Mend the file that the message names, or remove the setting to use the own certificate.',
  },
  CA_SEALED: {
    message: 'The key of the certificate authority was destroyed.',
    when: 'berth cert seal was run, so nothing can be signed any more.',
    action: 'Remove berth/tls in the data directory to start with a new authority, then trust that one.',
  },
  PORT_BUSY: {
    message: 'The port is in use.',
    when: 'Another process listens on the address asked for.',
    action: 'Stop that process, or choose another port with --listen.',
  },
  DATA_LOCKED: {
    message: 'The data directory is in use by another Berth.',
    when: 'One process holds the directory at a time.',
    action: 'Stop that process, or choose another directory with --data.',
  },
  DATA_UNUSABLE: {
    message: 'The data directory cannot be used.',
    when: 'Its format is newer than this version, its private files are readable by others, or it cannot be made.',
    action: 'The message names the file and the reason.',
  },
  USER_UNKNOWN: {
    message: 'There is no such user.',
    when: 'The name is not in the user file.',
    action: 'berth user ls lists the users.',
  },
  USER_EXISTS: {
    message: 'The user exists already.',
    when: 'A user is added twice.',
    action: 'Use berth user passwd to set a new password.',
  },
  LAST_ADMIN: {
    message: 'The last administrator cannot go.',
    when: 'Removing or changing the user would leave nobody with the role admin.',
    action: 'Give another user the role admin first.',
  },
  PASSWORD_INVALID: {
    message: 'The password cannot be used.',
    when: 'It is empty, longer than 72 bytes (bcrypt reads no more) or holds a NUL.',
    action: 'Choose another password.',
  },
  LOGIN_OFF: {
    message: 'This registry knows no users: login is switched off.',
    when: 'Users, tokens or rights are asked for, and the registry runs with auth: none.',
    action: 'Start it without auth: none and without --auth none.',
  },
  TOKEN_UNKNOWN: {
    message: 'There is no such token.',
    when: 'The token id is not known.',
    action: 'berth token ls lists the tokens.',
  },
  // --- engines ---------------------------------------------------------------------------------------------
  NOT_RUNNING: {
    message: 'The registry is not running.',
    when: 'A command needs a running registry, and none holds the data directory.',
    action: 'Start it with berth serve, or name its data directory with --data.',
  },
  CONSENT_NEEDED: {
    message: 'This changes the computer, and nobody has agreed to it.',
    when: 'Standard input is no terminal, or the answer was no, or the plan is another than the one agreed to.',
    action:
      'Look at the plan with --dry-run, then repeat the command with --yes --plan and the hash it printed.',
  },
  ENGINE_UNKNOWN: {
    message: 'There is no such engine.',
    when: 'The engine named is not on this computer.',
    action: 'berth trust ls lists the engines.',
  },
  ENGINE_FAILED: {
    message: 'The engine did not do what it was asked.',
    when: 'The API of an engine cannot be reached, refuses, or answers with an error.',
    action: 'The message holds the answer of the engine.',
  },
  CHANGE_UNKNOWN: {
    message: 'There is no such change.',
    when: 'The id is not in the list of changes.',
    action: 'berth changes ls lists them.',
  },
  CHANGE_STALE: {
    message: 'The file changed since the plan was made.',
    when: 'Somebody edited the file between plan and consent.',
    action: 'Repeat the command: it plans again from what is there now.',
  },
  CHANGE_REFUSED: {
    message: 'The file cannot be edited safely.',
    when: 'It holds comments, duplicate keys, a byte order mark, invalid JSON, or is a link to nowhere.',
    action: 'Make the change by hand; the message says which.',
  },
  CHANGE_CONFLICT: {
    message: 'Somebody else edited what this change put in place.',
    when: 'Undoing would overwrite a later edit.',
    action: 'Look at it with berth changes show, and edit the file by hand.',
  },
  CHANGE_FAILED: {
    message: 'The change had no effect and was taken back.',
    when: 'The engine did not accept the registry after the change, or did not come back.',
    action: 'The message holds what the engine said.',
  },
  ELEVATION_FAILED: {
    message: 'Administrator rights are needed, and were not given.',
    when: 'The question of the system was dismissed, or there is nobody to ask.',
    action: 'Run the printed commands as an administrator.',
  },
  CONTENT_DAMAGED: {
    message: 'Some content is damaged.',
    when: 'berth verify found content that is not what was pushed, or that is gone.',
    action: 'Push the images that it named again; berth verify --status lists them.',
  },
  DAMAGE_UNKNOWN: {
    message: 'Nothing is known of damage to that content.',
    when: 'The digest is not in the list of damaged content.',
    action: 'berth verify --status lists what is damaged.',
  },
  TRASH_UNKNOWN: {
    message: 'There is no such entry in the trash.',
    when: 'The id is not in the trash, or its time is over.',
    action: 'berth trash ls lists the trash.',
  },
  START_FAILED: {
    message: 'The registry could not be started in the background.',
    when: 'berth serve, started by berth up, ended without a reason that it could name.',
    action: 'Run berth serve: it says in the terminal what is wrong.',
  },
  BROWSER_FAILED: {
    message: 'No browser could be opened.',
    when: 'The system has no program for web pages, or it failed.',
    action: 'Open the address yourself: berth open --print prints it.',
  },
  BUNDLE_INVALID: {
    message: 'The file holds no images that can be imported.',
    when: 'The file is no OCI image layout and no output of docker save, or is damaged, cut off or malicious.',
    action: 'Make the file again, and compare its checksum after it was carried.',
  },
  BUNDLE_INCOMPLETE: {
    message: 'The bundle builds on content that is not here.',
    when: 'A bundle that is a difference is imported where its base is missing, or an image lacks content.',
    action: 'Import the bundle that it builds on first, or export without --since.',
  },
  BUNDLE_UNNAMED: {
    message: 'Images of the bundle have no name.',
    when: 'The bundle does not say in which repository and under which tag an image belongs.',
    action: 'Name each of them: --rename DIGEST=repository:tag',
  },
  PATH_REFUSED: {
    message: 'The path cannot be used.',
    when: 'A file for images cannot be read or written, exists already, or lies inside of the data directory.',
    action: 'Choose another path; the registry uses it with the rights of its own user.',
  },
  CONTENT_UNREADABLE: {
    message: 'The content cannot be read.',
    when: 'A layer is no archive, a file in it cannot be shown, or a document is not what its type says.',
    action: 'Pull it with a client, or push it again if it should be something else.',
  },
  CONTENT_TOO_LARGE: {
    message: 'The content is too large to be shown.',
    when: 'A layer, a file in it or a document exceeds what is read for a look; compressed content also when it unpacks to far more than it takes.',
    action: 'Pull it with a client.',
  },
  FILE_UNKNOWN: {
    message: 'There is no such file in the layer.',
    when: 'The path is not in the layer, or only its name is, as for what a layer removes.',
    action: 'List the files of the layer.',
  },
  TASK_UNKNOWN: {
    message: 'There is no such task.',
    when: 'The task has ended, or never ran in this process.',
    action: 'berth status shows what runs.',
  },
  RULE_UNKNOWN: {
    message: 'There is no such rule.',
    when: 'The id, or the pattern of protected tags, is not among the rules.',
    action: 'berth rules ls and berth protect ls list them.',
  },
  RULES_INVALID: {
    message: 'The rules cannot be used.',
    when: 'berth/rules.json in the data directory, or a file for berth rules set, is not what rules look like.',
    action: 'Mend the line that the message names.',
  },
  PLAN_STALE: {
    message: 'The plan is not the present one.',
    when: 'Something changed since the plan was made, or it was made for something else.',
    action: 'Look at the present plan and repeat the command with its hash.',
  },
  COUNT_NEEDED: {
    message: 'The rules would delete everything of a repository.',
    when: 'Rules are saved that delete every tag of a repository, and the number of deletions is not confirmed.',
    action: 'Repeat the command with --count and the number of tags that would be deleted.',
  },
  WEBHOOK_UNKNOWN: {
    message: 'There is no such webhook.',
    when: 'No webhook has that name.',
    action: 'berth webhook ls lists them.',
  },
  WEBHOOK_LOCKED: {
    message: 'The webhook is part of the configuration.',
    when: 'A webhook of the configuration file or the environment is to be changed or removed while the registry runs.',
    action: 'Change it there and start the registry again.',
  },
  WEBHOOK_REFUSED: {
    message: 'The target of the webhook is a private address.',
    when: 'A webhook leads to this machine, a private network or a service of a cloud provider that is not listed.',
    action: 'If that is meant, add the host or network to berth.notifications.privatetargets.',
  },
  WEBHOOK_FAILED: {
    message: 'The receiver did not take the event.',
    when: 'The receiver of a webhook cannot be reached, is too slow, or answers with another status than 2xx.',
    action: 'Check the receiver. The event is kept and sent again.',
  },
  SESSION_UNKNOWN: {
    message: 'There is no such transfer.',
    when: 'The transfer has ended a minute ago or more, or never was.',
    action: 'berth activity -f shows those that run.',
  },
  CARD_UNKNOWN: {
    message: 'There is no such card.',
    when: 'The card was dismissed, or made room for newer ones.',
    action: 'berth activity --cards lists them.',
  },
  LOGIN_FAILED: {
    message: 'The login was refused.',
    when: 'The registry refuses the user or password, or the client cannot store it.',
    action: 'Check the user with berth user ls.',
  },
  CHECKS_FAILED: {
    message: 'Some checks failed.',
    when: 'berth doctor or berth trust verify found something that does not work.',
    action: 'Each failed check says what to do; berth doctor --fix does what it can.',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errors;

/** Answers the entry of a code with every field of the table visible. */
export function errorEntry(code: ErrorCode): ErrorEntry {
  return errors[code];
}

export interface AppErrorOptions {
  /** The exact sentence, when the table's is too general. Never a secret. */
  readonly message?: string;
  /** Machine-readable addition for the wire: a digest, a list of digests, a name. */
  readonly detail?: unknown;
  /** What to do, when the table's action is too general. */
  readonly hint?: string;
  /** After how many seconds another try may succeed. */
  readonly retryAfterSeconds?: number;
  /** Further entries of the same code, one per finding (missing blobs of a manifest). */
  readonly also?: readonly { readonly message: string; readonly detail: unknown }[];
  readonly cause?: unknown;
}

/** An expected failure: a code of the table, a sentence for the person who meets it. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly detail: unknown;
  readonly hint: string;
  readonly retryAfterSeconds: number | undefined;
  readonly also: readonly { readonly message: string; readonly detail: unknown }[];

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    const entry = errorEntry(code);
    super(
      options.message ?? entry.message,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.name = 'AppError';
    this.code = code;
    this.detail = options.detail;
    this.hint = options.hint ?? entry.action;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.also = options.also ?? [];
  }
}

/** True for an AppError of that code. */
export function isAppError(error: unknown, code?: ErrorCode): error is AppError {
  return error instanceof AppError && (code === undefined || error.code === code);
}

/** Marks a branch that the types rule out. */
export function assertNever(value: never): never {
  throw new Error(`impossible value: ${String(value)}`);
}
