import { Ban, CircleCheck, TriangleAlert, UserPlus } from 'lucide-react';
import type { KeyboardEvent } from 'react';
import type { UserRow } from '../../../registry/spec/admin/access.ts';
import { isAppError } from '../../../registry/spec/errors.ts';
import { downloadText } from '../../download.ts';
import { formatCount } from '../../format.ts';
import { useShortcuts } from '../../frame/shortcuts.ts';
import { Button } from '../../parts/button.tsx';
import { ColumnsMenu } from '../../parts/columns-menu.tsx';
import { SearchInput } from '../../parts/field.tsx';
import { type Column, Grid } from '../../parts/grid.tsx';
import { Listed } from '../../parts/listed.tsx';
import type { MenuEntry } from '../../parts/menu.tsx';
import { Bar } from '../../parts/screen.tsx';
import { Empty, Notice } from '../../parts/states.tsx';
import { toast, toastError } from '../../parts/toast.tsx';
import { Chip, Time } from '../../parts/values.tsx';
import { SaveButton } from '../../parts/save-button.tsx';
import { hrefOf, navigate, useParam } from '../../route.ts';
import { useAsk, useRows } from '../../state/calls.ts';
import { LoginOff } from './login-off.tsx';
import { LastUse, lastUseEveryMs } from './last-use.tsx';
import { type UserActs, useUserActs } from './user-acts.tsx';
import { useMe } from './me.ts';
import { formatGlobs, roleWords } from './words.ts';
import styles from './access.module.css';

/** The users, and everything that can be done with them. */
export function UsersTab() {
  const [q, setQ] = useParam('q');
  const list = useRows('users.list', q === '' ? {} : { q }, { everyMs: lastUseEveryMs });
  const ask = useAsk();
  const acts = useUserActs();
  useShortcuts([{ keys: ['n'], label: 'Add a user', group: 'Access', run: acts.add }]);
  const unusable = list.rows.filter(({ state }) => state === 'unusable hash').map(({ name }) => name);

  async function exportUsers(asks: boolean): Promise<void> {
    try {
      const { text } = await ask('users.export', {});
      downloadText('users.htpasswd', text, { asks });
      // Whether a dialog was answered is told by the desktop.
      if (!asks) toast({ text: 'Saved users.htpasswd, with the hashes of the passwords' });
    } catch (error) {
      toastError(error);
    }
  }

  return (
    <>
      <Bar label="Users">
        <SearchInput isMain label="Search users" value={q} onChange={setQ} />
        <span className={styles['grow']} />
        <ColumnsMenu name="users" columns={columns} />
        <Button onPress={acts.importUsers}>Import</Button>
        <SaveButton onSave={(asks) => void exportUsers(asks)}>Export</SaveButton>
        <Button look="primary" icon={<UserPlus />} onPress={acts.add}>
          Add user
        </Button>
      </Bar>
      {unusable.length > 0 && (
        <div className={styles['notice']}>
          <Notice kind="warn">
            Cannot log in: {unusable.join(', ')}. The user file has a hash that is not bcrypt; reset the
            password.
          </Notice>
        </div>
      )}
      {isAppError(list.error, 'LOGIN_OFF') ? (
        <LoginOff />
      ) : (
        <Listed list={list}>
          <Grid
            label="Users"
            name="users"
            columns={columns}
            rows={list.rows}
            total={list.total}
            keyOf={({ name }) => name}
            need={list.need}
            onOpen={acts.edit}
            menuOf={(user) => entriesOf(user, acts)}
            onKey={(event, user) => onKey(event, user, acts)}
            isStale={list.isStale}
            empty={
              <Empty title="No user is called so">
                <Button onPress={() => setQ('')}>Clear the search</Button>
              </Empty>
            }
          />
        </Listed>
      )}
    </>
  );
}

