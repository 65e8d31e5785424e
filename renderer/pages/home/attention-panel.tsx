import { CircleAlert, CircleCheck, TriangleAlert, X } from 'lucide-react';
import type { ReactNode } from 'react';
import type { EngineRow } from '../../../registry/spec/admin/computer.ts';
import type { Shell } from '../../api/shell.ts';
import { Button, IconButton } from '../../parts/button.tsx';
import { CopyButton } from '../../parts/copy.tsx';
import { Panel } from '../../parts/screen.tsx';
import { type Answer, Loaded } from '../../parts/states.tsx';
import { toast, toastError } from '../../parts/toast.tsx';
import { formatForeign } from '../../format.ts';
import { hrefOf } from '../../route.ts';
import { useAsk, useCall } from '../../state/calls.ts';
import { useNow } from '../../state/clock.ts';
import { setPreferences, usePreferences } from '../../state/preferences.ts';
import { useShell } from '../../state/shell.ts';
import { type AttentionItem, attentionOf } from './attention.ts';
import { useFix } from './use-engine-setup.tsx';
import styles from './home.module.css';

/** One list of all that somebody should do something about. */
export function AttentionPanel() {
  const now = useNow();
  const { mutedChecks, mutedEngines, refusedLogins } = usePreferences();
  const shell = useShell();
  const status = useCall('status.get', {});
  const certificate = useCall('certificate.get', {});
  const cards = useCall('cards.list', {});
  const webhooks = useCall('webhooks.list', {});
  const scrub = useCall('scrub.status', {});
  const engines = useCall('engines.list', {});
  const expiring = useCall('rules.expiring', { limit: 1 });
  const asked = [status, certificate, cards, webhooks, scrub, engines, expiring];
  // To run the checks takes seconds: what the doctor has found is told, and nothing is looked at.
  const { data: checks } = useCall('checks.run', {}, { isWanted: false });
  const items = attentionOf(
    {
      status: status.data,
      certificate: certificate.data,
      cards: cards.data,
      webhooks: webhooks.data,
      scrub: scrub.data,
      engines: engines.data,
      expiring: expiring.data,
      checks,
      mutedChecks,
      mutedEngines,
      refusedLogins,
    },
    now,
  );
  return (
    <Panel title="Needs you">
      {items.length === 0 ? (
        <Calm asked={asked} />
      ) : (
        <ul className={styles['items']}>
          {items.map((item) => {
            const { dismiss } = item;
            const engine = engines.data?.find(({ id }) => id === dismiss?.id);
            const canFix = shell !== undefined && engine !== undefined;
            return (
              <Item key={item.id} item={item}>
                {canFix && dismiss !== undefined && dismiss.kind !== 'card' && (
                  <Fix shell={shell} engine={engine} what={dismiss.kind} />
                )}
              </Item>
            );
          })}
        </ul>
      )}
    </Panel>
  );
}

/** Nothing, as far as all have answered. */
function Calm({ asked }: { readonly asked: readonly Answer<unknown>[] }) {
  const failed = asked.find(({ data, error }) => data === undefined && error !== null);
  if (failed !== undefined) return <Loaded answer={failed}>{() => null}</Loaded>;
  return (
    <p className={styles['calm']}>
      {asked.every(({ data }) => data !== undefined) && (
        <>
          <CircleCheck aria-hidden /> Nothing needs you.
        </>
      )}
    </p>
  );
}

function Item({
  item: { kind, text, link, command, dismiss },
  children,
}: {
  readonly item: AttentionItem;
  /** What mends it here, in place of a command to type. */
  readonly children: ReactNode;
}) {
  const Icon = kind === 'error' ? CircleAlert : TriangleAlert;
  return (
    <li className={styles['item']}>
      <Icon aria-label={kind === 'error' ? 'Error' : 'Warning'} className={styles[kind]} />
      <span className={styles['itemText']}>{formatForeign(text)}</span>
      {link !== undefined && <a href={hrefOf(link.to)}>{link.label}</a>}
      {children}
      {command !== undefined && children === false && (
        <span className={styles['inline']}>
          <code className={styles['command']}>{formatForeign(command)}</code>
          <CopyButton text={command} label={`Copy ${command}`} />
        </span>
      )}
      {dismiss !== undefined && <Dismiss of={dismiss} text={text} />}
    </li>
  );
}

function Fix({
  shell,
  engine,
  what,
}: {
  readonly shell: Shell;
  readonly engine: EngineRow;
  readonly what: 'engine' | 'login';
}) {
  const fix = useFix(shell);
  return <Button onPress={() => void fix(engine, what).catch(toastError)}>Fix</Button>;
}

function Dismiss({
  of: { kind, id },
  text,
}: {
  readonly of: NonNullable<AttentionItem['dismiss']>;
  readonly text: string;
}) {
  const ask = useAsk();
  const isDesktop = useShell() !== undefined;
  const { mutedEngines, refusedLogins } = usePreferences();
  const act = (): void => {
    if (kind === 'card') {
      ask('cards.dismiss', { id }).then(() => toast({ text: 'Put away until it happens again' }), toastError);
      return;
    }
    setPreferences(
      kind === 'engine'
        ? { mutedEngines: [...mutedEngines, id] }
        : { refusedLogins: refusedLogins.filter((each) => each !== id) },
    );
    toast({
      text: isDesktop ? 'You will not be reminded' : 'You will not be reminded in this browser',
      undo: async () => setPreferences({ mutedEngines, refusedLogins }),
    });
  };
  return (
    <IconButton
      label={kind === 'card' ? `Put away until it happens again: ${text}` : `Don’t remind me: ${text}`}
      onPress={act}
    >
      <X />
    </IconButton>
  );
}
