/** berth cert: the certificate that the registry shows. A running registry renews and seals by itself. */
import type { Command } from 'commander';
import { identityOptions } from '../index.ts';
import { createLogger } from '../log/logger.ts';
import type { IdentityInfo } from '../spec/admin/certificate.ts';
import { AppError } from '../spec/errors.ts';
import { type Identity, openIdentity } from '../tls/identity.ts';
import { findRunning } from './client.ts';
import { withConfig } from './config.ts';
import type { Io } from './io.ts';
import { type ConfigOptions, loadFor } from './load.ts';
import { done, writeJson } from './user.ts';

interface CertOptions extends ConfigOptions {
  readonly json?: boolean;
}

/** Adds `berth cert show|renew|export-ca|seal` to the program. */
export function registerCert(program: Command, io: Io): void {
  const cert = program.command('cert').description('look at, renew and export the certificate');

  withConfig(cert.command('show'))
    .description('print what the certificate is for and how long it holds')
    .option('--json', 'answer in JSON')
    .action(async (options: CertOptions) => {
      await using identity = await open(io, options, false);
      const info = identity.show();
      if (options.json === true) return writeJson(io, info);
      io.out(describe(info));
    });

  withConfig(cert.command('renew'))
    .description('issue a new certificate under the same authority; nobody needs to trust anything again')
    .option('--json', 'answer in JSON')
    .action(async (options: CertOptions) => {
      const { leaf } = await renew(io, options);
      done(io, options, leaf, `The new certificate holds until ${leaf.validTo}.`);
    });

  withConfig(cert.command('export-ca').alias('export'))
    .description('print the certificate of the authority, for clients that shall trust it')
    .action(async (options: CertOptions) => {
      await using identity = await open(io, options, false);
      const pem = identity.exportCa();
      if (pem === undefined) {
        throw new AppError('USAGE', {
          message: "The registry shows the user's own certificate; Berth does not have its authority.",
          hint: 'Export it where the certificate was made.',
        });
      }
      io.out(pem);
    });

  withConfig(cert.command('seal'))
    .description('destroy the key of the authority: nothing can be signed with it any more, renewals neither')
    .option('--yes', 'really do it')
    .option('--json', 'answer in JSON')
    .action(async (options: CertOptions & { readonly yes?: boolean }) => {
      await using identity = await open(io, options, false);
      const { leaf, authority } = identity.show();
      if (options.yes !== true) {
        throw new AppError('USAGE', {
          message: `After this the certificate cannot be renewed; it holds until ${leaf.validTo}.`,
          hint: 'Say berth cert seal --yes to destroy the key of the authority.',
        });
      }
      using running = await findRunning((await loadFor(io, options)).root);
      if (running === undefined) await identity.seal();
      else await running.call('certificate.seal', { fingerprint: authority?.fingerprint ?? '' });
      done(
        io,
        options,
        { sealed: true },
        `The key of the authority is destroyed. The certificate holds until ${leaf.validTo}.`,
      );
    });
}

/** A registry that runs does it itself, so that its next answer has the new certificate. */
async function renew(io: Io, options: ConfigOptions): Promise<IdentityInfo> {
  using running = await findRunning((await loadFor(io, options)).root);
  if (running !== undefined) return await running.call('certificate.renew', {});
  await using identity = await open(io, options);
  await identity.renew();
  return identity.show();
}

/** Verbs that only look, or destroy, must not issue a leaf for the names of this shell's environment. */
async function open(io: Io, options: ConfigOptions, mayIssue = true): Promise<Identity> {
  const { loaded, root } = await loadFor(io, options);
  const log = createLogger({ write: io.err, levels: { all: 'warn' } });
  return await openIdentity({ ...identityOptions(() => loaded.config, root, log), mayIssue });
}

function describe({ source, leaf, authority, leftOut }: ReturnType<Identity['show']>): string {
  const rows: (readonly [string, string])[] = [
    ['certificate', source === 'berth' ? 'made by Berth' : 'your own'],
    ['names', leaf.names.join(' ')],
    ['addresses', leaf.addresses.join(' ')],
    ['valid', `${leaf.validFrom} to ${leaf.validTo}`],
    ['SHA-256', leaf.fingerprint],
  ];
  if (authority !== undefined) {
    rows.push(
      ['authority', authority.subject.replaceAll('\n', ', ')],
      ['may sign for', [...authority.scope.names, ...authority.scope.networks].join(' ')],
      ['valid', `${authority.validFrom} to ${authority.validTo}`],
      ['SHA-256', authority.fingerprint],
      ['key', authority.isSealed ? 'destroyed' : 'kept in the data directory'],
    );
  }
  for (const { name, reason } of leftOut) rows.push(['left out', `${name} (${reason})`]);
  return rows.map(([name, value]) => `${`${name}:`.padEnd(14)}${value}\n`).join('');
}
