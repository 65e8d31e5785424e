/**
 * Changes of this computer. Each is planned first: the sheet says exactly what would be done, and the act names the sheet by
 * its hash. What has changed meanwhile is refused with CONSENT_NEEDED or CHANGE_STALE, and a new sheet is to be shown.
 */
import { z } from 'zod';

export const trustWays = ['certificate', 'insecure', 'mirror', 'system', 'browsers'] as const;
/** How an engine is made to accept the registry; see `planTrust` of main/engine. */
export type TrustWay = (typeof trustWays)[number];

/** How far one way of trusting is already. Ways that do not apply to an engine are not told. */
export interface TrustTarget {
  readonly way: TrustWay;
  readonly state:
    'not needed' | 'not trusted' | 'trusted' | 'different certificate' | 'needs tool' | 'failed';
  /** The reason, or what to do first. */
  readonly said?: string;
}

/** One change of one place. */
export interface SheetChange {
  readonly title: string;
  readonly engine: string;
  readonly where: string;
  readonly isNew: boolean;
  /** `as an administrator`, `then: systemctl reload docker`. */
  readonly how: readonly string[];
  /** Unified; empty for a certificate. */
  readonly diff: string;
  readonly certificate?: { readonly subject: string; readonly validTo: string; readonly fingerprint: string };
  /** How a person does the same. */
  readonly manual: readonly string[];
}

/** What a person agrees to, or not. Without changes nothing has to be done; `why` says the reason. */
export interface Sheet {
  readonly hash: string;
  readonly title: string;
  readonly why: string;
  readonly changes: readonly SheetChange[];
  readonly effects: readonly string[];
}

/** `keptBy`: the login lies in a private file of Berth's own, or wherever the client of the engine puts it. */
export interface LoginSheet extends Sheet {
  readonly address: string;
  readonly user: string;
  readonly keptBy: 'berth' | 'client';
}

export interface KeptLogin {
  readonly address: string;
  readonly user: string;
}

/** What became of a change. `restart`: in place, and felt once the engine was restarted by the command. */
export interface OutcomeRow {
  /** As `changes.get` takes it; empty for what was there already. */
  readonly id: string;
  readonly title: string;
  readonly result: 'applied' | 'already' | 'undone' | 'restart';
  readonly isProved: boolean;
  readonly command?: string;
}

const engine = z.string().min(1).max(300);
const way = z.enum(trustWays).default('certificate');
const user = z.string().min(1).max(255).optional();
const hash = z.string().min(1).max(100);

export const consentArguments = {
  /** What makes an engine accept the registry, the narrowest way first, each with what is there already. */
  'trust.look': z.strictObject({ engine }),
  /** What would make an engine accept the registry. */
  'trust.plan': z.strictObject({ engine, way }),
  /** Does what the sheet says, proves it from the side of the engine, and puts everything back where that fails. */
  'trust.apply': z.strictObject({ engine, way, hash, mayRestart: z.boolean().default(false) }),
  /** What would keep a login of the client of an engine: as the first administrator, where nobody is named. */
  'login.plan': z.strictObject({ engine, user }),
  /** Does that, and logs in with a new token. */
  'login.apply': z.strictObject({ engine, user, hash }),
  /** The logins that Berth keeps for clients of this user. */
  'logins.list': z.strictObject({}),
  /** Forgets them, and ends their tokens. */
  'logins.forget': z.strictObject({}),
  /** Takes a change back; later edits of others stay. */
  'changes.undo': z.strictObject({ id: z.string().min(1).max(100) }),
} as const;

export type TrustRequest = z.output<(typeof consentArguments)['trust.plan']>;

export interface ConsentResults {
  'trust.look': readonly TrustTarget[];
  'trust.plan': Sheet;
  'trust.apply': readonly OutcomeRow[];
  'login.plan': LoginSheet;
  'login.apply': { readonly address: string; readonly user: string };
  'logins.list': readonly KeptLogin[];
  'logins.forget': void;
  'changes.undo': OutcomeRow;
}
