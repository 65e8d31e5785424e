/** Who is told: the endpoints of the configuration, and those that were added while the registry runs. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { systemCode, unusable, writePrivateFile } from '../disk/private-file.ts';
import { webhookArguments } from '../spec/admin/webhooks.ts';
import type { Config } from '../spec/config.ts';
import { AppError, isAppError } from '../spec/errors.ts';
import type { WebhookAction } from '../spec/webhook.ts';

export interface Endpoint {
  readonly name: string;
  readonly url: string;
  readonly isDisabled: boolean;
  /** From the configuration, and changed only there. */
  readonly isLocked: boolean;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  /** Signs what is sent. */
  readonly secret: string | undefined;
  /** Certificates as PEM that are accepted besides those of the system. */
  readonly ca: string | undefined;
  readonly timeoutMs: number;
  /** Failures after which the waits grow. */
  readonly threshold: number;
  readonly backoffMs: number;
  readonly ignoredActions: readonly WebhookAction[];
  readonly ignoredMediaTypes: readonly string[];
}

/** What is asked to be set; what is left out stays, or has its default. */
export type EndpointChange = z.output<(typeof webhookArguments)['webhooks.set']>;

const fileSchema = z.strictObject({ endpoints: z.array(webhookArguments['webhooks.set']) });

const defaults = {
  isDisabled: false,
  isLocked: false,
  headers: {},
  secret: undefined,
  ca: undefined,
  timeoutMs: 5000,
  threshold: 10,
  backoffMs: 1000,
  ignoredActions: [],
  ignoredMediaTypes: [],
};

/**
 * The endpoints of the configuration.
 * @throws AppError CONFIG_INVALID for a file of certificates that cannot be used
 */
export async function configuredEndpoints({
  endpoints,
}: Config['notifications']): Promise<readonly Endpoint[]> {
  const broken = endpoints.find(({ url }) => !URL.canParse(url));
  if (broken !== undefined) {
    throw new AppError('CONFIG_INVALID', {
      message: `notifications.endpoints: the url of "${broken.name}" has a host or port that cannot be.`,
    });
  }
  return await Promise.all(
    endpoints.map(async (each) => ({
      name: each.name,
      url: each.url,
      isDisabled: each.disabled,
      isLocked: true,
      headers: each.headers,
      secret: each.secret,
      ca: each.ca === undefined ? undefined : await readCertificates(each.name, each.ca),
      timeoutMs: each.timeout,
      threshold: each.threshold,
      backoffMs: each.backoff,
      ignoredActions: each.ignore.actions,
      ignoredMediaTypes: [...each.ignoredmediatypes, ...each.ignore.mediatypes],
    })),
  );
}

async function readCertificates(name: string, path: string): Promise<string> {
  try {
    const text = await readFile(path, 'utf8');
    checkCertificates(text);
    return text;
  } catch (error) {
    throw new AppError('CONFIG_INVALID', {
      message: `notifications.endpoints: the ca of "${name}", ${path}, cannot be read: ${systemCode(error) ?? 'it holds no certificate'}.`,
      cause: error,
    });
  }
}

/** Throws unless the text is PEM that begins with a certificate. */
function checkCertificates(text: string): X509Certificate {
  return new X509Certificate(text);
}

/** Answers an endpoint with a change. Throws USAGE for a url that is missing or cannot be, and a ca that is no certificate. */
export function changedEndpoint(old: Endpoint | undefined, change: EndpointChange): Endpoint {
  const { name, url = old?.url, disabled, secret, ca, ...rest } = change;
  if (url === undefined) throw new AppError('USAGE', { message: 'A new webhook needs a url.' });
  if (!URL.canParse(url)) {
    throw new AppError('USAGE', { message: 'The url has a host or port that cannot be.' });
  }
  if (ca !== undefined && ca !== '') {
    try {
      checkCertificates(ca);
    } catch (cause) {
      throw new AppError('USAGE', { message: 'The ca is not a certificate in PEM.', cause });
    }
  }
  const said = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  const before = old ?? { ...defaults, name, url };
  return {
    ...before,
    ...said,
    name,
    url,
    isDisabled: disabled ?? before.isDisabled,
    secret: kept(secret, before.secret),
    ca: kept(ca, before.ca),
  };
}

function kept(said: string | undefined, before: string | undefined): string | undefined {
  if (said === undefined) return before;
  return said === '' ? undefined : said;
}

/**
 * The endpoints that were added, from berth/webhooks.json.
 * @throws AppError DATA_UNUSABLE
 */
export async function loadEndpoints(path: string): Promise<readonly Endpoint[]> {
  try {
    const { endpoints } = fileSchema.parse(JSON.parse(await readFile(path, 'utf8')));
    return endpoints.map((each) => changedEndpoint(undefined, each));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    if (!isAppError(error) && systemCode(error) !== undefined) throw unusable(`Cannot read "${path}"`, error);
    throw new AppError('DATA_UNUSABLE', {
      message: `"${path}" does not hold webhooks.`,
      hint: 'Mend it, or remove it and add the webhooks again with berth webhook add.',
      cause: error,
    });
  }
}

/** Keeps the endpoints that were added, durably. */
export async function saveEndpoints(path: string, endpoints: readonly Endpoint[]): Promise<void> {
  const written: readonly z.input<(typeof webhookArguments)['webhooks.set']>[] = endpoints.map((each) => ({
    name: each.name,
    url: each.url,
    disabled: each.isDisabled,
    headers: Object.fromEntries(Object.entries(each.headers).map(([name, values]) => [name, [...values]])),
    secret: each.secret,
    ca: each.ca,
    timeoutMs: each.timeoutMs,
    threshold: each.threshold,
    backoffMs: each.backoffMs,
    ignoredActions: [...each.ignoredActions],
    ignoredMediaTypes: [...each.ignoredMediaTypes],
  }));
  await writePrivateFile(path, `${JSON.stringify({ endpoints: written }, undefined, 2)}\n`);
}
