import { CircleCheck, PackageOpen } from 'lucide-react';
import type { TagRow } from '../../../registry/spec/admin/content.ts';
import type { Shell } from '../../api/shell.ts';
import { openPushImages } from '../../frame/open.tsx';
import { Button } from '../../parts/button.tsx';
import { CopyLine } from '../../parts/copy.tsx';
import { Panel } from '../../parts/screen.tsx';
import { Failed } from '../../parts/states.tsx';
import { Bytes, Chip, Time } from '../../parts/values.tsx';
import { WriteButton } from '../../parts/write-button.tsx';
import { navigate } from '../../route.ts';
import { useAct } from '../../state/calls.ts';
import { useShell } from '../../state/shell.ts';
import { useSessions } from '../../state/sessions.ts';
import { useSeconds } from '../../state/tick.ts';
import { PlaceLink } from '../activity/place-link.tsx';
import { TransferList } from '../activity/transfer-list.tsx';
import { recentOf } from '../activity/transfer.ts';
import styles from './home.module.css';

/** In the place of figures before there is an image: how the first one comes, and that it comes. */
export function Waiting({
  commands,
  isLoggedIn,
  first,
  onDone,
}: {
  /** Login, unless that is done, tag and push. */
  readonly commands: string;
  readonly isLoggedIn: boolean;
  /** The first image, once it is there. */
  readonly first: TagRow | undefined;
  readonly onDone: () => void;
}) {
  const shell = useShell();
  return (
    <Panel title={first === undefined ? 'Waiting for your first push' : 'Your first image is here'}>
      {first === undefined ? (
        <>
          <p className={styles['muted']}>
            Nothing is stored yet. Type this where your images are
            {isLoggedIn ? ', for an image of yours.' : '; it asks for your password.'}
          </p>
          <CopyLine text={commands} label={isLoggedIn ? 'Copy tag and push' : 'Copy login, tag and push'} />
          <LivePush />
          {shell !== undefined && <FromEngine shell={shell} />}
          <Sample />
        </>
      ) : (
        <Arrived first={first} onDone={onDone} />
      )}
    </Panel>
  );
}

function LivePush() {
  const sessions = useSessions();
  const now = useSeconds(sessions.length > 0);
  const pushes = recentOf(sessions, now).filter(({ kind }) => kind === 'push');
  return (
    <div className={styles['livePlace']}>
      {pushes.length === 0 ? (
        <p className={styles['waiting']} role="status">
          <PackageOpen aria-hidden /> Waiting: a push appears here as it begins.
        </p>
      ) : (
        <TransferList rows={pushes} now={now} />
      )}
    </div>
  );
}

function FromEngine({ shell }: { readonly shell: Shell }) {
  return (
    <div className={styles['act']}>
      <WriteButton onPress={() => openPushImages(shell)}>Push images of this computer</WriteButton>
      <span className={styles['muted']}>Choose from what your engine has; it pushes them itself.</span>
    </div>
  );
}

function Sample() {
  const push = useAct('samples.push');
  return (
    <div className={styles['act']}>
      <WriteButton isPending={push.isPending} onPress={() => void push.run({})}>
        Push a sample for me
      </WriteButton>
      {push.error !== undefined && <Failed error={push.error} />}
      <span className={styles['muted']}>
        Stores a tiny image as <code>sample/hello:latest</code>. No engine is needed.
      </span>
    </div>
  );
}

function Arrived({ first, onDone }: { readonly first: TagRow; readonly onDone: () => void }) {
  const { repository, tag, totalBytes, platforms, pushedBy, pushedAt } = first;
  return (
    <div className={styles['arrived']} role="status">
      <CircleCheck aria-label="Done" className={styles['okIcon']} />
      <PlaceLink of={{ repository, tag }} />
      <Bytes value={totalBytes} />
      {platforms.slice(0, 3).map((platform) => (
        <Chip key={platform}>{platform}</Chip>
      ))}
      {pushedBy !== undefined && <span className={styles['muted']}>by {pushedBy}</span>}
      <span className={styles['muted']}>
        <Time at={pushedAt} />
      </span>
      <span className={styles['spring']} />
      <Button look="primary" onPress={() => navigate({ page: 'image', repository, reference: tag })}>
        Open
      </Button>
      <Button onPress={onDone}>Done</Button>
    </div>
  );
}