function onKey(event: KeyboardEvent, user: UserRow, acts: UserActs): boolean {
  if (event.key === 'Delete' || (event.key === 'Backspace' && (event.metaKey || event.ctrlKey))) {
    acts.remove(user);
    return true;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  if (event.key === 'r') acts.resetPassword(user);
  else if (event.key === 'x') void acts.toggle(user);
  else if (event.key === 't') navigate({ page: 'access', tab: 'tokens' }, { params: { owner: user.name } });
  else return false;
  return true;
}

const columns: readonly Column<UserRow>[] = [
  {
    id: 'name',
    title: 'Name',
    width: 'minmax(110px, 2fr)',
    canHide: false,
    cell: ({ name }) => <UserName name={name} />,
  },
  { id: 'role', title: 'Role', width: '84px', cell: ({ role }) => roleWords[role] },
  {
    id: 'repositories',
    title: 'Repositories',
    width: 'minmax(80px, 1.5fr)',
    cell: ({ repositories, grants }) => (
      <>
        <span className={styles['globs']} title={repositories.join('\n')}>
          {formatGlobs(repositories)}
        </span>
        {grants.length > 0 && (
          <Chip
            title={grants.map((each) => `${each.verbs.join(' ')}: ${each.repositories.join(' ')}`).join('\n')}
          >
            +{formatCount(grants.length)}
          </Chip>
        )}
      </>
    ),
  },
  {
    id: 'tokens',
    title: 'Tokens',
    width: '52px',
    align: 'end',
    fromWidth: 720,
    cell: ({ name, tokens }, { excludeFromTabOrder }) =>
      tokens === 0 ? (
        <span className={styles['muted']}>0</span>
      ) : (
        <a
          href={hrefOf({ page: 'access', tab: 'tokens' }, { owner: name })}
          tabIndex={excludeFromTabOrder ? -1 : 0}
          aria-label={`Tokens of ${name}: ${formatCount(tokens)}`}
        >
          {formatCount(tokens)}
        </a>
      ),
  },
  {
    id: 'used',
    title: 'Last used',
    width: 'minmax(130px, 3fr)',
    cell: ({ lastUse }) => <LastUse use={lastUse} />,
  },
  {
    id: 'created',
    title: 'Created',
    width: '110px',
    fromWidth: 820,
    cell: ({ createdAt }) =>
      createdAt === undefined ? <span className={styles['muted']}>unknown</span> : <Time at={createdAt} />,
  },
  { id: 'state', title: 'State', width: '96px', cell: ({ state }) => <StateChip state={state} /> },
];

function entriesOf(user: UserRow, acts: UserActs): readonly MenuEntry[] {
  return [
    { id: 'edit', label: 'Role and repositories…', keys: 'Enter', act: () => acts.edit(user) },
    { id: 'password', label: 'Reset password…', keys: 'r', act: () => acts.resetPassword(user) },
    {
      id: 'toggle',
      label: user.state === 'disabled' ? 'Enable' : 'Disable',
      keys: 'x',
      act: () => void acts.toggle(user),
    },
    {
      id: 'tokens',
      label: 'Tokens',
      keys: 't',
      act: () => navigate({ page: 'access', tab: 'tokens' }, { params: { owner: user.name } }),
    },
    { id: 'remove', label: 'Delete…', keys: 'Delete', isDanger: true, act: () => acts.remove(user) },
  ];
}

function UserName({ name }: Pick<UserRow, 'name'>) {
  const isMe = useMe() === name;
  return (
    <span title={name}>
      <bdi>{name}</bdi> {isMe && <span className={styles['muted']}>(you)</span>}
    </span>
  );
}

function StateChip({ state }: Pick<UserRow, 'state'>) {
  switch (state) {
    case 'active':
      return (
        <Chip tone="ok" icon={<CircleCheck aria-hidden />}>
          Active
        </Chip>
      );
    case 'disabled':
      return <Chip icon={<Ban aria-hidden />}>Disabled</Chip>;
    default:
      state satisfies 'unusable hash';
      return (
        <Chip tone="warn" icon={<TriangleAlert aria-hidden />} title="Not bcrypt: reset the password">
          Unusable hash
        </Chip>
      );
  }
}
