import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { BundleRow } from '../../../registry/spec/admin/transfer.ts';
import { formatBytes, formatPlural, formatReference } from '../../format.ts';
import { sentencesOf } from '../../messages.ts';
import { Button } from '../../parts/button.tsx';
import { CliLine } from '../../parts/copy.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { TextInput } from '../../parts/field.tsx';
import { Notice } from '../../parts/states.tsx';
import { toast, toastError } from '../../parts/toast.tsx';
import { hrefOf, navigate } from '../../route.ts';
import { useAsk } from '../../state/calls.ts';
import { useRegistryRefusal } from '../../state/refusal.ts';
import { BundleFacts } from './bundle-facts.tsx';
import { ChooseFile } from './choose-file.tsx';
import { importLine, isName, isPrefix, type Naming, renamesOf } from './import-names.ts';
import { ImportImages } from './import-images.tsx';
import { TaskProgress } from './task-progress.tsx';
import { type ImportSource, type ReadBundle, useBundle } from './use-bundle.ts';
import styles from './transfer.module.css';

type Phase =
  | { readonly kind: 'asking'; readonly error?: unknown }
  | { readonly kind: 'running' }
  | { readonly kind: 'done'; readonly row: BundleRow };

/** Asks for a file where none is given, says what it holds, and brings that in. */
export function ImportDialog({
  source: given,
  onClose,
}: {
  readonly source?: ImportSource | undefined;
  readonly onClose: () => void;
}) {
  const ask = useAsk();
  const [source, setSource] = useState(given);
  const [naming, setNaming] = useState<Naming>({ prefix: '', names: {} });
  const [phase, setPhase] = useState<Phase>({ kind: 'asking' });
  const refusal = useRegistryRefusal();
  const isRefused = refusal !== undefined && phase.kind === 'asking';
  const { state, hold } = useBundle(isRefused ? undefined : source);
  const isShown = useShown();
  const file = fileOf(source);
  const isRunning = phase.kind === 'running';

  const run = async (read: ReadBundle): Promise<void> => {
    const letGo = hold();
    setPhase({ kind: 'running' });
    try {
      const row = await ask('bundles.import', {
        ...read.place,
        ...(naming.prefix === '' ? {} : { prefix: naming.prefix }),
        renames: [...renamesOf(read.row.images, naming)],
      });
      if (isShown.current) setPhase({ kind: 'done', row });
      else toastImported(file, row);
      await letGo(true);
    } catch (error) {
      await letGo(!isShown.current);
      if (isShown.current) setPhase({ kind: 'asking', error });
      else toastError(error);
    }
  };

  if (phase.kind === 'done')
    return (
      <ImportFrame
        title={`Imported ${formatPlural(phase.row.total, 'image')}`}
        onClose={onClose}
        buttons={
          <Button look="primary" autoFocus onPress={onClose}>
            Done
          </Button>
        }
      >
        <Imported file={file} row={phase.row} onClose={onClose} />
      </ImportFrame>
    );
  if (source === undefined || isRefused)
    return (
      <ImportFrame
        title="Import images"
        onClose={onClose}
        buttons={<Button onPress={onClose}>Cancel</Button>}
      >
        {isRefused ? <Notice kind="warn">{refusal}.</Notice> : <ChooseFile onChoose={setSource} />}
      </ImportFrame>
    );
  return (
    <ImportFrame
      title={`Import ${file}`}
      onClose={onClose}
      buttons={
        <>
          {state.kind === 'failed' && (
            <Button autoFocus onPress={() => setSource(undefined)}>
              Choose another file
            </Button>
          )}
          <Button autoFocus onPress={onClose}>
            {isRunning ? 'Continue in the background' : 'Cancel'}
          </Button>
          {state.kind === 'read' && (
            <Button
              look="primary"
              isDisabled={!isFine(naming)}
              isPending={isRunning}
              onPress={() => void run(state)}
            >
              Import {formatPlural(state.row.total, 'image')}
            </Button>
          )}
        </>
      }
    >
      <BundleFacts source={source} state={state} />
      {state.kind === 'read' && (
        <ImportForm
          source={source}
          row={state.row}
          naming={naming}
          onName={setNaming}
          isRunning={isRunning}
          error={phase.kind === 'asking' ? phase.error : undefined}
        />
      )}
    </ImportFrame>
  );
}

