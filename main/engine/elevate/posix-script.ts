/**
 * The helper with administrator rights for Linux and macOS, in full: `/bin/sh -c SCRIPT berth-helper MODE SHA256`,
 * the plan on standard input (format: steps.ts). It stays correct when whoever started it is hostile:
 *
 *     trusted        this text and the SHA-256, both in the command that the person gives rights to
 *     not trusted    the environment, the plan until its hash and every line are checked, all folders until each
 *                    one on the way is a real folder of root that nobody else can change
 *     never          runs, sources or follows anything that a user can write; keeps no file of its own, the plan
 *                    stays in memory
 *
 * Checked in three passes, so that nothing is changed unless all of it can be: the text, the computer, the doing.
 * The last pass looks at the computer again right before each step. A folder that only root can change cannot be
 * swapped for a link between the look and the step.
 *
 *     stdout                                              exit
 *     did STEP (dry run: would STEP), a line per step     0  all of it
 *     refused REASON                                      3  nothing was changed
 *     did STEP ..., failed REASON                         4  only the steps named were done
 *
 * It has to be started as /bin/sh: a bash under its own name reads ~/.bashrc when its input is a socket (bash(1)).
 * Written for dash, bash and busybox: POSIX but for mktemp, base64, sha256sum (shasum on macOS) and head -c.
 */
