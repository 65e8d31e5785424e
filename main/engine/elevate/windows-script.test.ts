import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256 } from '../change.ts';
import { isPrivilegedPath, renderPlan } from './steps.ts';
import { powershellArguments, windowsPayload, windowsScript } from './windows-script.ts';

test('UAC is asked for a command that runs the file only if it has the hash', () => {
  const file = 'C:\\Users\\O’Neill\\Temp\\berth-plan-x\\plan.ps1';

  const args = powershellArguments(file, 'b'.repeat(64));

  const own = decode(args.at(-1) ?? '');
  const elevated = decode(/-EncodedCommand ([A-Za-z0-9+/=]+)'/.exec(own)?.[1] ?? '');
  assert.deepEqual(args.slice(0, -1), ['-NoProfile', '-NonInteractive', '-EncodedCommand']);
  assert.equal(
    own.replace(/-EncodedCommand [A-Za-z0-9+/=]+/, '-EncodedCommand X'),
    "$ErrorActionPreference='Stop';" +
      'try{$p=Start-Process "$PSHOME\\powershell.exe" -Verb RunAs -Wait -PassThru -WindowStyle Hidden' +
      " -ArgumentList '-NoProfile -NonInteractive -EncodedCommand X'}catch{exit 126};" +
      'if($null -eq $p.ExitCode){exit 126};exit $p.ExitCode',
  );
  assert.equal(
    elevated,
    `$b=[IO.File]::ReadAllBytes([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('${Buffer.from(file).toString('base64')}')));` +
      "$h=[BitConverter]::ToString([Security.Cryptography.SHA256]::Create().ComputeHash($b)).Replace('-','');" +
      `if($h -ne '${'b'.repeat(64)}'){exit 3};` +
      '&([ScriptBlock]::Create([Text.Encoding]::ASCII.GetString($b)))',
  );
});

test('the elevated command fits into what ShellExecute takes, also below a long path', () => {
  const own = decode(
    powershellArguments(`C:\\Users\\${'x'.repeat(150)}\\plan.ps1`, 'b'.repeat(64)).at(-1) ?? '',
  );

  const length = /'(-NoProfile [^']*)'/.exec(own)?.[1]?.length ?? 0;

  assert.ok(length > 1000 && length < 2000, String(length));
});

test('the file for the administrator is the script and one call with the plan', () => {
  const plan = renderPlan([{ kind: 'run', command: 'restart docker' }]);

  const payload = windowsPayload('dry-run', plan).toString();

  assert.equal(payload, `${windowsScript}Invoke-Plan 'dry-run' '${plan.toString('base64')}'\n`);
  assert.notEqual(sha256(Buffer.from(payload)), sha256(windowsPayload('apply', plan)));
  // ScriptBlock::Create gets it as ASCII.
  assert.match(payload, /^[\x20-\x7e\n]*$/);
});

test('the script has the closed list of the plan', () => {
  const pattern = /\$name = '\\A(.*)\\z'/.exec(windowsScript)?.[1] ?? '';
  const names = [
    'reg.test5000',
    '10.0.0.1443',
    'a',
    'ab',
    '-a',
    'a-',
    'a..b',
    '..',
    'A1',
    'a b',
    'a'.repeat(210),
  ];

  for (const name of names) {
    const below = `certs.d\\${name}\\berth.crt`;
    assert.equal(
      new RegExp(`^${pattern}$`).test(below),
      isPrivilegedPath(`C:\\ProgramData\\docker\\${below}`),
      name,
    );
  }
});

function decode(encoded: string): string {
  return Buffer.from(encoded, 'base64').toString('utf16le');
}
