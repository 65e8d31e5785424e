import { useMemo } from 'react';
import type { EngineRow } from '../../../registry/spec/admin/computer.ts';
import type { Shell } from '../../api/shell.ts';
import { type Column, Grid } from '../../parts/grid.tsx';
import { Panel } from '../../parts/screen.tsx';
import { Empty, Loaded } from '../../parts/states.tsx';
import { Chip } from '../../parts/values.tsx';
import { useCall } from '../../state/calls.ts';
import { useShell } from '../../state/shell.ts';
import { desktopParts } from '../../frame/desktop-parts.ts';
import { PartPlace } from '../../frame/part-place.tsx';
import { needOf } from './engine-need.ts';

const facts: readonly Column<EngineRow>[] = [
  {
    id: 'title',
    title: 'Engine',
    width: 'minmax(160px, 2fr)',
    cell: ({ title }) => <span title={title}>{title}</span>,
  },
  {
    id: 'state',
    title: 'Ready',
    width: '130px',
    cell: (engine) => {
      const { word, tone } = needOf(engine);
      return <Chip tone={tone}>{word}</Chip>;
    },
  },
  {
    id: 'address',
    title: 'Address for it',
    width: 'minmax(150px, 1fr)',
    cell: ({ address }) => <code>{address}</code>,
  },
  {
    id: 'need',
    title: 'What it needs',
    width: 'minmax(200px, 3fr)',
    cell: ({ need, notes }) => {
      const text = [need.sentence, ...notes].join(' ');
      return <span title={text}>{text}</span>;
    },
  },
];

function actsOf(shell: Shell): Column<EngineRow> {
  return {
    id: 'acts',
    title: 'Acts',
    width: '200px',
    cell: (engine, { excludeFromTabOrder }) => (
      <PartPlace part={desktopParts.engineActs} props={{ shell, engine, excludeFromTabOrder }} />
    ),
  };
}

/** The container engines of the registry's computer, with what makes them accept it where that can be done from here. */
export function Engines() {
  const answer = useCall('engines.list', {});
  const shell = useShell();
  const columns = useMemo(() => (shell === undefined ? facts : [...facts, actsOf(shell)]), [shell]);
  return (
    <Panel title="Engines on the computer of the registry">
      <Loaded answer={answer} rows={3}>
        {(rows) => (
          <Grid
            label="Engines"
            isInline
            columns={columns}
            rows={rows}
            total={rows.length}
            keyOf={({ id }) => id}
            empty={
              <Empty title="No container engine was found">
                <p>
                  Docker, Podman and others are found by their sockets. Any client can use the registry all
                  the same.
                </p>
              </Empty>
            }
          />
        )}
      </Loaded>
    </Panel>
  );
}
