import { KeyRound, TriangleAlert, X } from 'lucide-react';
import type { TokenRow } from '../../../registry/spec/admin/access.ts';
import { isAppError } from '../../../registry/spec/errors.ts';
import { useShortcuts } from '../../frame/shortcuts.ts';
import { Button, IconButton } from '../../parts/button.tsx';
import { CopyLine } from '../../parts/copy.tsx';
import { ConfirmDialog, openDialog } from '../../parts/dialog.tsx';
import { ColumnsMenu } from '../../parts/columns-menu.tsx';
import { SearchInput } from '../../parts/field.tsx';
import { type Column, Grid } from '../../parts/grid.tsx';
import { Listed } from '../../parts/listed.tsx';
import { Bar } from '../../parts/screen.tsx';
import { Empty } from '../../parts/states.tsx';
import { Chip, Facts, Time } from '../../parts/values.tsx';
import { useParam } from '../../route.ts';
import { shellLine } from '../../shell.ts';
import { useAsk, useRows } from '../../state/calls.ts';
import { LoginOff } from './login-off.tsx';
import { CreateToken } from './create-token.tsx';
import { LastUse, lastUseEveryMs } from './last-use.tsx';
import { formatGlobs } from './words.ts';
import styles from './access.module.css';

/** The tokens: passwords for machines, which are limited, end, and are taken back one by one. */
export function TokensTab() {
  const [q, setQ] = useParam('q');
  const [owner, setOwner] = useParam('owner');
  const list = useRows(
    'tokens.list',
    {
      ...(q === '' ? {} : { q }),
      ...(owner === '' ? {} : { owner }),
    },
    { everyMs: lastUseEveryMs },
  );
  const ask = useAsk();
  const create = (): void =>
    void openDialog((close) => <CreateToken owner={owner === '' ? undefined : owner} onClose={close} />);
  useShortcuts([{ keys: ['n'], label: 'Create a token', group: 'Access', run: create }]);

  const revoke = (token: TokenRow): void =>
    void openDialog((close) => (
      <ConfirmDialog
        title="Revoke the token?"
        verb="Revoke 1 token"
        cli={shellLine('berth', 'token', 'revoke', token.id)}
        act={() => ask('tokens.revoke', { id: token.id })}
        onClose={close}
      >
        <p>The next request with it is refused. It cannot be given back.</p>
        <Facts
          rows={[
            ['Label', <bdi key="label">{token.label}</bdi>],
            ['Owner', <bdi key="owner">{token.owner}</bdi>],
            ['May', `${token.verbs.join(', ')}, ${formatGlobs(token.repositories)}`],
            ['Last used', <LastUse key="used" use={token.lastUse} />],
          ]}
        />
      </ConfirmDialog>
    ));

  return (
    <>
      <Bar label="Tokens">
        <SearchInput isMain label="Search tokens" value={q} onChange={setQ} />
        {owner !== '' && (
          <span className={styles['owner']}>
            <Chip tone="accent">
              Of <bdi>{owner}</bdi>
            </Chip>
            <IconButton label="Show the tokens of everybody" onPress={() => setOwner('')}>
              <X />
            </IconButton>
          </span>
        )}
        <span className={styles['grow']} />
        <ColumnsMenu name="tokens" columns={columns} />
        <Button look="primary" icon={<KeyRound />} onPress={create}>
          Create token
        </Button>
      </Bar>
      {isAppError(list.error, 'LOGIN_OFF') ? (
        <LoginOff />
      ) : (
        <Listed list={list}>
          <Grid
            label="Tokens"
            name="tokens"
            columns={columns}
            rows={list.rows}
            total={list.total}
            keyOf={({ id }) => id}
            need={list.need}
            menuOf={(token) => [
              { id: 'revoke', label: 'Revoke…', keys: 'Delete', isDanger: true, act: () => revoke(token) },
            ]}
            onKey={(event, token) => {
              if (event.key !== 'Delete' && !(event.key === 'Backspace' && (event.metaKey || event.ctrlKey)))
                return false;
              revoke(token);
              return true;
            }}
            isStale={list.isStale}
            empty={q === '' && owner === '' ? <NoTokens /> : <NotFound />}
          />
        </Listed>
      )}
    </>
  );
}

function NoTokens() {
  return (
    <Empty icon={<KeyRound />} title="No tokens yet">
      <p>
        A token is a password for a machine: it can be limited to some repositories, it ends, and it is taken
        back without changing anything else. It never may do more than its owner.
      </p>
      <CopyLine
        text="berth token create --user NAME --label runner --scope pull --repositories 'team/**'"
        label="Copy command"
      />
    </Empty>
  );
}

function NotFound() {
  const [, setQ] = useParam('q');
  const [, setOwner] = useParam('owner');
  return (
    <Empty title="No token matches">
      <Button
        onPress={() => {
          setQ('');
          setOwner('');
        }}
      >
        Show all tokens
      </Button>
    </Empty>
  );
}

const columns: readonly Column<TokenRow>[] = [
  {
    id: 'label',
    title: 'Label',
    width: 'minmax(90px, 2fr)',
    canHide: false,
    cell: ({ label, id }) =>
      label === '' ? (
        <code className={styles['id']}>{id}</code>
      ) : (
        <span title={`${label}\n${id}`}>
          <bdi>{label}</bdi>
        </span>
      ),
  },
  {
    id: 'owner',
    title: 'Owner',
    width: 'minmax(70px, 1fr)',
    cell: ({ owner }) => (
      <span title={owner}>
        <bdi>{owner}</bdi>
      </span>
    ),
  },
  {
    id: 'scope',
    title: 'May',
    width: 'minmax(100px, 2fr)',
    cell: ({ verbs, repositories }) => (
      <span title={repositories.join('\n')}>
        {verbs.join(', ')} <span className={styles['globs']}>{formatGlobs(repositories)}</span>
      </span>
    ),
  },
  {
    id: 'expires',
    title: 'Expires',
    width: '92px',
    cell: ({ expiresAt, isExpired }) =>
      isExpired ? (
        <Chip tone="err" icon={<TriangleAlert aria-hidden />} title={expiresAt}>
          Expired
        </Chip>
      ) : (
        <Time at={expiresAt} />
      ),
  },
  {
    id: 'used',
    title: 'Last used',
    width: 'minmax(100px, 2fr)',
    cell: ({ lastUse }) => <LastUse use={lastUse} />,
  },
  {
    id: 'created',
    title: 'Created',
    width: '110px',
    fromWidth: 820,
    cell: ({ createdAt }) => <Time at={createdAt} />,
  },
];
