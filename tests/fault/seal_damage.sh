#!/usr/bin/env bash
# Whatever happens to sealed files, keys, the vault, the disk or the program: nothing that was not verified comes out, no file has its name before it is
# whole, nothing in plain is on the disk meanwhile, the exit code says what it was, and what was interrupted goes on where that is safe.
. "$(dirname "$0")/../lib.sh"
require python3 mkfifo
hub_start
cd "$WORK"
mkdir s
cd s
for key in backups other doomed; do sr key create $key --type oct --size 256 >/dev/null; done
python3 -c 'print("The plaintext, line by line.\n" * 200000, end="")' >big # 5.8 MB
head -c 400000 big >plain # more than is handled in memory
sr seal plain --key backups --context here

# refused STATUS WHAT COMMAND...: it ends so and leaves neither "out" nor anything beside it.
refused() {
  local expected=$1 what=$2 status=0 said
  shift 2
  said=$("$@" 2>&1 >/dev/null) || status=$?
  same "$what: status ($said)" "$expected" "$status"
  [ -n "$said" ] || fail "$what: nothing was said"
  same "$what: what is left" "" "$(find . -name 'out*' -o -name '.*.strongroom-*')"
}
# What comes to stdout of a damaged file is a beginning of the plaintext, in whole chunks.
beginning() {
  sr open damaged --context here >piece 2>/dev/null && fail "$1: it opens"
  cmp -s -n "$(stat -c %s piece)" piece plain || fail "$1: what came out is not the plaintext"
  [ $(($(stat -c %s piece) % 16384)) = 0 ] || fail "$1: a part of a chunk came out"
}
damaged() { # WHAT STATUS: the file "damaged"
  refused "$2" "$1" sr open damaged --context here --out out
  beginning "$1"
}

# The header is there twice; behind it nothing may change.
head=2176 chunks=$((2176 + 56)) chunk=16400
cp plain.sealed damaged
flip damaged 30
sr open damaged --context here | cmp - plain || fail "half a header is enough"
flip damaged $((1088 + 30))
damaged "both halves of the header" 7
for at in $head $((head + 24)); do
  cp plain.sealed damaged
  flip damaged "$at"
  damaged "the payload's beginning, byte $at" 8
done
for at in $chunks $((chunks + chunk - 1)) $((chunks + 3 * chunk + 77)) -1; do
  cp plain.sealed damaged
  flip damaged "$((at < 0 ? $(stat -c %s plain.sealed) - 1 : at))"
  damaged "byte $at" 7
done
for size in 0 5 100 $head $chunks $((chunks + 1)) $((chunks + chunk)) $((chunks + 3 * chunk)) $(($(stat -c %s plain.sealed) - 1)); do
  head -c "$size" plain.sealed >damaged
  refused 7 "cut off at $size" sr open damaged --context here --out out
  refused 7 "cut off at $size, from a pipe" sh -c "cat damaged | '$STRONGROOM' open --context here --out out"
done
damaged "cut off" 7
{ cat plain.sealed && echo; } >damaged
damaged "a byte more" 7
{ cat plain.sealed plain.sealed; } >damaged
damaged "twice" 7
{
  head -c $chunks plain.sealed
  head -c $((chunks + 2 * chunk)) plain.sealed | tail -c $chunk
  head -c $((chunks + chunk)) plain.sealed | tail -c $chunk
  tail -c +$((chunks + 2 * chunk + 1)) plain.sealed
} >damaged
damaged "reordered" 7
head -c 400000 /dev/zero >zeros
sr seal zeros --key backups --context there
cp zeros.sealed damaged
damaged "another file in its place" 8
{ head -c $chunks plain.sealed && tail -c +$((chunks + 1)) zeros.sealed; } >damaged
damaged "another file's chunks" 7
sr seal plain --key other --context here --out other.sealed
{ head -c $head other.sealed && tail -c +$((head + 1)) plain.sealed; } >damaged
damaged "another key's header" 8

