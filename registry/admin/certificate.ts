/** The certificate that the registry shows. */
import type { CertificateRow, certificateArguments } from '../spec/admin/certificate.ts';
import { AppError } from '../spec/errors.ts';
import type { AdminEvents } from '../spec/events.ts';
import type { Identity } from '../tls/identity.ts';
import type { MethodsOf } from './server.ts';

export interface CertificateDeps {
  readonly identity: Identity;
  readonly adminEvents: AdminEvents;
}

export function createCertificateMethods({
  identity,
  adminEvents,
}: CertificateDeps): MethodsOf<typeof certificateArguments> {
  function row(): CertificateRow {
    const ca = identity.exportCa();
    return { ...identity.show(), ...(ca === undefined ? {} : { ca }) };
  }

  return {
    'certificate.get': async () => row(),
    async 'certificate.renew'(_, { actor }) {
      await identity.renew();
      const renewed = row();
      await adminEvents.certificateRenewed({ fingerprint: renewed.leaf.fingerprint, actor });
      return renewed;
    },
    async 'certificate.seal'({ fingerprint }, { actor }) {
      const own = identity.show().authority?.fingerprint;
      if (own !== undefined && plain(fingerprint) !== plain(own)) {
        throw new AppError('USAGE', {
          message: 'This is not the fingerprint of the authority, so its key stays.',
          hint: 'berth cert show prints the fingerprint.',
        });
      }
      await identity.seal();
      if (own !== undefined) await adminEvents.authoritySealed({ fingerprint: own, actor });
      return row();
    },
  };
}

function plain(fingerprint: string): string {
  return fingerprint.replaceAll(/[:\s]/g, '').toUpperCase();
}
