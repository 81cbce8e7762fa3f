#!/usr/bin/env bash
# A crashed program's core lands sealed and nowhere in plain: with the vault away by an RSA key's public part, else asked for and dropped
# after a while; gdb shows the backtrace; it is bounded in size and number; what is interrupted leaves nothing.
. "$(dirname "$0")/../lib.sh"
require gdb gcc flock
[ "$(id -u)" = 0 ] || skip "needs root to change kernel.core_pattern"

# There is one such setting: one test at a time, and it is put back however this ends.
pattern_file=/proc/sys/kernel/core_pattern
limit_file=/proc/sys/kernel/core_pipe_limit
if [ ! -w $pattern_file ] || [ ! -w $limit_file ]; then skip "kernel.core_pattern can't be changed here"; fi
exec 9<$pattern_file
flock -w 60 9 || skip "another test uses kernel.core_pattern"
pattern_before=$(cat $pattern_file)
limit_before=$(cat $limit_file)
# A system's log, where there is none that it would disturb.
syslog=
syslog_start() {
  [ ! -e /dev/log ] || return 0
  python3 -c '
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
with open(sys.argv[1], "ab", buffering=0) as f:
    while True:
        f.write(s.recv(65536) + b"\n")
' "$WORK/syslog" &
  syslog=$!
  until [ -S /dev/log ]; do kill -0 $syslog && sleep 0.05; done
}
syslog_stop() {
  [ -n "$syslog" ] || return 0
  kill $syslog && rm -f /dev/log
  syslog=
}

restore() {
  local status=$?
  syslog_stop
  printf '%s\n' "$pattern_before" >$pattern_file
  echo "$limit_before" >$limit_file
  if (exit $status); then lib_end; else lib_end; fi # it looks at the status
}
trap restore EXIT
printf '%s\n' "$pattern_before" >$pattern_file 2>/dev/null || skip "kernel.core_pattern can't be changed here"

# The kernel starts it as root: it must not be where others could change it. The pattern is short.
cp "$STRONGROOM" "$WORK/sr"
STRONGROOM=$WORK/sr
conf=$WORK/c
crash() { (cd "$WORK/disk" && ulimit -c unlimited && exec "$WORK/crash" "$@") || true; }
cores() { sr core "$1" --config "$conf" "${@:2}"; }
files() { find "$dir" -name '*.sealed' | wc -l; }
# In the system's log: the kernel's, or the one made here.
logged() {
  local lines=$WORK/syslog
  if [ -z "$syslog" ]; then
    [ ! -e /dev/log ] || return 0 # the line is where the system's log is
    lines=$WORK/dmesg
    dmesg >"$lines"
  fi
  tr '\0' '\n' <"$lines" | grep -aF "$1" | tail -n 1 | grep -aF -- "$2" >/dev/null || fail "the log has no '$2' about $1"
}
cat >"$WORK/crash.c" <<'C'
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* crash MIB NAME <MARKER: a child of this name crashes, with the marker and so much in its memory. */
__attribute__((noinline)) static void known_function(char *memory) {
  raise(SIGSEGV);
  memory[0] = 1;
}
int main(int argc, char **argv) {
  size_t size = strtoul(argv[1], NULL, 10) << 20;
  char *memory = malloc(size + 4096);
  memset(memory, 0x5a, size + 4096);
  for (size_t i = 0; i < size; i += 8)
    memcpy(memory + i, &(size_t){ i * 0x9e3779b97f4a7c15u }, 8);
  if (!fgets(memory + size, 4096, stdin))
    return 2;
  pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_NAME, argv[2]);
    known_function(memory + size);
  }
  int status;
  return waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGSEGV ? 0 : 3;
}
C
gcc -g -O0 -o "$WORK/crash" "$WORK/crash.c"

