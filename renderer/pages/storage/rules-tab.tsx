import { useEffect, useRef, useState } from 'react';
import type { ChangedRules, Outcome, RuleSet } from '../../../registry/spec/admin/rules.ts';
import { isAppError } from '../../../registry/spec/errors.ts';
import { formatCount, formatExactBytes, formatPlural } from '../../format.ts';
import { Button } from '../../parts/button.tsx';
import { ConfirmDialog, openDialog } from '../../parts/dialog.tsx';
import { Bar } from '../../parts/screen.tsx';
import { Loaded, Notice } from '../../parts/states.tsx';
import { toast, toastError } from '../../parts/toast.tsx';
import { Facts } from '../../parts/values.tsx';
import { WriteButton } from '../../parts/write-button.tsx';
import { useAsk, useCall, useRefresh } from '../../state/calls.ts';
import { useRulesDraft } from './draft.ts';
import { ProtectionsPanel } from './protections-panel.tsx';
import { problemsOf, type RuleForms } from './rule-forms.ts';
import { ExpirySection, QuotaSection, RetentionSection } from './rule-sections.tsx';
import { RunningTask } from './running-task.tsx';
import { RunRulesDialog } from './run-rules-dialog.tsx';
import { Emptied, SimulationPanel, useSimulation } from './simulation.tsx';
import styles from './storage.module.css';

/** What keeps the registry tidy by itself. */
export function RulesTab() {
  const rules = useCall('rules.get', {});
  return <Loaded answer={rules}>{(saved) => <Rules saved={saved} />}</Loaded>;
}

function Rules({ saved }: { readonly saved: RuleSet }) {
  const draft = useRulesDraft(saved);
  const { changes, isSimulated, setSimulated } = draft;
  const { simulation, show, setShow } = useSimulation(draft.simulated);
  const [isStale, setStale] = useState(false);
  const [isSaving, setSaving] = useState(false);
  const [isLooking, setLooking] = useState(false);
  const ask = useAsk();
  const refresh = useRefresh();
  const result = useRef<HTMLDivElement>(null);
  const wantsView = useRef(false);
  const outcome = isSimulated && !simulation.isStale ? simulation.first?.outcome : undefined;
  const isWrong = hasProblems(draft.forms);
  const isChanged = draft.isChanged && Object.keys(changes).length > 0;

  useEffect(() => {
    if (!wantsView.current || outcome === undefined) return;
    wantsView.current = false;
    result.current?.scrollIntoView({ block: 'start' });
  }, [outcome]);

  function simulate(): void {
    setStale(false);
    wantsView.current = true;
    if (isSimulated) simulation.reload();
    setSimulated(changes);
  }

  async function save(present: Outcome, confirmCount?: number): Promise<void> {
    try {
      await ask('rules.set', {
        rules: changes,
        plan: present.plan,
        ...(confirmCount === undefined ? {} : { confirmCount }),
      });
      // What was a change is what is saved: the simulation is one of the saved rules now.
      setSimulated(undefined);
      draft.discard();
      refresh('rules.get');
      toast({ text: 'The rules are in force.', undo: () => putBack(changes) });
    } catch (error) {
      if (!isAppError(error, 'PLAN_STALE')) throw error;
      setStale(true);
      simulation.reload();
    }
  }

  /** Saves the former rules of the sections that were changed. */
  async function putBack(changed: ChangedRules): Promise<void> {
    const former: ChangedRules = {
      ...(changed.retention && { retention: [...saved.retention] }),
      ...(changed.expiry && { expiry: [...saved.expiry] }),
      ...(changed.quotas && { quotas: [...saved.quotas] }),
    };
    const { outcome: now } = await ask('rules.simulate', { rules: former, limit: 1 });
    await ask('rules.set', { rules: former, plan: now.plan });
  }

  async function saveNow(present: Outcome): Promise<void> {
    if (present.emptiedRepositories > 0) {
      void openDialog((close) => (
        <SaveDialog outcome={present} save={() => save(present, present.deletedTags)} onClose={close} />
      ));
      return;
    }
    setSaving(true);
    try {
      await save(present);
    } catch (error) {
      toastError(error);
    } finally {
      setSaving(false);
    }
  }

  async function run(): Promise<void> {
    try {
      const ran = await ask('rules.run', {});
      const spared =
        ran.sparedTags === 0 ? '' : ` ${formatCount(ran.sparedTags)} were in use meanwhile and stay.`;
      toast({ text: `${formatPlural(ran.deletedTags, 'tag lies', 'tags lie')} in the trash.${spared}` });
    } catch (error) {
      toastError(error);
    }
  }

  async function lookAndRun(): Promise<void> {
    setLooking(true);
    try {
      const simulated = await ask('rules.simulate', { only: 'delete', limit: 100 });
      void openDialog((close) => (
        <RunRulesDialog
          simulated={simulated}
          hasDraft={draft.isChanged}
          run={() => void run()}
          onClose={close}
        />
      ));
    } catch (error) {
      toastError(error);
    } finally {
      setLooking(false);
    }
  }

  return (
    <>
      <Bar label="Rules">
        <span className={styles['barText']} role="status">
          {describeState({ isChanged: draft.isChanged, isWrong, isReady: outcome !== undefined })}
        </span>
        {draft.isChanged && (
          <Button
            look="quiet"
            onPress={() => {
              setSimulated(undefined);
              draft.discard();
            }}
          >
            Discard changes
          </Button>
        )}
        <WriteButton isPending={isLooking} onPress={() => void lookAndRun()}>
          Run now…
        </WriteButton>
        <Button
          look={isChanged && outcome === undefined ? 'primary' : 'plain'}
          isDisabled={isWrong}
          isPending={draft.simulated !== undefined && simulation.isLoading}
          onPress={simulate}
        >
          Simulate
        </Button>
        {draft.isChanged && (
          <Button
            look={outcome === undefined ? 'plain' : 'primary'}
            isDisabled={!isChanged || outcome === undefined || draft.isOutdated || isWrong}
            isPending={isSaving}
            onPress={() => outcome !== undefined && void saveNow(outcome)}
          >
            Save
          </Button>
        )}
      </Bar>
      <div className={styles['scroll']}>
        <RunningTask kind="rules" />
        {draft.isOutdated && (
          <Notice
            kind="warn"
            actions={
              <>
                <Button onPress={draft.discard}>Take theirs</Button>
                <Button onPress={draft.rebase}>Keep mine</Button>
              </>
            }
          >
            Somebody else saved other rules since you began to change them.
          </Notice>
        )}
        {isStale && (
          <Notice kind="warn">
            Tags have changed since the simulation, so nothing was saved. This is what the rules would do now:
            look at it, and save again.
          </Notice>
        )}
        <RetentionSection forms={draft.forms} onChange={draft.change} />
        <ExpirySection forms={draft.forms} onChange={draft.change} />
        <QuotaSection forms={draft.forms} onChange={draft.change} />
        {draft.simulated !== undefined && (
          <div ref={result}>
            <SimulationPanel
              simulation={simulation}
              show={show}
              onShow={setShow}
              isOld={!isSimulated}
              isOfSaved={Object.keys(draft.simulated).length === 0}
            />
          </div>
        )}
        <ProtectionsPanel />
      </div>
    </>
  );
}

