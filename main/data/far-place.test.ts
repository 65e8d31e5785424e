import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type FarPlace, farPlaceOf } from './far-place.ts';

/** As macOS prints it: a share over a folder on the disk of a user, one in a folder, and what programs mount. */
const mounts = `/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
devfs on /dev (devfs, local, nobrowse)
/dev/disk3s6 on /System/Volumes/VM (apfs, local, noexec, journaled, noatime, nobrowse)
/dev/disk3s5 on /System/Volumes/Data (apfs, local, journaled, nobrowse, protect)
map auto_home on /System/Volumes/Data/home (autofs, automounted, nobrowse)
/dev/disk5s1 on /Volumes/Backup Drive (apfs, local, nodev, nosuid, journaled, noowners)
//guest@My%20NAS._smb._tcp.local/Photo%20Library on /Volumes/Photo Library (smbfs, nodev, nosuid, mounted by anna)
//anna@192.0.2.10/video on /Volumes/video (afpfs, nodev, nosuid, mounted by anna)
nas:/export/backups on /Volumes/backups (nfs, nodev, nosuid, automounted, nobrowse)
/dev/disk6s1 on /Volumes/backups/disk (hfs, local, nodev, nosuid, noowners)
https://dav.example/files/ on /Volumes/files (webdav, nodev, noexec, nosuid, mounted by anna)
anna@host:/home/anna/ on /Users/anna/far (osxfuse, nodev, nosuid, synchronous, mounted by anna)
JuiceFS:cloud on /Users/anna/jfs (macfuse, local, nodev, nosuid, synchronous, mounted by anna)
shared on /Volumes/unheard (lifs, nodev, nosuid)
/dev/disk7s1 on /Volumes/twice (exfat, local, nodev, nosuid, noowners)
//anna@nas/twice on /Volumes/twice (smbfs, nodev, nosuid, mounted by anna)
`;

const near = undefined;
const program: FarPlace = { kind: 'program' };
const network = (by?: string): FarPlace => ({ kind: 'network', ...(by === undefined ? {} : { by }) });

const rows: readonly {
  readonly platform: NodeJS.Platform;
  readonly path: string;
  readonly type?: number;
  readonly expected: FarPlace | undefined;
}[] = [
  { platform: 'darwin', path: '/Users/anna/Library/Berth', expected: near },
  { platform: 'darwin', path: '/Volumes/Backup Drive/berth', expected: near },
  { platform: 'darwin', path: '/Volumes/Photo Library', expected: network('SMB') },
  { platform: 'darwin', path: '/Volumes/Photo Library/deep/er', expected: network('SMB') },
  // Another volume, whose name begins alike.
  { platform: 'darwin', path: '/Volumes/Photo Library 2', expected: near },
  { platform: 'darwin', path: '/Volumes/video/berth', expected: network('AFP') },
  { platform: 'darwin', path: '/Volumes/backups/berth', expected: network('NFS') },
  { platform: 'darwin', path: '/Volumes/backups/disk/berth', expected: near },
  { platform: 'darwin', path: '/Volumes/files', expected: network('WebDAV') },
  { platform: 'darwin', path: '/Users/anna/far/berth', expected: program },
  { platform: 'darwin', path: '/Users/anna/jfs', expected: program },
  { platform: 'darwin', path: '/Volumes/unheard/berth', expected: network() },
  { platform: 'darwin', path: '/Volumes/twice/berth', expected: network('SMB') },
  // The numbers of Linux mean something else there.
  { platform: 'darwin', path: '/Users/anna', type: 0x6969, expected: near },
  { platform: 'linux', path: '/mnt/data', type: 0x6969, expected: network('NFS') },
  { platform: 'linux', path: '/mnt/data', type: 0xfe53_4d42, expected: network('SMB') },
  { platform: 'linux', path: '/mnt/data', type: 0x6573_5546, expected: program },
  { platform: 'linux', path: '/home/anna', type: 0xef53, expected: near },
  { platform: 'win32', path: String.raw`\\nas\share\berth`, expected: network('SMB') },
  { platform: 'win32', path: String.raw`C:\Users\anna\berth`, expected: near },
  { platform: 'freebsd', path: '/home/anna', expected: near },
];

suite('where a directory is', () => {
  for (const { platform, path, type = 0, expected } of rows) {
    const said = expected === undefined ? 'near' : expected.kind === 'program' ? 'of a program' : 'far';
    test(`${path} on ${platform}, type ${type.toString(16)}: ${said}`, () => {
      assert.deepEqual(farPlaceOf({ path, type, platform, mounts }), expected);
    });
  }

  test('is not known where the system prints nothing', () => {
    assert.equal(farPlaceOf({ path: '/Volumes/video', type: 0, platform: 'darwin', mounts: '' }), undefined);
  });
});