export const posixScript = `\
# Berth's helper: carries out one reviewed plan as root, and does nothing else. Usage, with the plan on stdin:
#   /bin/sh -c TEXT berth-helper apply|dry-run SHA256-OF-THE-PLAN
set +xv -fu
# A bash that is started as sh takes functions from the environment; unset is found before them.
unset -f [ base64 cat cd chmod command cp cut head id kill ls mkdir mktemp mv printf read readlink rm rmdir
unset -f service sha256sum shasum snap sync systemctl tr trust umask update-ca-certificates update-ca-trust
unset ENV BASH_ENV CDPATH TMPDIR
PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C IFS=' '
export PATH LC_ALL
umask 022
nl='
'
temp='' stop=refuse

say() { printf '%s\\n' "$*"; }
refuse() { say "refused $*"; exit 3; }
fail() { say "failed $*"; exit 4; }
trap '[ -z "$temp" ] || rm -f "$temp"' EXIT
trap '$stop interrupted' HUP INT TERM
trap '' PIPE

# --- grammar -------------------------------------------------------------------------------------------------

is_sha256() {
  case $1 in *[!0-9a-f]*) return 1 ;; esac
  [ "\${#1}" = 64 ]
}

is_port() {
  case $1 in '' | 0* | *[!0-9]* | ??????*) return 1 ;; esac
  [ "$1" -le 65535 ]
}

is_ipv4() {
  IFS=.
  set -- $1
  IFS=' '
  [ $# = 4 ] || return 1
  for octet in "$@"; do
    case $octet in '' | 0?* | *[!0-9]* | ????*) return 1 ;; esac
    [ "$octet" -le 255 ] || return 1
  done
}

is_ipv6() {
  case $1 in *[!0-9a-f:]* | *:::* | *::*::* | :[!:]* | *[!:]:) return 1 ;; esac
  case $1 in *::*) least=0 most=7 ;; *) least=8 most=8 ;; esac
  IFS=:
  set -- $1
  IFS=' '
  groups=0
  for group in "$@"; do
    case $group in '') continue ;; ?????*) return 1 ;; esac
    groups=$((groups + 1))
  done
  [ "$groups" -ge "$least" ] && [ "$groups" -le "$most" ]
}

is_name() {
  case $1 in '' | *[!a-z0-9.-]* | .* | *. | *..* | -* | *- | *.-* | *-.*) return 1 ;; esac
  [ "\${#1}" -le 253 ] || return 1
  case \${1##*.} in *[!0-9]*) ;; *) is_ipv4 "$1"; return ;; esac
  IFS=.
  set -- $1
  IFS=' '
  for label in "$@"; do [ "\${#label}" -le 63 ] || return 1; done
}

is_host() {
  [ "\${#1}" -le 255 ] || return 1
  case $1 in
    '['*']') address=\${1#?}; is_ipv6 "\${address%?}" ;;
    '['*']:'*) address=\${1#?}; is_ipv6 "\${address%]:*}" && is_port "\${1##*]:}" ;;
    *:*) is_name "\${1%:*}" && is_port "\${1##*:}" ;;
    *) is_name "$1" ;;
  esac
}

# The closed list of files. base is the folder that has to be there; folders below it are made. host is the name
# of the registry where the file has a folder of its own.
is_listed() {
  folder=\${1%/*} file=\${1##*/} host='' base=\${1%/*}
  d='[0-9a-f]'
  d=$d$d$d$d$d$d$d$d
  case $1 in
    /etc/docker/daemon.json | /etc/buildkit/buildkitd.toml) base=/etc; return ;;
    /var/snap/docker/current/config/daemon.json) base=/var/snap/docker/current; return ;;
    /etc/pki/ca-trust/source/anchors/berth-$d.pem) return ;;
    /usr/local/share/ca-certificates/berth-$d.crt) return ;;
    /etc/ca-certificates/trust-source/anchors/berth-$d.crt) return ;;
    /usr/share/pki/trust/anchors/berth-$d.pem) return ;;
  esac
  host=\${folder##*/}
  case \${folder%/*}:$file in
    /etc/docker/certs.d:berth.crt | /etc/containers/certs.d:berth.crt | /etc/buildkit/certs:berth.crt) base=/etc ;;
    /etc/containerd/certs.d:berth.crt | /etc/containerd/certs.d:hosts.toml) base=/etc ;;
    /var/snap/docker/current/etc/docker/certs.d:berth.crt) base=/var/snap/docker/current ;;
    /var/snap/microk8s/current/args/certs.d:berth.crt | /var/snap/microk8s/current/args/certs.d:hosts.toml)
      base=/var/snap/microk8s/current/args ;;
    *) return 1 ;;
  esac
  is_host "$host"
}

is_base64() {
  case $1 in '' | *[!A-Za-z0-9+/=]*) return 1 ;; esac
  [ "$(printf %s "$1" | base64 $decode 2>/dev/null | base64 | tr -d '\\n')" = "$1" ]
}

is_command() {
  case $1 in
    update-ca-certificates | 'update-ca-certificates --fresh' | 'update-ca-trust extract') ;;
    'trust extract-compat' | 'snap restart docker' | 'snap restart microk8s') ;;
    'reload docker' | 'restart docker') ;;
    *) return 1 ;;
  esac
}

check_text() {
  case $verb in
    write)
      [ $# = 4 ] && is_listed "$path" && { [ "$before" = absent ] || is_sha256 "$before"; } && is_base64 "$content" ;;
    remove) [ $# = 3 ] && is_listed "$path" && is_sha256 "$before" ;;
    run) is_command "$name" ;;
    *) false ;;
  esac || refuse "line $number is not a step that is allowed"
  case $seen in *"$nl$name$nl"*) refuse "line $number repeats a step" ;; esac
  seen="$seen$name$nl"
}

# --- the computer --------------------------------------------------------------------------------------------

sha256() {
  if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -c 1-64
}

# A file or folder is made durable. A sync without arguments does it for everything, where it cannot do it for one.
flush() { sync "$1" 2>/dev/null || sync; }

# A real folder of root that neither a group nor others can change: drwxr-xr-x 3 0 0 ...
check_folder() {
  at=$1
  set -- $(ls -ldn "$at" 2>/dev/null)
  case \${1-} in
    d????-??-?*) [ "$3" = 0 ] && return ;;
  esac
  $stop "unsafe folder $at: it has to be a real folder of root that nobody else can change"
}

# Looks at each folder down to that of the file, and sets real to the file's own path. Folders below base that are
# missing are made if asked to.
walk() {
  real=''
  check_folder /
  IFS=/
  set -- "$1" $folder
  IFS=' '
  ask=$1 way=''
  shift 2
  for part in "$@"; do
    way=$way/$part
    if [ -L "$real/$part" ]; then
      # The only links that are followed, each to a fixed kind of place beside it.
      target=$(readlink "$real/$part")
      case $way:$target in
        /etc:private/etc) check_folder /private ;;
        /var/snap/docker/current:*[!x0-9]* | /var/snap/microk8s/current:*[!x0-9]*) target='' ;;
        /var/snap/docker/current:?* | /var/snap/microk8s/current:?*) ;;
        *) target='' ;;
      esac
      [ -n "$target" ] || $stop "unsafe folder $way: it is a link"
      real=$real/$target
      check_folder "$real"
    elif [ -e "$real/$part" ]; then
      real=$real/$part
      check_folder "$real"
    else
      case $way in "$base"/*) ;; *) $stop "missing folder $way" ;; esac
      real=$real/$part
      [ "$ask" = make ] || continue
      mkdir -m 755 "$real" || $stop "cannot make the folder $way"
      flush "\${real%/*}"
    fi
  done
  real=$real/$file
}

check_file() {
  if [ -L "$real" ]; then now=link
  elif [ ! -e "$real" ]; then now=absent
  elif [ ! -f "$real" ]; then now=other
  else now=$(sha256 <"$real")
  fi
  case $now in
    "$before") ;;
    link | other) $stop "unsafe file $path: it is no regular file" ;;
    *) $stop "stale $path" ;;
  esac
}

# Is docker a matter of systemd (sd_booted(3))? A dockerd that was started by hand is not known to it.
is_service() {
  [ -d /run/systemd/system ] && { [ "$name" = 'restart docker' ] || systemctl is-active docker >/dev/null; }
}

# Sets pid to that of the system's dockerd; answers no if there is none.
find_dockerd() {
  for written in /run/docker.pid /var/run/docker.pid; do
    pid=''
    [ ! -f "$written" ] || read -r pid <"$written" || :
    case $pid in '' | 0* | *[!0-9]* | ????????*) continue ;; esac
    case $(readlink "/proc/$pid/exe") in */dockerd | */dockerd' (deleted)') return 0 ;; esac
  done
  return 1
}

# Sets run to what carries the command out on this computer.
resolve() {
  run=$name
  case $name in
    'reload docker' | 'restart docker')
      if is_service; then run="systemctl $name"
      elif [ "$name" = 'restart docker' ]; then run='service docker restart'
      elif find_dockerd; then run="kill -HUP $pid"
      else $stop 'no dockerd is running that could be reloaded'
      fi ;;
  esac
  command -v "\${run%% *}" >/dev/null || $stop "the program \${run%% *} is missing"
}

check_computer() {
  if [ "$verb" = run ]; then resolve
  else
    walk look
    check_file
  fi
}

# --- the doing -----------------------------------------------------------------------------------------------

# The new file has the owner and the mode of the old one, which mv replaces in one go.
write_file() {
  temp=$(mktemp "\${real%/*}/.berth.XXXXXXXX") || fail "cannot make a file beside $path"
  if [ "$before" = absent ]; then chmod 644 "$temp"; else cp -p "$real" "$temp"; fi || fail "cannot prepare $path"
  printf %s "$content" | base64 $decode >"$temp" || fail "cannot write $path"
  flush "$temp"
  mv -f "$temp" "$real" || fail "cannot replace $path"
  temp=''
  flush "\${real%/*}"
}

# The folder of the registry goes with its last file.
remove_file() {
  rm -f "$real" || fail "cannot remove $path"
  flush "\${real%/*}"
  [ -z "$host" ] || rmdir "\${real%/*}" 2>/dev/null || :
}

apply() {
  check_computer
  case $verb in
    write)
      walk make
      write_file ;;
    remove) remove_file ;;
    run) (trap - PIPE; $run) >&2 3<&- || fail "$name ended with $?" ;;
  esac
  say "did $verb $name"
}

# --- the passes ----------------------------------------------------------------------------------------------

# Calls the function that do names for each step of the plan.
for_each() {
  number=0 ended='' seen=$nl
  while IFS= read -r line <&3; do
    number=$((number + 1))
    [ -z "$ended" ] || refuse 'something follows the end'
    case $number:$line in
      '1:berth-plan 1') continue ;;
      1:*) refuse 'not a plan of this version' ;;
      102:*) [ "$line" = end ] || refuse 'more than 100 steps' ;;
    esac
    [ "$line" != end ] || { ended=yes; continue; }
    set -- $line
    [ "$*" = "$line" ] || refuse "line $number is not separated by single spaces"
    verb=\${1-} path=\${2-} before=\${3-} content=\${4-} name=\${2-}
    if [ "$verb" = run ]; then name=\${line#run }; else is_listed "$path" || :; fi
    $do "$@"
  done 3<<PLAN
$plan
PLAN
  [ -n "$ended" ] && [ "$number" -gt 2 ] || refuse 'the plan is cut off'
}

announce() { say "would $verb $name"; }

cd / || refuse 'no root folder'
case $#:\${1-} in
  2:apply) last=apply ;;
  2:dry-run) last=announce ;;
  *) refuse 'usage: apply|dry-run SHA256' ;;
esac
[ "$(id -u)" = 0 ] || refuse 'not root'
is_sha256 "$2" || refuse 'the hash is no SHA-256'
decode=-d
[ "$(printf QQ== | base64 -d 2>/dev/null)" = A ] || decode=-D
plan=$(head -c 1048577)
exec </dev/null
[ "\${#plan}" -lt 1048576 ] || refuse 'the plan is larger than 1 MiB'
# What is hashed is what is used: without NUL bytes and with one line break at its end.
[ "$(say "$plan" | sha256)" = "$2" ] || refuse 'the plan is not the one that was agreed to'

do=check_text
for_each
do=check_computer
for_each
[ "$last" = announce ] || stop=fail
do=$last
for_each
exit 0
`;
