#!/usr/bin/env bash
# PostgreSQL behind the proxy, as in README.md: psql through a proxy beside it, and psql itself with a client certificate; the wrong ones stay outside;
# a query is cancelled; a gigabyte's tenth goes both ways; what is on the wire is not what is in the table.
. "$(dirname "$0")/../proxy.sh"
bin=$(find /usr/lib/postgresql -path '*/bin/initdb' -printf '%h\n' 2>/dev/null | sort -V | tail -n 1)
[ -n "$bin" ] || skip "needs postgresql's server"
id postgres >/dev/null 2>&1 || skip "needs the user postgres"
require psql
export PGCONNECT_TIMEOUT=20 PGUSER=postgres PGDATABASE=postgres PSQLRC=/dev/null

# A server of its own, on a Unix socket and nowhere else.
chmod 711 "$WORK"
install -d -o postgres "$WORK/pg"
as_postgres() { (cd / && runuser -u postgres -- "$@"); }
as_postgres "$bin/initdb" --no-sync --auth=trust --pgdata="$WORK/pg/data" >/dev/null
server_up() { psql -h "$WORK/pg" -qAtc 'select 1' >/dev/null 2>&1; }
server_start() {
  as_postgres "$bin/postgres" -D "$WORK/pg/data" -c listen_addresses= -c unix_socket_directories="$WORK/pg" -c fsync=off -c max_connections=30 \
    >>"$WORK/postgres.log" 2>&1 &
  eventually "the server" server_up
  SERVER=$(head -n 1 "$WORK/pg/data/postmaster.pid")
  CHILDREN+=("$SERVER")
}
server_start

hub_start
for name in db shop other; do
  sr identity create $name --secret --out "$WORK/$name.secret" >/dev/null
  sr role assign strongroom-certificate-requester --to $name >/dev/null
  (grep -v AZURE_CLIENT_ "$HUB_DATA/env"; cat "$WORK/$name.secret") >"$WORK/$name.env"
done
sr ca allow db --profile server --name db.corp.example >/dev/null
sr ca allow shop --profile workload --name spiffe://corp.example/shop >/dev/null
sr ca allow other --profile workload --name spiffe://corp.example/other >/dev/null

proxy_start db --data "$WORK/db.env" --listen 127.0.0.1:0 --to "$WORK/pg/.s.PGSQL.5432" --starttls postgres --name db.corp.example \
  --allow spiffe://corp.example/shop --allow OU=reporting
far=$(proxy_port db)
beside() { # NAME
  proxy_start "$1" --data "$WORK/$1.env" --mode client --listen 127.0.0.1:0 --to "localhost:$far" --server-name db.corp.example --starttls postgres \
    --name "spiffe://corp.example/$1"
}
beside shop
near=$(proxy_port shop)
sql() { psql -h 127.0.0.1 -p "$near" -qAtX -v ON_ERROR_STOP=1 "$@"; }

note "through both"
same "a query" 42 "$(sql -c 'select 6 * 7')"
ended db 'd["end"] == "done" and d["identity"] == "spiffe://corp.example/shop" and d["tls"] == "TLSv1.3" and d["received"] > 0 and d["sent"] > 0'
ended shop 'd["end"] == "done" and d["identity"] == "db.corp.example"'
same "a preferred encryption is not there beside the client" 1 "$(psql "host=127.0.0.1 port=$near sslmode=prefer" -qAtc 'select 1')"

note "much, both ways"
python3 -c 'import sys
for i in range(400000): sys.stdout.write("%d\tarticle number %d, which is a text of some length that is the same for each, almost: %d\n" % (i, i, i * 7919))' >"$WORK/goods.tsv"
sql -c 'create table goods (id int, name text)'
sql -c '\copy goods from stdin' <"$WORK/goods.tsv"
same "what came back" "$(sha256sum <"$WORK/goods.tsv")" "$(sql -c '\copy (select * from goods order by id) to stdout' | sha256sum)"
for i in 1 2 3 4 5 6 7 8; do
  (sql -c '\copy (select * from goods where id % 8 = '$i' % 8 order by id) to stdout' >"$WORK/part.$i") &
  parts[i]=$!