function describeState(state: {
  readonly isChanged: boolean;
  readonly isWrong: boolean;
  readonly isReady: boolean;
}): string {
  if (state.isWrong) return 'Some blanks are not filled in rightly.';
  if (!state.isChanged)
    return 'These rules are in force. They run once a day; what they delete lies in the trash.';
  return state.isReady
    ? 'Changed and simulated, not saved.'
    : 'Changed, not saved. Rules can be saved once they were simulated.';
}

function hasProblems({ retention, expiry, quotas }: RuleForms): boolean {
  return [
    ...retention.map((form) => problemsOf('retention', form)),
    ...expiry.map((form) => problemsOf('expiry', form)),
    ...quotas.map((form) => problemsOf('quotas', form)),
  ].some((problems) => Object.keys(problems).length > 0);
}

function SaveDialog({
  outcome,
  save,
  onClose,
}: {
  readonly outcome: Outcome;
  readonly save: () => Promise<void>;
  readonly onClose: () => void;
}) {
  const { deletedTags, keptTags, freedBytes, plan } = outcome;
  return (
    <ConfirmDialog
      title="Save rules that leave nothing?"
      verb={`Save, and delete ${formatPlural(deletedTags, 'tag')}`}
      typedName={String(deletedTags)}
      cli={`berth rules set rules.json --yes --plan ${plan} --count ${deletedTags}`}
      act={save}
      onClose={onClose}
    >
      <Emptied outcome={outcome} />
      <Facts
        rows={[
          ['Tags that go', formatCount(deletedTags)],
          ['Tags that stay', formatCount(keptTags)],
          ['Frees', `${formatExactBytes(freedBytes)}, once the trash is over`],
        ]}
      />
    </ConfirmDialog>
  );
}
