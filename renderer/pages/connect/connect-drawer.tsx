import { useState } from 'react';
import type { SnippetRow } from '../../../registry/spec/admin/computer.ts';
import { dockerKinds, podmanKinds } from '../../../registry/spec/engine-kinds.ts';
import { addressFor, isHere as isReadHere } from '../../address.ts';
import { CopyButton } from '../../parts/copy.tsx';
import { Drawer } from '../../parts/dialog.tsx';
import { downloadText } from '../../download.ts';
import { TextInput } from '../../parts/field.tsx';
import { Empty, Loaded, Notice } from '../../parts/states.tsx';
import { Tabs } from '../../parts/tabs.tsx';
import { SaveButton } from '../../parts/save-button.tsx';
import { Chip } from '../../parts/values.tsx';
import { formatReference } from '../../format.ts';
import type { Route } from '../../place.ts';
import { usePlace } from '../../route.ts';
import { useCall } from '../../state/calls.ts';
import { useClientUser } from '../../state/client-user.ts';
import { preferences, setPreferences } from '../../state/preferences.ts';
import { useShell } from '../../state/shell.ts';
import { desktopParts } from '../../frame/desktop-parts.ts';
import { PartPlace } from '../../frame/part-place.tsx';
import { needOf } from '../doctor/engine-need.ts';
import styles from './connect-drawer.module.css';

/** Clients that are used together share a tab; `engines` are the kinds that they work with. */
const tabs: readonly (readonly [
  id: string,
  label: string,
  clients: readonly string[],
  engines?: readonly string[],
])[] = [
  ['docker', 'Docker', ['docker'], dockerKinds],
  ['podman', 'Podman', ['podman'], podmanKinds],
  ['nerdctl', 'nerdctl', ['nerdctl', 'containerd'], ['containerd']],
  ['compose', 'Compose', ['compose'], dockerKinds],
  ['buildx', 'buildx', ['buildx'], [...dockerKinds, 'buildkit']],
  ['kubernetes', 'Kubernetes', ['kubernetes'], ['microk8s']],
  ['clusters', 'kind, k3d, minikube', ['kind', 'k3d', 'minikube'], ['kind', 'k3d', 'minikube']],
  ['helm', 'Helm', ['helm']],
  ['oras', 'ORAS', ['oras']],
  ['skopeo', 'skopeo, crane', ['skopeo', 'crane']],
  ['ci', 'CI', ['github-actions', 'gitlab-ci']],
];
const caName = 'berth-ca.crt';

/** How each client reaches this registry: what to type, with address, user and image filled in. */
export function ConnectDrawer({ onClose }: { readonly onClose: () => void }) {
  const clientUser = useClientUser();
  const { route } = usePlace();
  const { data: newest } = useCall(
    'tags.list',
    { repository: 'repository' in route ? route.repository : '', q: '-is:fallback', limit: 1 },
    { isWanted: route.page === 'repository' },
  );
  const [typedImage, setImage] = useState<string>();
  const image = typedImage ?? imageOf(route, newest?.rows[0]?.tag);
  const [typedUser, setUser] = useState<string>();
  const user = typedUser ?? clientUser;
  const [tab, setTab] = useState(preferences().client);
  const { data: status } = useCall('status.get', {});
  const { data: certificate } = useCall('certificate.get', {});
  const isHere = isReadHere();
  const answer = useCall(
    'snippets.list',
    { user: user.trim(), image: image.trim(), ...(isHere ? {} : { address: location.host, caFile: caName }) },
    { isWanted: user.trim() !== '' && image.trim() !== '' },
  );

  return (
    <Drawer title="Connect a client" onClose={onClose}>
      <div className={styles['inputs']}>
        <TextInput label="Image" value={image} onChange={setImage} isCode help="Repository and tag" />
        <TextInput
          label="User"
          value={user}
          onChange={setUser}
          isCode
          help="A token is better than a password"
        />
      </div>
      <div className={styles['address']}>
        <span>
          Address <code>{addressFor(status?.urls, location)}</code>
        </span>
        <CopyButton text={addressFor(status?.urls, location)} label="Copy address" />
        {certificate?.ca !== undefined && (
          <SaveButton onSave={(asks) => downloadText(caName, certificate.ca ?? '', { asks })}>
            Certificate of the authority
          </SaveButton>
        )}
      </div>
      {isHere && (
        <Notice kind="info">
          On this computer the connection is encrypted, but Docker does not check who answers at localhost.
        </Notice>
      )}
      <Loaded answer={answer} rows={5}>
        {(snippets) => (
          <Tabs
            label="Clients"
            selected={tab}
            onSelect={(id) => {
              setTab(id);
              setPreferences({ client: id });
            }}
            tabs={tabs.map(([id, label, clients, engines = []]) => ({
              id,
              label,
              content: () => (
                <>
                  {isHere && <EnginesOf kinds={engines} />}
                  <Snippets rows={snippets.filter(({ client }) => clients.includes(client))} />
                </>
              ),
            }))}
          />
        )}
      </Loaded>
    </Drawer>
  );
}

/** The engines of this computer that a tab is about, with what they need. */
function EnginesOf({ kinds }: { readonly kinds: readonly string[] }) {
  const shell = useShell();
  const { data: engines = [] } = useCall('engines.list', {});
  const rows = engines.filter(({ kind }) => kinds.includes(kind));
  if (rows.length === 0) return null;
  return (
    <ul className={styles['engines']} aria-label="Engines">
      {rows.map((engine) => {
        const { word, tone } = needOf(engine);
        return (
          <li key={engine.id} className={styles['address']}>
            <strong>{engine.title}</strong>
            <Chip tone={tone}>{word}</Chip>
            <code>{engine.address}</code>
            <CopyButton text={engine.address} label={`Copy address for ${engine.title}`} />
            {shell !== undefined && (
              <span className={styles['acts']}>
                <PartPlace part={desktopParts.engineActs} props={{ shell, engine }} />
              </span>
            )}
          </li>
        );
      })}
    </ul>
  );
}

function Snippets({ rows }: { readonly rows: readonly SnippetRow[] }) {
  if (rows.length === 0)
    return (
      <Empty title="Nothing has to be set up">
        <p>The certificate is trusted anyway, and pods use the secret of Kubernetes.</p>
      </Empty>
    );
  return (
    <div className={styles['snippets']}>
      {rows.map(({ client, title, text, note }) => (
        <section key={`${client} ${title}`} className={styles['snippet']} aria-label={`${client}: ${title}`}>
          <header className={styles['head']}>
            <h3>{rows.some((row) => row.client !== client) ? `${client}: ${title}` : title}</h3>
            <CopyButton text={text.trimEnd()} label={`Copy: ${title}`} />
          </header>
          <pre className={styles['text']} tabIndex={0} role="group" aria-label={title}>
            {text.trimEnd()}
          </pre>
          {note !== undefined && <p className={styles['note']}>{note}</p>}
        </section>
      ))}
    </div>
  );
}

/** The image that is looked at, or one that stands for any; of a repository the newest. */
function imageOf(route: Route, newest = '1'): string {
  if (route.page === 'image') return formatReference(route.repository, route.reference);
  return `${route.page === 'repository' ? route.repository : 'team/app'}:${newest}`;
}
