#!/bin/bash
# private-engine.sh - run a command beside a throw-away Docker engine.
#
#   private-engine.sh [-r ROOT] [-c daemon.json] [-a DOCKERD_ARG]... [-V] [-k] [--] COMMAND [ARG...]
#
#   -r ROOT  take dockerd, containerd, runc and docker from this installed root tree instead of "/" (it is
#            only read: a private overlay lies over it). The same can be said with ENGINE_ROOT=ROOT.
#   -c FILE  start with this /etc/docker/daemon.json (default: none)
#   -a ARG   one more argument for dockerd, may be repeated
#   -V       do without overlayfs: copy /etc, keep images in the vfs driver (chosen by itself where needed)
#   -k       keep the work directory (dockerd.log, data) and print its path
#
# The engine and COMMAND share private mount, pid and network namespaces:
#   /etc   private copy-on-write view, /etc/docker empty       /run  empty tmpfs      HOME  empty directory
#   net    own loopback, own docker0 (172.17.0.1) and iptables; no route to anywhere, every port is free
#   name   registry.berth.test = 10.99.0.1 on lo: not loopback for docker, so TLS is really verified there
# COMMAND runs as root in the caller's directory with the caller's environment less what would bend trust
# (SSL_CERT_*, DOCKER_*, proxies, XDG_*) plus DOCKER_HOST, ENGINE_WORK, ENGINE_IP, ENGINE_NAME and on PATH
#   engine reload | restart | stop | start | pid | log      act on dockerd
#   engine exec CMD...                                      run CMD inside ROOT (without -r: as is)
# The exit status is COMMAND's. Nothing of the host changes: its daemons, /etc, docker0, iptables stay as they
# are; work directory and cgroups are removed on every way out, kill -9 included. Nothing is installed.
set -euo pipefail
die() { echo "private-engine: $*" >&2; exit 125; }

