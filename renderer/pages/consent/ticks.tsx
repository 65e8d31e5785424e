import { CircleAlert, CircleCheck, CircleDashed } from 'lucide-react';
import type { EngineTicks, Tick } from '../../../main/contract/setup.ts';
import { closeDialogs } from '../../parts/dialog.tsx';
import { hrefOf } from '../../route.ts';
import styles from './ticks.module.css';

/** What an engine needs before it can push, each with whether that is so. */
export function Ticks({
  of: { resolved, reached, trusted, loggedIn, pulled },
  title,
}: {
  readonly of: EngineTicks;
  readonly title: string;
}) {
  const isShort = pulled === undefined;
  return (
    <ul className={styles['ticks']} aria-label={`Proof of ${title}`}>
      {!isShort && <TickLine title="Name found" tick={resolved} />}
      <TickLine title="Reached" tick={isShort && resolved.state === 'no' ? resolved : reached} />
      <TickLine title="Trusted" tick={trusted} />
      <TickLine title="Logged in" tick={loggedIn} />
      {!isShort && <TickLine title="Pushed and pulled a tiny image" tick={pulled} />}
    </ul>
  );
}

const icons = { yes: CircleCheck, no: CircleAlert, unknown: CircleDashed };
const words = { yes: 'Yes', no: 'No', unknown: 'Not known' };

function TickLine({ title, tick: { state, said, fix } }: { readonly title: string; readonly tick: Tick }) {
  const Icon = icons[state];
  return (
    <li className={styles['tick']} data-state={state}>
      <Icon aria-label={words[state]} />
      <span>
        {title}
        {said !== undefined && state !== 'yes' && <>: {said}</>} {fix}{' '}
        {state === 'no' && (
          <a href={hrefOf({ page: 'doctor' })} onClick={closeDialogs}>
            Doctor
          </a>
        )}
      </span>
    </li>
  );
}