done
for i in 1 2 3 4 5 6 7 8; do wait "${parts[i]}" || fail "copy $i"; done
same "eight at once" "$(wc -l <"$WORK/goods.tsv")" "$(cat "$WORK"/part.* | wc -l)"

note "a cancelled query"
(exec psql -h 127.0.0.1 -p "$near" -qAtX -c 'select pg_sleep(60)') >"$WORK/cancelled" 2>&1 &
query=$!
eventually "the query runs" sh -c "psql -h '$WORK/pg' -qAtc \"select count(*) from pg_stat_activity where query like 'select pg_sleep%' and state = 'active'\" | grep -qx 1"
kill -INT "$query"
wait "$query" && fail "the query went on"
contains "what psql says" "$(cat "$WORK/cancelled")" "canceling statement due to user request"

note "psql itself"
peer report --profile client --subject "CN=report, OU=reporting"
peer stranger --profile client --subject "CN=stranger, OU=sales"
direct() { # CERTIFICATE [WORD...]
  local name=$1
  shift
  psql "host=db.corp.example hostaddr=127.0.0.1 port=$far sslmode=verify-full sslrootcert=$SSL_CERT_FILE sslcert=$WORK/$name/cert.pem sslkey=$WORK/$name/key.pem $*" \
    -qAtX -c 'select count(*) from goods'
}
same "verify-full" 400000 "$(direct report)"
ended db 'd["end"] == "done" and d["identity"] == "OU=reporting"'
refused() { # TEXT COMMAND...
  local text=$1 said
  shift
  said=$("$@" 2>&1) && fail "it was let in: $*"
  contains "what '$*' says" "$said" "$text"
}
refused "" direct stranger
ended db 'd["end"] == "denied" and d["identity"] != ""'
refused "" psql "host=db.corp.example hostaddr=127.0.0.1 port=$far sslmode=require sslcert=/nonexistent" -c 'select 1'
ended db 'd.get("failure") == "no_certificate"'
refused "only TLS is served here" psql "host=127.0.0.1 port=$far sslmode=disable" -c 'select 1'
ended db 'd["end"] == "front"'
refused "" psql "host=wrong.example hostaddr=127.0.0.1 port=$far sslmode=verify-full sslrootcert=$SSL_CERT_FILE sslcert=$WORK/report/cert.pem sslkey=$WORK/report/key.pem" -c 'select 1'

note "beside another client, and for another server"
beside other
refused "" psql -h 127.0.0.1 -p "$(proxy_port other)" -c 'select 1'
ended db 'd["end"] == "denied" and d["identity"] == "spiffe://corp.example/other"'
said=$(sr proxy serve --data "$WORK/other.env" --listen 127.0.0.1:0 --to "$WORK/x" --name db.corp.example --allow-any --state "$WORK/thief" 2>&1) && fail "a name of somebody else's"
contains "what helps" "$said" "ca allow"
proxy_start wrong --data "$WORK/shop.env" --mode client --listen 127.0.0.1:0 --to "localhost:$far" --server-name billing.corp.example --starttls postgres \
  --name spiffe://corp.example/shop
refused "" psql -h 127.0.0.1 -p "$(proxy_port wrong)" -c 'select 1'
ended wrong 'd.get("failure") == "wrong_name"'

note "the server goes away and comes back"
kill -QUIT "$SERVER"
server_gone() { ! server_up; }
eventually "the server is gone" server_gone
refused "" sql -c 'select 1'
ended db 'd["end"] == "dial"'
server_start
same "the server is back" 1 "$(sql -c 'select 1')"
for name in shop other wrong db; do proxy_stop $name; done
