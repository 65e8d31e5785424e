import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { isAppError } from '../../../registry/spec/errors.ts';
import type { EngineRow } from '../../../registry/spec/admin/computer.ts';
import type { Shell } from '../../api/shell.ts';
import { formatPlural } from '../../format.ts';
import { Button } from '../../parts/button.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Chooser } from '../../parts/field.tsx';
import { Empty, Failed, Loaded, Notice, Skeleton } from '../../parts/states.tsx';
import { toastError } from '../../parts/toast.tsx';
import { WriteButton } from '../../parts/write-button.tsx';
import { useCall } from '../../state/calls.ts';
import { useRegistryRefusal } from '../../state/refusal.ts';
import { shellKey, useShellCall } from '../../state/shell.ts';
import { canPush } from '../home/engine-steps.ts';
import { ChooseImages } from './choose-images.tsx';
import { PushProgress } from './push-progress.tsx';
import styles from './push.module.css';
import { type Pushes, usePushes, type WantedPush } from './use-pushes.ts';

/** Images that an engine of this computer holds: chosen, named, and pushed by the engine itself. */
export function PushImages({ shell, onClose }: { readonly shell: Shell; readonly onClose: () => void }) {
  const answer = useCall('engines.list', {});
  const pushes = usePushes(shell);
  const [wanted, setWanted] = useState<readonly (WantedPush | undefined)[]>([]);
  const isChoosing = pushes.rows.length === 0;
  const refusal = useRegistryRefusal();
  return (
    <Dialog
      title="Push images of this computer"
      size="large"
      onClose={onClose}
      buttons={
        isChoosing ? (
          <ChooseButtons wanted={wanted} onStart={pushes.start} onClose={onClose} />
        ) : (
          <PushButtons pushes={pushes} onClose={onClose} />
        )
      }
    >
      {refusal !== undefined && <Notice kind="warn">{refusal}.</Notice>}
      {isChoosing ? (
        <Loaded answer={answer} rows={6}>
          {(engines) => (
            <Engines
              shell={shell}
              engines={engines.filter((engine) => engine.state === 'running' && canPush(engine))}
              onChange={setWanted}
            />
          )}
        </Loaded>
      ) : (
        <PushProgress rows={pushes.rows} />
      )}
    </Dialog>
  );
}

function ChooseButtons({
  wanted,
  onStart,
  onClose,
}: {
  readonly wanted: readonly (WantedPush | undefined)[];
  readonly onStart: (wanted: readonly WantedPush[]) => void;
  readonly onClose: () => void;
}) {
  const named = wanted.filter((one) => one !== undefined);
  return (
    <>
      <Button onPress={onClose}>Close</Button>
      <WriteButton
        look="primary"
        isDisabled={wanted.length === 0 || named.length < wanted.length}
        onPress={() => onStart(named)}
      >
        {wanted.length === 0 ? 'Push' : `Push ${formatPlural(wanted.length, 'image')}`}
      </WriteButton>
    </>
  );
}

function PushButtons({ pushes, onClose }: { readonly pushes: Pushes; readonly onClose: () => void }) {
  if (pushes.isRunning)
    return (
      <>
        <Button onPress={pushes.cancel}>Cancel</Button>
        <Button onPress={onClose}>Go on in the background</Button>
      </>
    );
  return (
    <>
      <Button onPress={pushes.clear}>Push more</Button>
      <Button look="primary" autoFocus onPress={onClose}>
        Close
      </Button>
    </>
  );
}

function Engines({
  shell,
  engines,
  onChange,
}: {
  readonly shell: Shell;
  readonly engines: readonly EngineRow[];
  readonly onChange: (wanted: readonly (WantedPush | undefined)[]) => void;
}) {
  const [chosen, setChosen] = useState<string>();
  const engine = engines.find(({ id }) => id === chosen) ?? engines[0];
  if (engine === undefined)
    return (
      <Empty title="No engine with images runs on this computer">
        <p>Start Docker or Podman. Images in files are brought by the command line: berth import.</p>
      </Empty>
    );
  return (
    <>
      {engines.length > 1 && (
        <div className={styles['engine']}>
          <Chooser
            label="Engine"
            value={engine.id}
            choices={engines.map(({ id, title }) => ({ id, label: title }))}
            onChange={(id) => {
              setChosen(id);
              onChange([]);
            }}
          />
        </div>
      )}
      <Images key={engine.id} shell={shell} engine={engine} onChange={onChange} />
    </>
  );
}

function Images({
  shell,
  engine,
  onChange,
}: {
  readonly shell: Shell;
  readonly engine: EngineRow;
  readonly onChange: (wanted: readonly (WantedPush | undefined)[]) => void;
}) {
  const queries = useQueryClient();
  const { data, error, isPending, refetch } = useShellCall(
    'images.list',
    { engine: engine.id },
    { isFresh: true },
  );
  if (isPending) return <Skeleton rows={6} />;
  if (isAppError(error, 'CONSENT_NEEDED')) {
    const allow = async (): Promise<void> => {
      await shell.call('images.permit', { mayList: true });
      await Promise.all([refetch(), queries.invalidateQueries({ queryKey: shellKey('setup.get') })]);
    };
    return <Permission title={engine.title} onAllow={() => void allow().catch(toastError)} />;
  }
  if (data === undefined) return <Failed error={error} onRetry={() => void refetch()} />;
  return <ChooseImages images={data} engine={engine} onChange={onChange} />;
}

function Permission({ title, onAllow }: { readonly title: string; readonly onAllow: () => void }) {
  return (
    <Notice
      kind="info"
      actions={
        <Button look="primary" autoFocus onPress={onAllow}>
          Allow
        </Button>
      }
    >
      <strong>May Berth look at the images of {title}?</strong> It reads their names, sizes and dates, and
      shows them here; they leave this computer with a push alone. You are asked once, for all engines.
    </Notice>
  );
}
