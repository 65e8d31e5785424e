/** The kinds of the audit in words and pictures. */
import {
  BadgeCheck,
  Brush,
  CircleSlash,
  Download,
  FileX,
  FolderX,
  KeyRound,
  ListChecks,
  type LucideIcon,
  MonitorCog,
  RefreshCw,
  ScrollText,
  Settings,
  ShieldX,
  Tag,
  Tags,
  Trash2,
  Undo2,
  Unplug,
  Upload,
  UserCog,
  UserPen,
} from 'lucide-react';
import type { AuditKind, AuditRow } from '../../../registry/spec/audit.ts';

export const kindLooks: Readonly<Record<AuditKind, { readonly word: string; readonly Icon: LucideIcon }>> = {
  pushed: { word: 'Pushed', Icon: Upload },
  pulled: { word: 'Pulled', Icon: Download },
  tagMoved: { word: 'Tag moved', Icon: Tag },
  tagDeleted: { word: 'Tag deleted', Icon: Tags },
  manifestDeleted: { word: 'Image deleted', Icon: FileX },
  blobDeleted: { word: 'Layer deleted', Icon: FileX },
  repositoryDeleted: { word: 'Repository deleted', Icon: FolderX },
  restored: { word: 'Restored', Icon: Undo2 },
  trashEmptied: { word: 'Trash emptied', Icon: Trash2 },
  collected: { word: 'Cleaned up', Icon: Brush },
  writeRefused: { word: 'Write refused', Icon: CircleSlash },
  loginFailed: { word: 'Login failed', Icon: ShieldX },
  transferEnded: { word: 'Transfer cut', Icon: Unplug },
  userChanged: { word: 'User changed', Icon: UserPen },
  roleChanged: { word: 'Role changed', Icon: UserCog },
  passwordChanged: { word: 'Password changed', Icon: KeyRound },
  tokenChanged: { word: 'Token changed', Icon: KeyRound },
  settingChanged: { word: 'Setting changed', Icon: Settings },
  certificateChanged: { word: 'Certificate changed', Icon: BadgeCheck },
  levelChanged: { word: 'Log level changed', Icon: ScrollText },
  indexRebuilt: { word: 'Index rebuilt', Icon: RefreshCw },
  ruleRan: { word: 'Rules ran', Icon: ListChecks },
  systemChanged: { word: 'System changed', Icon: MonitorCog },
};

/** What happened, in one word or two. A tag that meant nothing before was not moved. */
export function wordOf({ kind, from, outcome }: AuditRow): string {
  if (kind === 'tagMoved' && from === undefined) return 'Tag set';
  const { word } = kindLooks[kind];
  return outcome === 'done' || kind === 'writeRefused' || kind === 'loginFailed' ? word : `${word}: failed`;
}
