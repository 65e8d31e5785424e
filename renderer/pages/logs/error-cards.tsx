import { TriangleAlert, X } from 'lucide-react';
import { useState } from 'react';
import type { CardCode, CardRow } from '../../../registry/spec/admin/activity.ts';
import { formatCount } from '../../format.ts';
import { Button, IconButton } from '../../parts/button.tsx';
import { CopyLine } from '../../parts/copy.tsx';
import { toastError } from '../../parts/toast.tsx';
import { Time } from '../../parts/values.tsx';
import type { Route } from '../../place.ts';
import { hrefOf } from '../../route.ts';
import { useAsk, useCall } from '../../state/calls.ts';
import styles from './logs.module.css';

const titles: Readonly<Record<CardCode, string>> = {
  untrusted: 'Does not trust the certificate',
  plainHttp: 'Comes without TLS',
  wrongPassword: 'Wrong password, again and again',
  noPermission: 'Not permitted',
  storageFull: 'The disk is full',
  hostDenied: 'Asks by a name that is not admitted',
  tagProtected: 'The tag is protected',
  uploadLimit: 'Sends too much',
};

/** Where it is mended. */
const places: Partial<Record<CardCode, { readonly label: string; readonly to: Route }>> = {
  untrusted: { label: 'Doctor', to: { page: 'doctor' } },
  wrongPassword: { label: 'Access', to: { page: 'access' } },
  noPermission: { label: 'Access', to: { page: 'access' } },
  storageFull: { label: 'Free space', to: { page: 'storage', tab: 'cleanup' } },
  hostDenied: { label: 'Network', to: { page: 'settings', tab: 'network' } },
};

const mostShown = 2;

/** What clients do wrong, with what mends it; one for each client and mistake. */
export function ErrorCards() {
  const { data: cards = [] } = useCall('cards.list', {});
  const [isWhole, setWhole] = useState(false);
  if (cards.length === 0) return null;
  const shown = isWhole ? cards : cards.slice(0, mostShown);
  return (
    <section className={styles['cards']} aria-label="What clients do wrong">
      <ul>
        {shown.map((card) => (
          <Card key={card.id} card={card} />
        ))}
      </ul>
      {cards.length > mostShown && (
        <Button look="quiet" onPress={() => setWhole(!isWhole)}>
          {isWhole ? 'Fewer' : `${cards.length - mostShown} more`}
        </Button>
      )}
    </section>
  );
}

function Card({ card }: { readonly card: CardRow }) {
  const { id, code, client, address, user, repository, count, lastAt, message, action } = card;
  const ask = useAsk();
  const place = places[code];
  const who = [client, user === undefined ? undefined : `as ${user}`, `at ${address}`, repository].filter(
    (part) => part !== undefined,
  );
  return (
    <li className={styles['card']}>
      <TriangleAlert aria-label="Warning" />
      <div className={styles['cardText']}>
        <strong>{titles[code]}</strong> {who.join(' ')}{' '}
        <span className={styles['dim']}>
          {count === 1 ? 'once' : `${formatCount(count)} times`}, <Time at={lastAt} />
        </span>
        <p className={styles['dim']}>{message}</p>
      </div>
      {place !== undefined && <a href={hrefOf(place.to)}>{place.label}</a>}
      <div className={styles['cardAction']}>
        <CopyLine text={action} label="Copy command" />
      </div>
      <IconButton
        label="Dismiss until it happens again"
        onPress={() => void ask('cards.dismiss', { id }).catch(toastError)}
      >
        <X />
      </IconButton>
    </li>
  );
}
