/** The use cases of the control plane, on one registry: one file for each subject of `spec/admin/`. */
import { type ActivityDeps, createActivityMethods } from './activity.ts';
import { AppError } from '../spec/errors.ts';
import { type AccessDeps, createAccessMethods } from './access.ts';
import { type CertificateDeps, createCertificateMethods } from './certificate.ts';
import { type ContentDeps, createContentMethods } from './content.ts';
import type { computerArguments } from '../spec/admin/computer.ts';
import { createImageMethods, type ImageDeps } from './image.ts';
import { createPlansMethods, type PlansDeps } from './plans.ts';
import { createIntegrityMethods, type IntegrityDeps } from './integrity.ts';
import { createProcessMethods, type ProcessDeps } from './process.ts';
import { createRulesMethods, type RulesDeps } from './rules.ts';
import type { AdminMethods, MethodsOf } from './server.ts';
import { createSettingsMethods, type SettingsDeps } from './settings.ts';
import { createTransferMethods, type TransferDeps } from './transfer.ts';
import { createUpkeepMethods, type UpkeepDeps } from './upkeep.ts';
import { createWebhookMethods, type WebhookDeps } from './webhooks.ts';

export type ComputerMethods = MethodsOf<typeof computerArguments>;

export type AdminDeps = Omit<
  ContentDeps &
    ImageDeps &
    UpkeepDeps &
    ProcessDeps &
    RulesDeps &
    PlansDeps &
    AccessDeps &
    SettingsDeps &
    CertificateDeps &
    WebhookDeps &
    TransferDeps &
    IntegrityDeps &
    ActivityDeps,
  'mustBeWritable'
> & {
  /** What knows the computer: the program that the registry is part of. */
  readonly computer: ComputerMethods;
};

/** Binds the use cases to a registry. */
export function createAdminMethods(all: AdminDeps): AdminMethods {
  const deps = {
    ...all,
    mustBeWritable: (repository?: string): void => {
      if (all.isReadOnly()) throw new AppError('STORAGE_READ_ONLY');
      if (repository !== undefined) all.notes.mustBeWritable(repository);
    },
  };
  return {
    ...createProcessMethods(deps),
    ...createContentMethods(deps),
    ...createImageMethods(deps),
    ...createUpkeepMethods(deps),
    ...createTransferMethods(deps),
    ...createRulesMethods(deps),
    ...createPlansMethods(deps),
    ...createAccessMethods(deps),
    ...createSettingsMethods(deps),
    ...createCertificateMethods(deps),
    ...all.computer,
    ...createWebhookMethods(deps),
    ...createIntegrityMethods(deps),
    ...createActivityMethods(deps),
  };
}
