/**
 * The helper with administrator rights for Windows, in full, and the commands that start it.
 *
 *     powershell (ours) -> Start-Process -Verb RunAs: the question of UAC -> powershell (administrator)
 *
 * The elevated process has no pipe to us. It gets script and plan in one file, which it reads once, checks against
 * the SHA-256 of its own command line and runs from memory. ShellExecute, which asks the question, takes no more than
 * about 2,048 characters (devblogs.microsoft.com/oldnewthing/20031210-00), so the script itself does not fit there.
 * The answer is the exit code alone: an administrator that writes into a user's folder can be misled by links.
 *
 *     1000 + n   all n steps are done         3   refused, nothing was changed
 *     2000 + n   it failed after n steps      5   refused: a file is not what it was      anything else: not started
 */
export const windowsExit = { refused: 3, stale: 5, notStarted: 126, done: 1000, failed: 2000 } as const;

/** Ends with the call that `windowsPayload` adds. */
export const windowsScript = `\
# Berth's helper: carries out one reviewed plan as an administrator, and does nothing else.
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2
$root = [Environment]::GetFolderPath('CommonApplicationData') + '\\docker'
# SYSTEM, Administrators, TrustedInstaller, and whoever owns the file anyway.
$trusted = 'S-1-5-18', 'S-1-5-32-544', 'S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464', 'S-1-3-0'

function Get-Sha256([byte[]]$bytes) {
  $hash = [Security.Cryptography.SHA256]::Create().ComputeHash($bytes)
  [BitConverter]::ToString($hash).Replace('-', '').ToLowerInvariant()
}

# A real folder of an administrator that nobody else can change.
function Test-Folder([string]$path) {
  $folder = Get-Item -LiteralPath $path -Force
  if (-not $folder.PSIsContainer -or ($folder.Attributes -band [IO.FileAttributes]::ReparsePoint)) { return $false }
  $acl = Get-Acl -LiteralPath $path
  $sid = [Security.Principal.SecurityIdentifier]
  if ($trusted -notcontains $acl.GetOwner($sid).Value) { return $false }
  $change = [Security.AccessControl.FileSystemRights]'Write, Delete, DeleteSubdirectoriesAndFiles, ChangePermissions, TakeOwnership'
  foreach ($rule in $acl.GetAccessRules($true, $true, $sid)) {
    if ($rule.AccessControlType -ne 'Allow' -or $trusted -contains $rule.IdentityReference.Value) { continue }
    # Generic rights (all, write) are not part of the names above.
    if (($rule.FileSystemRights -band $change) -or ([int]$rule.FileSystemRights -band 0x50000000)) { return $false }
  }
  $true
}

function Read-Step([string]$line) {
  if ($line -ceq 'run restart docker') { return @{ verb = 'run'; path = 'docker' } }
  $fields = $line.Split(' ')
  $verb = $fields[0]
  if (-not (($verb -ceq 'write' -and $fields.Length -eq 4) -or ($verb -ceq 'remove' -and $fields.Length -eq 3))) { exit 3 }
  $path = $fields[1]
  $before = $fields[2]
  if (-not $path.StartsWith($root + '\\', [StringComparison]::Ordinal)) { exit 3 }
  $below = $path.Substring($root.Length + 1)
  $name = '\\Acerts\\.d\\\\[a-z0-9](?!.*\\.\\.)[a-z0-9.-]{0,200}[a-z0-9]\\\\berth\\.crt\\z'
  if ($below -cne 'config\\daemon.json' -and $below -cnotmatch $name) { exit 3 }
  if ($before -cnotmatch '\\A[0-9a-f]{64}\\z' -and -not ($verb -ceq 'write' -and $before -ceq 'absent')) { exit 3 }
  $bytes = $null
  if ($verb -ceq 'write') {
    if ($fields[3] -cnotmatch '\\A[A-Za-z0-9+/]+={0,2}\\z') { exit 3 }
    $bytes = [Convert]::FromBase64String($fields[3])
  }
  @{ verb = $verb; path = $path; before = $before; bytes = $bytes; host = ($below -cmatch '\\Acerts') }
}

# Answers 0, or the exit code that says why the step cannot be done.
function Test-Step($step) {
  if ($step.verb -eq 'run') {
    if (Get-Service -Name docker -ErrorAction SilentlyContinue) { return 0 } else { return 3 }
  }
  $way = $root
  if (-not [IO.Directory]::Exists($way) -or -not (Test-Folder $way)) { return 3 }
  foreach ($part in [IO.Path]::GetDirectoryName($step.path).Substring($root.Length + 1).Split('\\')) {
    $way = $way + '\\' + $part
    if ([IO.File]::Exists($way)) { return 3 }
    if ([IO.Directory]::Exists($way) -and -not (Test-Folder $way)) { return 3 }
  }
  $now = 'absent'
  if ([IO.Directory]::Exists($step.path)) { return 3 }
  if ([IO.File]::Exists($step.path)) {
    if ([IO.File]::GetAttributes($step.path) -band [IO.FileAttributes]::ReparsePoint) { return 3 }
    $now = Get-Sha256 ([IO.File]::ReadAllBytes($step.path))
  }
  if ($now -cne $step.before) { return 5 }
  0
}

function Invoke-Step($step) {
  if ($step.verb -eq 'run') { Restart-Service -Name docker -Force; return }
  $folder = [IO.Path]::GetDirectoryName($step.path)
  if ($step.verb -eq 'remove') {
    [IO.File]::Delete($step.path)
    if ($step.host -and [IO.Directory]::GetFileSystemEntries($folder).Length -eq 0) { [IO.Directory]::Delete($folder) }
    return
  }
  [void][IO.Directory]::CreateDirectory($folder)
  $temp = $folder + '\\berth-' + [Guid]::NewGuid().ToString('N') + '.tmp'
  try {
    $stream = New-Object IO.FileStream($temp, [IO.FileMode]::CreateNew)
    try { $stream.Write($step.bytes, 0, $step.bytes.Length); $stream.Flush($true) } finally { $stream.Dispose() }
    # Replace keeps the access rights of the old file.
    if ($step.before -ceq 'absent') { [IO.File]::Move($temp, $step.path) }
    else { [IO.File]::Replace($temp, $step.path, [NullString]::Value) }
  } finally { [IO.File]::Delete($temp) }
}

function Invoke-Plan([string]$mode, [string]$plan64) {
  $done = 0
  $base = 3
  try {
    $lines = [Text.Encoding]::ASCII.GetString([Convert]::FromBase64String($plan64)).Split([char]10)
    $last = $lines.Length - 1
    if ($last -lt 3 -or $last -gt 102 -or $lines[0] -cne 'berth-plan 1') { exit 3 }
    if ($lines[$last - 1] -cne 'end' -or $lines[$last] -cne '') { exit 3 }
    $steps = @($lines[1..($last - 2)] | ForEach-Object { Read-Step $_ })
    if (@($steps | ForEach-Object { $_.path } | Select-Object -Unique).Length -ne $steps.Length) { exit 3 }
    foreach ($step in $steps) { $code = Test-Step $step; if ($code -ne 0) { exit $code } }
    if ($mode -ceq 'dry-run') { exit 1000 + $steps.Length }
    if ($mode -cne 'apply') { exit 3 }
    $base = 2000
    foreach ($step in $steps) {
      if ((Test-Step $step) -ne 0) { exit 2000 + $done }
      Invoke-Step $step
      $done = $done + 1
    }
    exit 1000 + $done
  } catch { exit $base + $done }
}
`;

