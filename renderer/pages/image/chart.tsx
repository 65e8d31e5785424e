import { FileText } from 'lucide-react';
import type { ChartDetail, ImageDetail } from '../../../registry/spec/admin/image.ts';
import { CopyButton, CopyLine } from '../../parts/copy.tsx';
import { Bar, Panel, Panels } from '../../parts/screen.tsx';
import { Empty, Loaded } from '../../parts/states.tsx';
import { Chip, Facts } from '../../parts/values.tsx';
import { formatForeign } from '../../format.ts';
import { useCall } from '../../state/calls.ts';
import { getSnippet } from '../../snippets.ts';
import { useAddress } from '../../state/address.ts';
import { NamedValues } from './named-values.tsx';
import { Notes } from './notes.tsx';
import { TextBlock } from './text-block.tsx';
import styles from './image.module.css';

/** A Helm chart: what it is, what it needs, how it is installed. */
export function Chart({ detail, reference }: { readonly detail: ImageDetail; readonly reference: string }) {
  const { repository, manifest, digest } = detail;
  const answer = useCall('artifacts.get', { repository, digest: manifest?.digest ?? digest });
  const pull = getSnippet({ address: useAddress(), repository, reference, client: 'helm' });
  const annotations = Object.entries(manifest?.annotations ?? {}).map(([key, value]) => ({
    name: key,
    value,
  }));
  return (
    <Loaded answer={answer}>
      {({ chart, chartYaml, notes }) => (
        <div className={styles['scroll']}>
          <Notes notes={notes} />
          <Panel title="Install">
            <CopyLine
              text={pull.replace(/^helm pull/, `helm install ${releaseName(chart?.name)}`)}
              label="Copy install command"
            />
          </Panel>
          <Panels>
            {chart !== undefined && (
              <Panel title="Chart">
                <Facts rows={factsOf(chart)} />
              </Panel>
            )}
            {chart !== undefined && (
              <Panel title="Dependencies">
                {chart.dependencies.length === 0 ? (
                  <p className={styles['muted']}>None.</p>
                ) : (
                  <Dependencies rows={chart.dependencies} />
                )}
              </Panel>
            )}
          </Panels>
          {annotations.length > 0 && (
            <Panel title="Annotations">
              <NamedValues label="Annotations" rows={annotations} />
            </Panel>
          )}
          {chartYaml !== undefined && (
            <Panel title="Chart.yaml" actions={<CopyButton text={chartYaml} label="Copy Chart.yaml" />}>
              <TextBlock text={chartYaml} label="Text of Chart.yaml" />
            </Panel>
          )}
        </div>
      )}
    </Loaded>
  );
}

function Dependencies({ rows }: { readonly rows: ChartDetail['dependencies'] }) {
  return (
    <table className={styles['values']} aria-label="Dependencies">
      <thead>
        <tr>
          <th scope="col">Chart</th>
          <th scope="col">Version</th>
          <th scope="col">From</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ name, version, repository }, index) => (
          <tr key={`${index} ${name}`}>
            <th scope="row">{formatForeign(name)}</th>
            <td>
              <code>{formatForeign(version)}</code>
            </td>
            <td>{repository !== undefined && <code>{formatForeign(repository)}</code>}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function factsOf(chart: ChartDetail): Parameters<typeof Facts>[0]['rows'] {
  const text = (value: string | undefined) => value !== undefined && formatForeign(value);
  return [
    ['Name', text(chart.name)],
    ['Version', text(chart.version)],
    ['State', chart.isDeprecated && warning('deprecated')],
    ['App version', text(chart.appVersion)],
    ['Description', text(chart.description)],
    ['Type', text(chart.type)],
    ['Kubernetes', text(chart.kubeVersion)],
    ['Keywords', text(chart.keywords.join(', '))],
    [
      'Maintainers',
      text(
        chart.maintainers
          .map(({ name, email }) => (email === undefined ? name : `${name} <${email}>`))
          .join(', '),
      ),
    ],
    ['Home', addresses(chart.home === undefined ? [] : [chart.home])],
    ['Sources', addresses(chart.sources)],
  ];
}

function warning(word: string) {
  return <Chip tone="warn">{word}</Chip>;
}

/** Addresses that a chart names: to be copied, never opened from here. */
function addresses(list: readonly string[]) {
  return (
    list.length > 0 && (
      <>
        {list.map((text) => (
          <span key={text} className={styles['fact']}>
            {formatForeign(text)}
            <CopyButton text={text} label={`Copy ${text}`} />
          </span>
        ))}
      </>
    )
  );
}

/** Helm wants a name of lower-case letters, digits and dashes for what it installs. */
function releaseName(name: string | undefined): string {
  return name !== undefined && /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name) ? name : 'my-release';
}

const texts = {
  values: ['values.yaml', 'The chart has no values.yaml that can be shown.'],
  readme: ['README.md', 'The chart has no README.md that can be shown.'],
} as const;

/** A text at the top of a chart, as it is. */
export function ChartText({
  repository,
  digest,
  name,
}: {
  readonly repository: string;
  readonly digest: string;
  readonly name: keyof typeof texts;
}) {
  const answer = useCall('artifacts.get', { repository, digest });
  const [file, sentence] = texts[name];
  return (
    <Loaded answer={answer}>
      {({ [name]: text, notes }) =>
        text === undefined ? (
          <>
            <Notes notes={notes} />
            <Empty icon={<FileText />} title={`No ${file}`}>
              <p>{sentence}</p>
            </Empty>
          </>
        ) : (
          <>
            <Bar label={file}>
              <code>{file}</code>
              <CopyButton text={text} label={`Copy ${file}`} />
            </Bar>
            <TextBlock text={text} label={file} />
          </>
        )
      }
    </Loaded>
  );
}
