import { useState } from 'react';
import { Tabs } from '../../parts/tabs.tsx';
import { Packages } from './packages.tsx';
import { RawText } from './raw-text.tsx';

export interface BlobViewProps {
  readonly repository: string;
  readonly digest: string;
  readonly mediaType: string;
  readonly label: string;
}

/** What a blob of an artifact holds: packages where it is such a document, and its text. */
export function BlobView({ repository, digest, mediaType, label }: BlobViewProps) {
  const [tab, setTab] = useState<string>();
  const text = <RawText key={digest} repository={repository} digest={digest} label={label} />;
  if (!mayListPackages(mediaType)) return text;
  return (
    <Tabs
      label="Views"
      selected={tab}
      onSelect={setTab}
      tabs={[
        {
          id: 'packages',
          label: 'Packages',
          content: () => <Packages key={digest} repository={repository} digest={digest} />,
        },
        { id: 'text', label: 'Text', content: () => text },
      ]}
    />
  );
}

/** True for the types of SPDX, CycloneDX, and envelopes that may hold them. */
function mayListPackages(mediaType: string): boolean {
  return /spdx|cyclonedx|syft|in-toto|dsse|sigstore\.bundle/i.test(mediaType);
}
