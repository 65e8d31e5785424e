import { History } from 'lucide-react';
import type { ChangeRow } from '../../../registry/spec/admin/computer.ts';
import { Button } from '../../parts/button.tsx';
import { openDialog } from '../../parts/dialog.tsx';
import { type Column, Grid } from '../../parts/grid.tsx';
import { Screen } from '../../parts/screen.tsx';
import { Empty, Loaded } from '../../parts/states.tsx';
import { Chip, Time } from '../../parts/values.tsx';
import { desktopParts } from '../../frame/desktop-parts.ts';
import { PartPlace } from '../../frame/part-place.tsx';
import { formatPlural } from '../../format.ts';
import { useShell } from '../../state/shell.ts';
import { useCall } from '../../state/calls.ts';
import { ChangeDialog } from './change-dialog.tsx';
import { changeStates, isStanding } from './change-state.ts';

const columns: readonly Column<ChangeRow>[] = [
  { id: 'when', title: 'When', width: '130px', cell: ({ changedAt }) => <Time at={changedAt} /> },
  {
    id: 'what',
    title: 'What',
    width: 'minmax(200px, 2fr)',
    canHide: false,
    cell: (row, { excludeFromTabOrder }) => (
      <button
        type="button"
        tabIndex={excludeFromTabOrder ? -1 : 0}
        onClick={() => open(row)}
        title={row.title}
      >
        {row.title}
      </button>
    ),
  },
  {
    id: 'where',
    title: 'Where',
    width: 'minmax(180px, 2fr)',
    cell: ({ where }) => <code title={where}>{where}</code>,
  },
  { id: 'engine', title: 'Engine', width: '110px', cell: ({ engine }) => engine },
  { id: 'by', title: 'By', width: '90px', cell: ({ by }) => by },
  {
    id: 'state',
    title: 'State',
    width: '160px',
    cell: ({ state }) => <Chip tone={changeStates[state].tone}>{changeStates[state].word}</Chip>,
  },
];

function open({ id }: ChangeRow): void {
  void openDialog((close) => <ChangeDialog id={id} onClose={close} />);
}

/** What Berth has changed on the computer after consent, and how each is taken back. */
export function ChangesScreen() {
  const answer = useCall('changes.list', {});
  const shell = useShell();
  const rows = answer.data?.toReversed() ?? [];
  const standing = rows.filter(isStanding);
  return (
    <Screen
      title="System changes"
      facts={answer.data && formatPlural(rows.length, 'change')}
      isScrolling={false}
      actions={
        shell !== undefined &&
        standing.length > 0 && (
          <Button
            onPress={() =>
              void openDialog((close) => (
                <PartPlace part={desktopParts.undoAll} props={{ shell, rows: standing, onClose: close }} />
              ))
            }
          >
            Undo all…
          </Button>
        )
      }
    >
      <Loaded answer={answer}>
        {() => (
          <Grid
            label="System changes"
            name="changes"
            columns={columns}
            rows={rows}
            total={rows.length}
            keyOf={({ id }) => id}
            onOpen={open}
            empty={
              <Empty icon={<History />} title="Berth has changed nothing on this computer">
                <p>
                  Trust in the certificate, an entry in daemon.json, a login: whatever is changed after you
                  have agreed is listed here with its difference, and can be undone.
                </p>
              </Empty>
            }
          />
        )}
      </Loaded>
    </Screen>
  );
}