# The key: gone, disabled, not for this caller.
sr seal plain --key doomed --context here --out doomed.sealed
sr key set doomed --disabled >/dev/null
refused 4 "a disabled key" sr open doomed.sealed --context here --out out
refused 4 "sealing under a disabled key" sr seal plain --key doomed --out out
sr key create rsa --type RSA --size 2048 --disabled >/dev/null
refused 4 "sealing under a disabled RSA key" sr seal plain --key rsa --out out
sr key delete doomed >/dev/null
refused 3 "a deleted key" sr open doomed.sealed --context here --out out
refused 3 "sealing under a deleted key" sr seal plain --key doomed --out out
identity app crypto-service-encryption-user /keys/other
as_app() { AZURE_CLIENT_ID=$APP_CLIENT_ID AZURE_CLIENT_SECRET=$APP_CLIENT_SECRET sr "$@"; }
as_app open other.sealed --context here | cmp - plain || fail "with the role"
refused 4 "a key of others" as_app open plain.sealed --context here --out out
sr role unassign "$(sr role assignments --json | json '[a["name"] for a in d["value"] if a["properties"]["scope"] == "/keys/other"][0]')" >/dev/null
refused 4 "a revoked role" as_app open other.sealed --context here --out out

# Interrupted: until the pipe ends, there is but a temporary file, sealed or private; it goes, or is taken away by the next run.
mkfifo pipe
running() { # COMMAND...: in the background, until its temporary file has something in it
  "$@" <pipe 2>said &
  pid=$!
  exec 7>pipe
}
grown() {
  local deadline=$((SECONDS + 20))
  until [ "$(stat -c %s .out.strongroom-tmp 2>/dev/null || echo 0)" -ge 1000000 ]; do
    [ $SECONDS -lt $deadline ] || fail "nothing was written: $(cat said)"
    sleep 0.02
  done
  [ ! -e out ] || fail "it has its name before it is whole"
  same "mode of a temporary file" 600 "$(stat -c %a .out.strongroom-tmp)"
}
ended() { # STATUS
  local status=0
  exec 7>&-
  wait $pid || status=$?
  same "status ($(cat said))" "$1" "$status"
}
sr seal big --key backups
for signal in INT TERM HUP; do
  running env --default-signal "$STRONGROOM" seal --key backups --out out
  cat big >&7
  grown
  grep -q "line by line" .out.strongroom-tmp && fail "plaintext in a temporary file"
  kill -$signal $pid
  ended 130
  same "what is left after $signal" "" "$(find . -name 'out*' -o -name '.*.strongroom-*')"
done
running "$STRONGROOM" open --out out
head -c 5000000 big.sealed >&7
grown
cmp -s -n 1000000 .out.strongroom-tmp big || fail "a temporary file has something else in it"
ended 7
same "what is left of a file that is cut off" "" "$(find . -name 'out*' -o -name '.*.strongroom-*')"
running "$STRONGROOM" seal --key backups --out out
cat big >&7
grown
said=$(sr seal plain --key backups --out out 2>&1) && fail "two runs write one file"
contains "the second run" "$said" "another run"
kill -KILL $pid
ended 137 2>/dev/null
[ ! -e out ] || fail "a killed run's output has its name"
sr seal plain --key backups --out out
same "what is left of a killed run" "" "$(find . -name '.*.strongroom-*')"
sr open out | cmp - plain || fail "after a killed run"
rm out

# The input fails in the middle: a terminal whose other side is gone gives an error, not an end.
cat >"$WORK/broken.py" <<'EOF'
import os, pty, subprocess, sys, tty
ours, theirs = pty.openpty()
tty.setraw(theirs)
os.write(theirs, b"some text")
os.close(theirs)
sys.exit(subprocess.run(sys.argv[1:], stdin=ours).returncode)
EOF
refused 9 "an input that fails" python3 "$WORK/broken.py" "$STRONGROOM" seal --key backups --out out

