import type { Role } from '../../../registry/spec/admin/access.ts';
import { Chooser, TextInput } from '../../parts/field.tsx';
import { roleChoices } from './words.ts';

export interface RoleFieldsProps {
  readonly role: Role;
  readonly onRole: (role: Role) => void;
  /** As it is written: one glob a line. */
  readonly globs: string;
  readonly onGlobs: (globs: string) => void;
  readonly error?: string;
}

/** A role and where it holds. */
export function RoleFields({ role, onRole, globs, onGlobs, error }: RoleFieldsProps) {
  return (
    <>
      <Chooser label="Role" value={role} choices={roleChoices} onChange={onRole} />
      <GlobsInput
        globs={role === 'admin' ? '**' : globs}
        onGlobs={onGlobs}
        isDisabled={role === 'admin'}
        error={error}
      />
    </>
  );
}

export interface GlobsInputProps {
  readonly globs: string;
  readonly onGlobs: (globs: string) => void;
  readonly isDisabled?: boolean;
  readonly error?: string;
}

/** Patterns of repository names, one a line. */
export function GlobsInput({ globs, onGlobs, isDisabled = false, error }: GlobsInputProps) {
  return (
    <TextInput
      label="Repositories"
      value={globs}
      onChange={onGlobs}
      rows={3}
      isCode
      isDisabled={isDisabled}
      error={error}
      help={
        isDisabled
          ? 'An admin may do everything, everywhere.'
          : 'One pattern a line. * is one part of a name, ** any number of them: team/*, team/**.'
      }
    />
  );
}