# A disk of its own, which can be searched for what was ever written to it.
dir=$WORK/disk/cores
mkdir "$WORK/disk"
truncate -s 24M "$WORK/image"
mkfs.ext4 -q "$WORK/image"
if mount -o loop "$WORK/image" "$WORK/disk" 2>"$WORK/mount.log"; then
  mounted "$WORK/disk"
else
  note "no loop device: deleted files are not searched"
fi
# on_disk TEXT: whether it is in the disk's bytes, or in a file of this test.
on_disk() {
  sync -f "$WORK/disk"
  grep -qaF "$1" "$WORK/image" || grep -rqaF "$1" "$WORK/disk" "$WORK/data" "$WORK/hub.log"
}

hub_start
sr key create cores --type RSA --size 2048 >/dev/null
sr key create cores-oct --type oct --size 256 >/dev/null

# An RSA key: no vault is needed, nor anybody's credentials.
status=0
cores install --key nothing 2>/dev/null || status=$?
same "a key that is not there" 3 "$status"
status=0
(cd "$WORK" && sr core install --config c --key cores 2>/dev/null) || status=$?
same "a path that is not absolute" 2 "$status"
same "the pattern after a failed install" "$pattern_before" "$(cat $pattern_file)"
cores install --key cores --dir "$dir" >"$WORK/install" 2>&1
contains "what install says" "$(cat "$WORK/install")" "by the key's public part"
same "the settings' mode" 600 "$(stat -c %a "$conf")"
same "the directory's mode" 700 "$(stat -c %a "$dir")"
[ "$(cat $limit_file)" -gt 0 ] || fail "the kernel does not wait for the helper"
hub_stop
random() { head -c 20 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
marker=$(random)
name=$'../ev!l \e[1m\n'
crash 0 "$name" <<<"$marker"
same "files" 2 "$(files)"
same "their names" "000001.core.sealed 000001.info.sealed lock" "$(find "$dir" -type f -printf '%f\n' | sort | xargs)"
! on_disk "$marker" || fail "the program's memory is on the disk"
echo "$marker" >"$WORK/disk/control"
on_disk "$marker" || fail "the search finds nothing at all"
rm "$WORK/disk/control"
logged "core 1: ..!ev!l ?[1m?" "SIGSEGV" # the kernel writes a slash as '!'

hub_start
cores list >"$WORK/list"
contains "the list" "$(cat "$WORK/list")" "SIGSEGV"
contains "the list" "$(cat "$WORK/list")" "$WORK/crash"
same "its name, as JSON" "'..!ev!l \x1b[1m\n'" "$(cores list --json | json 'repr(d["value"][0]["name"])')"
gdb_shows() {
  contains "gdb's backtrace" "$(cat "$WORK/gdb")" "known_function (memory="
  contains "gdb's backtrace" "$(cat "$WORK/gdb")" "main (argc=3"
}
cores debug 1 -- -batch -ex bt >"$WORK/gdb" 2>&1
gdb_shows
cores open 000001 | cores debug - --program "$WORK/crash" -- -batch -ex bt >"$WORK/gdb" 2>&1
gdb_shows
[ "$(cores open 1 | grep -ca "$marker")" -gt 0 ] || fail "the marker is not in the core"
cores open 1 --out "$WORK/core"
cores open 1 | cmp - "$WORK/core" || fail "the file differs"
same "the file's mode" 600 "$(stat -c %a "$WORK/core")"
status=0
cores open 1 --out "$WORK/core" 2>/dev/null || status=$?
same "a file that is there" 5 "$status"
cores open 1 --out "$WORK/core" --force

# What was changed, or put in another's place, shows.
crash 0 second <<<x
cp "$dir/000001.core.sealed" "$WORK/kept"
flip "$dir/000001.core.sealed" 30000
status=0
cores open 1 >/dev/null 2>&1 || status=$?
same "a changed core" 7 "$status"
cp "$dir/000002.core.sealed" "$dir/000001.core.sealed"
status=0
cores open 1 >/dev/null 2>&1 || status=$?
same "another core in its place" 8 "$status"
cp "$WORK/kept" "$dir/000001.core.sealed"
cores delete 2
status=0
cores open 2 >/dev/null 2>&1 || status=$?
same "a deleted core" 3 "$status"

# A full disk: nothing of it stays.
crash 40 large <<<x
same "files after a full disk" 2 "$(files)"
logged "of large" "No space left"

# Who wants no core has none.
(cd "$WORK/disk" && ulimit -c 0 && "$WORK/crash" 0 none <<<x) || true
same "files after a crash with a limit of 0" 2 "$(files)"

# Another key: the vault is asked, for so long; a core that is too large is cut.
dir=$WORK/cores
status=0
cores install --key cores-oct --dir "$dir" 2>/dev/null || status=$?
same "without credentials in a file" 2 "$status"
cores install --key cores-oct --dir "$dir" --data "$HUB_DATA/env" --max-size 64k --wait-seconds 1 >/dev/null 2>&1
crash 0 cut <<<x
same "files" 2 "$(files)"
same "its size" 65536 "$(cores open 1 | wc -c)"
same "what is known of it" "65536 True cut" "$(cores list --json | json '"%d %s %s" % tuple(d["value"][0][i] for i in ("size", "truncated", "name"))')"
hub_stop
marker=$(random) # the earlier one was put on the disk
syslog_start
crash 0 away <<<"$marker"
same "files while the vault is away" 2 "$(files)"
logged "of away" "was dropped"
syslog_stop
! on_disk "$marker" || fail "the program's memory is on the disk"

# Killed in the middle, it leaves nothing; the next one goes on.
hub_start
cores install --key cores --dir "$dir" >/dev/null 2>&1
killed=
for _ in 1 2 3; do
  before=$(files)
  crash 300 killed <<<x &
  crashing=$!
  deadline=$((SECONDS + 10))
  until helper=$(pgrep -f "^$WORK/sr core take .* killed\$") || [ $SECONDS -ge $deadline ]; do :; done
  ! kill -KILL "$helper" 2>/dev/null || killed=yes
  wait $crashing
  [ -z "$killed" ] || break
done
[ -n "$killed" ] || fail "the helper was done too early, three times"
same "files after a kill" "$before" "$(files)"

# Many at a time: all of them end, what is kept is whole and no more than allowed. The machine has nothing but the public key.
sr key show cores --json >"$WORK/public"
(
  unset KEY_VAULT_URL "${!AZURE_@}"
  cores install --public-key "$WORK/public" --dir "$dir" --keep-total 2M >/dev/null 2>&1
)
storm=()
for i in $(seq 24); do
  crash 0 "storm$i" <<<x &
  storm+=($!)
done
wait "${storm[@]}"
cores list --json >"$WORK/storm" || fail "a core of the storm can't be opened"
count=$(json 'len(d["value"])' <"$WORK/storm")
[ "$count" -ge 2 ] || fail "$count cores of the storm"
same "files of the storm" $((2 * count)) "$(files)"
[ "$(json 'sum(i["sealedSize"] for i in d["value"])' <"$WORK/storm")" -le $((2 * 1024 * 1024)) ] || fail "more is kept than allowed"
for id in $(json '" ".join(str(i["number"]) for i in d["value"])' <"$WORK/storm"); do
  cores open "$id" >/dev/null || fail "core $id of the storm"
done

# In its sandbox, where nothing can be connected to, it reaches the system's log all the same.
syslog_start
crash 0 heard <<<x
[ -z "$syslog" ] || logged ": heard (pid" "bytes sealed"
syslog_stop

# As it was before; what is sealed stays.
cores uninstall >/dev/null 2>&1
same "the pattern" "$pattern_before" "$(cat $pattern_file)"
same "the limit" "$limit_before" "$(cat $limit_file)"
if [ -e "$conf" ] || [ -e "$conf.jwk" ]; then fail "the settings are still there"; fi
sr core open "$id" --dir "$dir" >/dev/null
hub_stop
