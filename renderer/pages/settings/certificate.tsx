import { RefreshCw, ShieldCheck } from 'lucide-react';
import type { CertificateRow } from '../../../registry/spec/admin/certificate.ts';
import { downloadText } from '../../download.ts';
import { formatAbsolute } from '../../format.ts';
import { Button } from '../../parts/button.tsx';
import { CopyButton } from '../../parts/copy.tsx';
import { ConfirmDialog, openDialog } from '../../parts/dialog.tsx';
import { Panel } from '../../parts/screen.tsx';
import { Loaded, Notice } from '../../parts/states.tsx';
import { toast } from '../../parts/toast.tsx';
import { Chip, Facts, Time } from '../../parts/values.tsx';
import { SaveButton } from '../../parts/save-button.tsx';
import { useAsk, useCall } from '../../state/calls.ts';
import styles from './settings.module.css';

/** The certificate that is shown, and the authority behind it. */
export function CertificatePanel() {
  const answer = useCall('certificate.get', {});
  return (
    <Loaded answer={answer} rows={6}>
      {(certificate) => (
        <>
          <Leaf certificate={certificate} />
          <Authority certificate={certificate} />
        </>
      )}
    </Loaded>
  );
}

function Leaf({
  certificate: { source, leaf, leftOut, authority },
}: {
  readonly certificate: CertificateRow;
}) {
  const ask = useAsk();
  const renew = (): void =>
    void openDialog((close) => (
      <ConfirmDialog
        title="Renew the certificate?"
        verb="Renew"
        look="primary"
        cli="berth cert renew"
        act={async () => {
          await ask('certificate.renew', {});
          toast({ text: 'The certificate is renewed' });
        }}
        onClose={close}
      >
        <p>
          Another certificate is issued under the same authority: nobody has to trust anything again, and
          connections that are open stay. It renews itself in time; this is for new names.
        </p>
      </ConfirmDialog>
    ));
  const canRenew = authority !== undefined && !authority.isSealed;
  return (
    <Panel
      title="Certificate"
      actions={
        canRenew && (
          <Button icon={<RefreshCw />} onPress={renew}>
            Renew
          </Button>
        )
      }
    >
      {leftOut.length > 0 && (
        <Notice kind="warn">
          Not in the certificate:{' '}
          {leftOut
            .map(
              ({ name, reason }) =>
                `${name} (${reason === 'outside' ? 'the authority may not sign for it' : 'not a name'})`,
            )
            .join(', ')}
        </Notice>
      )}
      <Facts
        rows={[
          ['Made by', source === 'berth' ? 'Berth' : 'You: it is read from your files'],
          ['Subject', leaf.subject],
          ['Names', leaf.names.join(', ')],
          ['Addresses', leaf.addresses.join(', ')],
          ['Valid since', <When key="from" at={leaf.validFrom} />],
          ['Expires', <When key="to" at={leaf.validTo} />],
          ['SHA-256', <Fingerprint key="print" text={leaf.fingerprint} what="certificate" />],
        ]}
      />
    </Panel>
  );
}

function Authority({ certificate: { authority, ca } }: { readonly certificate: CertificateRow }) {
  const ask = useAsk();
  if (authority === undefined) return null;
  const { fingerprint, isSealed, scope } = authority;
  const seal = (): void =>
    void openDialog((close) => (
      <ConfirmDialog
        title="Seal the authority?"
        verb="Destroy 1 key"
        typedName={fingerprint}
        cli="berth cert seal --yes"
        act={async () => {
          await ask('certificate.seal', { fingerprint });
          toast({ text: 'The authority is sealed' });
        }}
        onClose={close}
      >
        <p>
          Its key is destroyed for good: nobody can ever sign with it, and neither can this registry. The
          certificate cannot be renewed or get new names any more. When it expires, a new authority has to be
          made, and every client has to trust that one.
        </p>
      </ConfirmDialog>
    ));
  return (
    <Panel
      title="Authority"
      actions={
        <>
          {ca !== undefined && (
            <SaveButton
              onSave={(asks) => downloadText('berth-ca.crt', ca, { type: 'application/x-pem-file', asks })}
            >
              Download CA
            </SaveButton>
          )}
          {!isSealed && <Button onPress={seal}>Seal…</Button>}
        </>
      }
    >
      <p className={styles['help']}>
        Clients that trust it accept every certificate of this registry. On the command line:{' '}
        <code>berth cert export-ca</code>
      </p>
      <Facts
        rows={[
          ['Subject', authority.subject],
          ['State', <SealState key="state" isSealed={isSealed} />],
          ['Good only for', [...scope.names, ...scope.networks].join(', ')],
          ['Expires', <When key="to" at={authority.validTo} />],
          ['SHA-256', <Fingerprint key="print" text={fingerprint} what="authority" />],
        ]}
      />
    </Panel>
  );
}

function When({ at }: { readonly at: string }) {
  return (
    <>
      {formatAbsolute(at)}, <Time at={at} />
    </>
  );
}

function SealState({ isSealed }: { readonly isSealed: boolean }) {
  return isSealed ? (
    <Chip tone="ok" icon={<ShieldCheck aria-hidden />}>
      Sealed: it signs nothing any more
    </Chip>
  ) : (
    'Signs the certificates of this registry'
  );
}

function Fingerprint({ text, what }: { readonly text: string; readonly what: string }) {
  return (
    <span className={styles['fingerprint']}>
      <code>{text}</code>
      <CopyButton text={text} label={`Copy fingerprint of the ${what}`} />
    </span>
  );
}