/** One dialog whatever is in it, so that it keeps the focus. */
function ImportFrame(props: {
  readonly title: string;
  readonly buttons: ReactNode;
  readonly onClose: () => void;
  readonly children: ReactNode;
}) {
  return <Dialog size="large" {...props} />;
}

function ImportForm({
  source,
  row,
  naming,
  onName,
  isRunning,
  error,
}: {
  readonly source: ImportSource;
  readonly row: BundleRow;
  readonly naming: Naming;
  readonly onName: (naming: Naming) => void;
  readonly isRunning: boolean;
  readonly error: unknown;
}) {
  const { prefix, names } = naming;
  const file = fileOf(source);
  return (
    <>
      <TextInput
        label="Put below"
        value={prefix}
        onChange={(next) => onName({ ...naming, prefix: next })}
        isCode
        autoFocus
        isDisabled={isRunning}
        autoComplete="off"
        placeholder="the names of the file as they are"
        help="mirror makes mirror/team/app of team/app."
        {...(isPrefix(prefix)
          ? {}
          : { error: 'Lower-case letters, digits and . _ - / between them, such as mirror.' })}
      />
      <ImportImages
        row={row}
        naming={naming}
        isDisabled={isRunning}
        onRename={(index, name) => onName({ ...naming, names: { ...names, [index]: name } })}
      />
      {isRunning && <TaskProgress kind="import" label={`Importing ${file}`} />}
      {error !== undefined && <Notice kind="error">{sentencesOf(error)}</Notice>}
      <CliLine command={importLine(source.kind === 'path' ? source.given.path : file, row.images, naming)} />
    </>
  );
}

function fileOf(source: ImportSource | undefined): string {
  if (source === undefined) return '';
  return source.kind === 'path' ? source.given.name : source.file.name;
}

function isFine({ prefix, names }: Naming): boolean {
  return isPrefix(prefix) && Object.values(names).every((name = '') => name === '' || isName(name));
}

/** True while the dialog is there: what it began outlives it. */
function useShown(): { readonly current: boolean } {
  const isShown = useRef(true);
  useEffect(() => {
    isShown.current = true;
    return () => {
      isShown.current = false;
    };
  }, []);
  return isShown;
}

function toastImported(file: string, row: BundleRow): void {
  const [first] = row.images.filter(({ repository }) => repository !== undefined);
  toast({
    text: `Imported ${formatPlural(row.total, 'image')} from ${file}.`,
    ...(first?.repository === undefined
      ? {}
      : {
          action: {
            label: 'Show',
            run: () => navigate({ page: 'repository', repository: first.repository ?? '' }),
          },
        }),
  });
}

function Imported({
  file,
  row,
  onClose,
}: {
  readonly file: string;
  readonly row: BundleRow;
  readonly onClose: () => void;
}) {
  const { images, total, newBytes } = row;
  return (
    <>
      <Notice kind="ok">
        {newBytes === 0
          ? `All layers of ${file} were here already.`
          : `${file} is imported; ${formatBytes(newBytes)} were new.`}
      </Notice>
      <ul className={styles['links']}>
        {images.map(({ repository = '', tag, digest }) => (
          <li key={`${repository} ${tag ?? ''} ${digest}`}>
            <a href={hrefOf({ page: 'image', repository, reference: tag ?? digest })} onClick={onClose}>
              {formatReference(repository, tag ?? digest)}
            </a>
          </li>
        ))}
      </ul>
      {total > images.length && <p className={styles['muted']}>And {total - images.length} more.</p>}
    </>
  );
}
