import { Component, type ReactNode } from 'react';
import { Failed } from '../parts/states.tsx';
import styles from './part-place.module.css';

interface BoundaryProps {
  /** What is shown; another one gets another try. */
  readonly of: unknown;
  readonly children: ReactNode;
}

interface BoundaryState {
  readonly of: unknown;
  readonly error?: { readonly cause: unknown };
}

/** Says what went wrong in place of what could not be drawn; without it React would take the whole window away. */
export class Boundary extends Component<BoundaryProps, BoundaryState> {
  override state: BoundaryState = { of: this.props.of };

  static getDerivedStateFromError(cause: unknown): Partial<BoundaryState> {
    return { error: { cause } };
  }

  static getDerivedStateFromProps({ of }: BoundaryProps, state: BoundaryState): BoundaryState | null {
    return of === state.of ? null : { of };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return (
      <div className={styles['failed']}>
        <Failed error={error.cause} onRetry={() => this.setState({ error: undefined })} />
      </div>
    );
  }
}