/** What the file for the elevated process holds: the script, and the call with the plan. */
export function windowsPayload(mode: 'apply' | 'dry-run', plan: Uint8Array): Buffer {
  const call = `Invoke-Plan '${mode}' '${Buffer.from(plan).toString('base64')}'\n`;
  return Buffer.from(windowsScript + call);
}

/**
 * Answers the arguments of our own powershell, which asks the question of UAC and ends with the exit code of the
 * elevated one. `file` holds the payload, `hash` is its SHA-256.
 */
export function powershellArguments(file: string, hash: string): readonly string[] {
  // The path as base64: PowerShell knows five characters that end a quoted text.
  const path = `[Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('${Buffer.from(file).toString('base64')}'))`;
  const elevated = [
    `$b=[IO.File]::ReadAllBytes(${path})`,
    `$h=[BitConverter]::ToString([Security.Cryptography.SHA256]::Create().ComputeHash($b)).Replace('-','')`,
    `if($h -ne '${hash}'){exit ${windowsExit.refused}}`,
    `&([ScriptBlock]::Create([Text.Encoding]::ASCII.GetString($b)))`,
  ].join(';');
  const own = [
    `$ErrorActionPreference='Stop'`,
    `try{$p=Start-Process "$PSHOME\\powershell.exe" -Verb RunAs -Wait -PassThru -WindowStyle Hidden -ArgumentList '-NoProfile -NonInteractive -EncodedCommand ${encodeCommand(elevated)}'}catch{exit ${windowsExit.notStarted}}`,
    // Without a code `exit` would say 0.
    `if($null -eq $p.ExitCode){exit ${windowsExit.notStarted}}`,
    `exit $p.ExitCode`,
  ].join(';');
  return ['-NoProfile', '-NonInteractive', '-EncodedCommand', encodeCommand(own)];
}

/** -EncodedCommand takes UTF-16 in base64 (about_PowerShell_exe). */
function encodeCommand(text: string): string {
  return Buffer.from(text, 'utf16le').toString('base64');
}