if [ "${1:-}" != --inside ]; then # ---------------------------------------------------------------- outside
  root=${ENGINE_ROOT:-} conf='' keep='' vfs='' dargs=()
  while getopts r:c:a:Vkh o; do
    case $o in
      r) root=$OPTARG ;; c) conf=$OPTARG ;; a) dargs+=("$OPTARG") ;; V) vfs=1 ;; k) keep=1 ;;
      *) sed -n '2,/^set /s/^# \{0,1\}//p' "$0"; exit 2 ;;
    esac
  done
  shift $((OPTIND - 1)); [ $# -gt 0 ] || die "no command given (-h for help)"
  PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
  missing=''
  need() { # program, Debian package, [root tree]
    local d; for d in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin; do [ -x "${3:-}$d/$1" ] && return; done
    missing+=" $1 (Debian package $2${3:+, in $3})"
  }
  need unshare util-linux; need setpriv util-linux; need setsid util-linux; need ip iproute2
  need dockerd docker.io "$root"; need docker "docker.io; from Debian 13 on docker-cli" "$root"
  need containerd containerd "$root"; need runc runc "$root"
  [ -z "$missing" ] || die "missing:$missing"
  [ "$(id -u)" = 0 ] || die "needs root (mount, pid and network namespaces)"
  if [ -n "$root" ]; then root=$(cd "$root" && pwd -P); fi
  if [ -n "$conf" ]; then [ -r "$conf" ] || die "cannot read $conf"; fi
  W=$(mktemp -d "${TMPDIR:-/tmp}/berth-engine.XXXXXX"); W=$(cd "$W" && pwd -P); tag=${W##*/}
  mkdir "$W"/{bin,data,home,docker,eu,ew,ru,rw,root,cg}
  if [ -n "$conf" ]; then cp "$conf" "$W/docker/daemon.json"; fi
  if [ ${#dargs[@]} -gt 0 ]; then printf '%q ' "${dargs[@]}"; fi >"$W/dockerd.args"
  # The janitor outlives everybody: all processes of this run hold fd 9, so end of file on the pipe means that
  # the last one is gone, however it died, and with it the namespaces and every mount in them.
  mkfifo "$W/alive"
  setsid bash -c 'read -r _ <"$1/alive"; find /sys/fs/cgroup -depth -type d -path "*/$2*" -exec rmdir {} + 2>/dev/null
    [ -n "$3" ] || rm -rf --one-file-system "$1"' _ "$W" "$tag" "$keep" </dev/null >/dev/null 2>&1 &
  janitor=$!
  exec 9>"$W/alive"
  # pdeathsig + kill-child: when this script dies, even by SIGKILL, pid 1 of the namespace dies, and all with it.
  ENGINE_ROOT=$root ENGINE_WORK=$W ENGINE_VFS=$vfs env --default-signal=INT,QUIT setpriv --pdeathsig KILL \
    unshare -m -n -p -f --kill-child --mount-proc --propagation private bash "$0" --inside "$@" <&0 &
  child=$!
  finish() { trap '' HUP INT TERM; kill -KILL "$child" 2>/dev/null || true; exec 9>&-; wait "$janitor" || true; }
  trap finish EXIT
  trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 143' TERM
  [ -z "$keep" ] || echo "private-engine: keeping $W" >&2
  rc=0; wait "$child" || rc=$?
  exit "$rc"
fi

{ # -------------------------------------------------------------------- inside: pid 1 of the new namespaces
shift; W=$ENGINE_WORK; R=$ENGINE_ROOT; ip=10.99.0.1 name=registry.berth.test
mount -n -t tmpfs -o mode=755 tmpfs /run; mkdir -m 1777 /run/lock # first, with -n: mount keeps notes under /run
ip link set lo up; ip addr add $ip/32 dev lo
mountpoint -q /sys/fs/cgroup && mount --move /sys/fs/cgroup "$W/cg"
mount -t sysfs sysfs /sys # a fresh sysfs shows the devices of the new network namespace
if mountpoint -q "$W/cg"; then mount --move "$W/cg" /sys/fs/cgroup; else mount -t cgroup2 cgroup2 /sys/fs/cgroup; fi
if [ -z "$ENGINE_VFS" ] && ! mount -t overlay o -o "lowerdir=/etc,upperdir=$W/eu,workdir=$W/ew" /etc 2>/dev/null; then
  ENGINE_VFS=1; echo "private-engine: no overlayfs in $W: using the vfs driver" >&2
fi
if [ -n "$ENGINE_VFS" ]; then
  [ -z "$R" ] || die "-r needs overlayfs"
  mkdir "$W/etc"; cp -a /etc/. "$W/etc/"; mount --bind "$W/etc" /etc
fi
mkdir -p /etc/docker; mount --bind "$W/docker" /etc/docker
echo "$ip $name" >>/etc/hosts
rm -f /etc/resolv.conf; echo nameserver 127.0.0.1 >/etc/resolv.conf # look-ups fail at once instead of timing out
if [ -n "$R" ]; then
  mount -t overlay o -o "lowerdir=$R,upperdir=$W/ru,workdir=$W/rw" "$W/root"; R=$W/root
  for d in /proc /sys /dev /run /etc/docker /etc/ssl /etc/hosts /etc/resolv.conf /tmp "$W" "$PWD"; do
    if [ -d "$d" ]; then mkdir -p "$R$d"; else rm -f "$R$d"; : >"$R$d"; fi
    case $d in /proc | /sys | /dev) mount --rbind "$d" "$R$d" ;; *) mount --bind "$d" "$R$d" ;; esac
  done
fi
cat >"$W/bin/engine" <<'ENGINE'
#!/bin/bash
# engine reload|restart|stop|start|pid|log|exec: see private-engine.sh
W=$ENGINE_WORK; in_root=(); [ ! -d "$W/root/usr" ] || in_root=(chroot "$W/root" sh -c 'cd "$0" 2>/dev/null || cd /; exec "$@"' "$PWD")
up() { docker version >/dev/null 2>&1; }
case ${1:-} in
  pid) cat /run/docker.pid ;;
  log) cat "$W/dockerd.log" ;;
  exec) shift; PATH=${PATH//"$W/bin:"/}; exec "${in_root[@]}" "$@" ;; # without the docker shim, or it would call itself
  reload) kill -HUP "$(cat /run/docker.pid)" ;;
  stop) p=$(cat /run/docker.pid 2>/dev/null) || exit 0; kill "$p"
    for _ in {1..200}; do kill -0 "$p" 2>/dev/null || exit 0; sleep .1; done; kill -KILL "$p" ;;
  restart) "$0" stop && exec "$0" start ;;
  start) # dockerd sees none of the caller's environment: SSL_CERT_FILE and proxies would change what it trusts
    eval "args=($(cat "$W/dockerd.args"))"
    env -i PATH="$PATH" HOME=/root LANG=C.UTF-8 DOCKER_IGNORE_BR_NETFILTER_ERROR=1 "${in_root[@]}" setsid dockerd \
      --data-root "$W/data" --cgroup-parent "/${W##*/}" "${args[@]}" >>"$W/dockerd.log" 2>&1 </dev/null & p=$!
    for _ in {1..300}; do
      if up; then exit 0; fi
      kill -0 $p 2>/dev/null || break
      sleep .1
    done
    echo "private-engine: dockerd did not start:" >&2; tail -n 5 "$W/dockerd.log" >&2; exit 1 ;;
  *) sed -n 2p "$0"; exit 2 ;;
esac
ENGINE
[ -z "$R" ] || printf '#!/bin/sh\nexec engine exec docker "$@"\n' >"$W/bin/docker"
chmod 755 "$W"/bin/*
[ -z "$ENGINE_VFS" ] || printf '%q ' --storage-driver vfs >>"$W/dockerd.args"
unset SSL_CERT_FILE SSL_CERT_DIR ENGINE_ROOT ENGINE_VFS ${!DOCKER_*} ${!XDG_*} \
  http_proxy https_proxy no_proxy all_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY
export PATH=$W/bin:$PATH HOME=$W/home DOCKER_HOST=unix:///var/run/docker.sock ENGINE_IP=$ip ENGINE_NAME=$name
engine exec iptables -w -L -n >/dev/null 2>&1 || # iptables is missing or does not work here: live without published ports
  printf '%q ' --iptables=false --ip6tables=false >>"$W/dockerd.args"
engine start || exit 125
rc=0; "$@" || rc=$?
exit $rc; } # the end of pid 1 kills dockerd, containers and whatever COMMAND left behind