# Resuming: killed by a limit in the middle; then the same bytes are continued, unless source, partial output or context are others.
[ $(($(date +%s) - $(stat -c %Z big))) -gt 3 ] || sleep 4 # a source that changed just now is not resumed
cut_off() {
  if (ulimit -f 2000 && exec "$STRONGROOM" seal big --key backups --out out --resume); then
    fail "the limit did not end it"
  fi
}
interrupt() { # leaves a partial output of some 2 MB
  rm -f out
  cut_off 2>/dev/null
  [ ! -e out ] || fail "an interrupted run's output has its name"
  part=$(find . -name '.out.*.strongroom-part')
  [ "$(stat -c %s "$part")" -ge 1000000 ] || fail "there is no partial output"
  same "mode of a partial output" 600 "$(stat -c %a "$part")"
  grep -q "line by line" "$part" && fail "plaintext in a partial output"
  head -c 500000 "$part" >before
}
resume() { # OPTION...
  sr seal big --key backups --out out --resume "$@" 2>said || fail "resuming: $(cat said)"
  same "partial outputs that are left" "" "$(find . -name '.*.strongroom-*')"
}
anew() { # WHAT OPTION...
  local what=$1
  shift
  resume "$@"
  tail -c +$((head + 1)) before | cmp -s - <(tail -c +$((head + 1)) out | head -c $((500000 - head))) && fail "$what: it went on under the same key"
  sr open out "$@" | cmp - big || fail "$what: it does not open"
}
interrupt
resume
contains "resuming" "$(cat said)" "going on behind"
cmp -n 500000 before out || fail "it did not go on with what was there"
sr open out | cmp - big || fail "what was resumed does not open"
interrupt
flip "$part" 400000
anew "a damaged partial output"
interrupt
anew "another context" --context elsewhere
interrupt
sr seal big --key backups --force --out out
same "partial outputs after a run without --resume" "" "$(find . -name '.*.strongroom-*')"
interrupt
flip big 5500000
anew "a changed source"
rm out
flip big 5500000
cut_off 2>/dev/null # of what was changed just now there is nothing to go on with
same "what is left of a fresh source" "" "$(find . -name '.*.strongroom-*')"
anew "a fresh source"
rm out

# Disks: full, and not to be written to.
mkdir "$WORK/small"
if mount -t tmpfs -o size=3m,mode=0700 tmpfs "$WORK/small" 2>/dev/null; then
  mounted "$WORK/small"
  for try in seal open; do
    status=0
    if [ $try = seal ]; then
      said=$(sr seal big --key backups --out "$WORK/small/out" 2>&1) || status=$?
    else
      said=$(sr open big.sealed --out "$WORK/small/out" 2>&1) || status=$?
    fi
    same "$try on a full disk" 9 "$status"
    contains "$try on a full disk" "$said" "No space left on device"
    same "what a full disk holds" "" "$(ls -A "$WORK/small")"
  done
  mount -o remount,ro "$WORK/small"
  said=$(sr seal plain --key backups --out "$WORK/small/out" 2>&1) && fail "a disk that is read-only was written to"
  contains "a read-only disk" "$said" "Read-only file system"
else
  note "no tmpfs can be mounted here: full and read-only disks were not tried"
fi

# The vault goes away in the middle: who has a data key goes on with it, who needs one is told.
for i in 1 2 3 4; do cp plain "f$i"; done
sr seal f1 f2 f4 --key backups
sr seal f3 --key other
rm f1 f2 f3 f4
mkfifo names
"$STRONGROOM" open --files-from names 2>opened &
opening=$!
exec 8>names
printf 'f1.sealed\0' >&8
deadline=$((SECONDS + 20))
until [ -e f1 ]; do
  [ $SECONDS -lt $deadline ] || fail "the first file waits for the others"
  sleep 0.02
done
running "$STRONGROOM" seal --key backups --out out
cat big >&7
grown
hub_kill
printf 'f2.sealed\0f3.sealed\0f4.sealed\0' >&8
exec 8>&-
ended 0
status=0
wait $opening || status=$?
same "opening while the vault is away" 6 "$status"
for i in 1 2 4; do cmp f$i plain || fail "f$i while the vault is away"; done
[ ! -e f3 ] || fail "f3 was opened without its key"
contains "what is told" "$(cat opened)" "f3.sealed"
rm -f out f1 f2 f4
refused 6 "opening without the vault" sr open plain.sealed --context here --out out
refused 6 "sealing without the vault" sr seal plain --key backups --out out

hub_start
sr open big.sealed | cmp - big || fail "with the vault again"
hub_stop
