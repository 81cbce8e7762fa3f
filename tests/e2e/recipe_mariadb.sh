#!/usr/bin/env bash
# doc/recipes/mariadb.md: dumps of MariaDB and SQLite come back; what was changed, or cut off, is not run.
. "$(dirname "$0")/../recipe.sh"
require mariadbd mariadb-install-db mariadb-dump mariadb sqlite3
recipe_start mariadb
export day=2026-11-26 HOME=/mnt
socket=/srv/db/socket
printf '[client]\nsocket=%s\nuser=root\n' $socket >/mnt/.my.cnf

# A server of its own, without a network, which ends with the test.
mkdir /srv/db
mariadb-install-db --no-defaults --auth-root-authentication-method=normal --skip-test-db --user=root --datadir=/srv/db/data \
  >"$WORK/install.log" 2>&1 || skip "mariadb-install-db does not work here: $(tail -n 1 "$WORK/install.log")"
mariadbd --no-defaults --user=root --datadir=/srv/db/data --skip-networking --socket=$socket --pid-file=/srv/db/pid \
  --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=16M >"$WORK/mariadb.log" 2>&1 &
server=$!
# shellcheck disable=SC2317,SC2329 # it is called by the trap
server_end() {
  local status=$?
  kill -KILL $server 2>/dev/null || true
  wait $server 2>/dev/null || true
  if (exit $status); then lib_end; else lib_end; fi # it looks at the status
}
trap server_end EXIT
deadline=$((SECONDS + 15))
until mariadb --execute='select 1' >"$WORK/up.log" 2>&1; do
  [ $SECONDS -lt $deadline ] || fail "the server does not come up: $(tail -n 5 "$WORK/mariadb.log"; cat "$WORK/up.log")"
  sleep 0.1
done

mariadb --execute="create database shop; use shop; create table goods (id int primary key, name text) engine=innodb;
insert into goods select seq, concat('article number ', seq) from seq_1_to_20000"
part "Dump a database"
! grep -qa "article number" "/var/backups/shop-$day.sql.sealed" || fail "there is plaintext in the dump"
as_reader
part "Restore a dump"
same "what was restored" "20000 article number 777" \
  "$(mariadb --skip-column-names --execute='select count(*) from goods; select name from goods where id = 777' shop_restored | xargs)"
flip "/var/backups/shop-$day.sql.sealed" 200000
mariadb --execute='drop database shop_restored'
if (part "Restore a dump") 2>/dev/null; then fail "a damaged dump was restored"; fi
same "databases after that" "" "$(mariadb --skip-column-names --execute="show databases like 'shop_restored'")"

sqlite3 /srv/app.db "create table notes (text); insert into notes values ('a note in SQLite')"
as_writer
part "SQLite"
as_reader
part "Restore SQLite"
same "the note" "a note in SQLite" "$(sqlite3 /srv/app-restored.db 'select text from notes')"
rm /srv/app-restored.db
truncate -s -20 "/var/backups/app-$day.sql.sealed"
if (part "Restore SQLite") 2>/dev/null; then fail "a dump that was cut off was restored"; fi
[ ! -e /srv/app-restored.db ] || fail "it left a database"
recipe_end
