#!/usr/bin/env bash
# doc/recipes/postgresql.md: a dump comes back whole or not at all; archived WAL brings a cluster back to the moment before a mistake.
. "$(dirname "$0")/../recipe.sh"
bin=$(find /usr/lib/postgresql -path '*/bin/initdb' -printf '%h\n' 2>/dev/null | sort -V | tail -n 1)
[ -n "$bin" ] || skip "needs postgresql's server"
id postgres >/dev/null 2>&1 || skip "needs the user postgres"
recipe_start postgresql

# A cluster of its own, without a network, which ends with the test.
mkdir /srv/pg /var/backups/postgresql
chown postgres /srv/pg /var/backups/postgresql /srv
export PATH=$bin:$PATH PGDATA=/srv/pg/main PGHOST=/srv/pg PGUSER=postgres TZ=UTC
export day=2026-11-26 credentials=/mnt/writer.env reader=/mnt/reader.env restored=/srv/pg/restored moment=
export RECIPE_AS=postgres
unset PGPORT PGDATABASE
as_postgres() { (cd /srv && runuser -u postgres --preserve-environment -- "$@"); }
# shellcheck disable=SC2317,SC2329 # it is called by the trap
clusters_end() {
  local status=$?
  for cluster in "$PGDATA" "$restored"; do
    [ ! -e "$cluster/postmaster.pid" ] || as_postgres pg_ctl stop --mode=immediate --pgdata="$cluster" >/dev/null 2>&1 || true
  done
  [ $status -eq 0 ] || tail -n 20 "$PGDATA/log" "$restored/log" >&2 || true
  if (exit $status); then lib_end; else lib_end; fi # it looks at the status
}
trap clusters_end EXIT
as_postgres initdb --no-sync --auth=trust --pgdata="$PGDATA" >/dev/null
cat >>"$PGDATA/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '/srv/pg'
fsync = off
CONF
as_postgres pg_ctl start --wait --pgdata="$PGDATA" --log="$PGDATA/log" >/dev/null
sql() { as_postgres psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 "$@"; }

sql postgres -c 'create database shop'
sql shop -c "create table goods as select i as id, 'article number ' || i as name from generate_series(1, 20000) i"
part "Dump a database"
! grep -qa "article number" "/var/backups/postgresql/shop-$day.sealed" || fail "there is plaintext in the dump"
as_reader
part "Restore a dump"
same "what was restored" "20000 article number 777" \
  "$(sql shop_restored -c 'select count(*) from goods' -c 'select name from goods where id = 777' | xargs)"

# One that is cut off, or changed, leaves nothing.
cp "/var/backups/postgresql/shop-$day.sealed" /srv/kept
truncate -s -20000 "/var/backups/postgresql/shop-$day.sealed"
sql postgres -c 'drop database shop_restored'
if (part "Restore a dump") 2>/dev/null; then fail "a dump that was cut off was restored"; fi
same "tables after that" 0 "$(sql shop_restored -c "select count(*) from pg_tables where tablename = 'goods'")"
cp /srv/kept "/var/backups/postgresql/shop-$day.sealed"

as_writer
part "Dump everything"
part "Archive the WAL"
archived() {
  local wal deadline=$((SECONDS + 30))
  wal=$(sql shop -c 'select pg_walfile_name(pg_switch_wal())')
  until [ -e "/var/backups/postgresql/wal/$wal.sealed" ]; do
    [ $SECONDS -lt $deadline ] || fail "the WAL was not archived: $(tail -n 5 "$PGDATA/log")"
    sleep 0.1
  done
}
archived
part "Base backup"
sql shop -c "insert into goods values (0, 'before the mistake')" >/dev/null
moment=$(sql shop -c 'select clock_timestamp()')
sql shop -c 'select pg_sleep(0.2)' -c 'drop table goods' >/dev/null
archived
! grep -rqa "before the mistake" /var/backups || fail "there is plaintext in the archive"

as_reader
part "Back to a point in time"
as_postgres pg_ctl start --wait --pgdata="$restored" --log="$restored/log" --options="-p 5433" >/dev/null
deadline=$((SECONDS + 30))
until [ "$(sql -p 5433 postgres -c 'select pg_is_in_recovery()')" = f ]; do
  [ $SECONDS -lt $deadline ] || fail "the recovery does not end: $(tail -n 5 "$restored/log")"
  sleep 0.1
done
same "the goods" "20001 before the mistake" \
  "$(sql -p 5433 shop -c 'select count(*) from goods' -c 'select name from goods where id = 0' | xargs)"
for cluster in "$PGDATA" "$restored"; do as_postgres pg_ctl stop --wait --mode=fast --pgdata="$cluster" >/dev/null; done
recipe_end
