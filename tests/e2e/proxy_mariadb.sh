#!/usr/bin/env bash
# MariaDB behind the proxy: its client through a proxy beside it, and itself with --ssl-verify-server-cert and a certificate; the wrong ones stay
# outside; tables go both ways.
. "$(dirname "$0")/../proxy.sh"
require mariadbd mariadb-install-db mariadb mariadb-dump
export HOME=$WORK # no settings of somebody's own

mkdir "$WORK/my"
mariadb-install-db --no-defaults --auth-root-authentication-method=normal --skip-test-db --user=root --datadir="$WORK/my/data" \
  >"$WORK/install.log" 2>&1 || skip "mariadb-install-db does not work here: $(tail -n 1 "$WORK/install.log")"
mariadbd --no-defaults --user=root --datadir="$WORK/my/data" --skip-networking --socket="$WORK/my/socket" --pid-file="$WORK/my/pid" \
  --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=16M --max-allowed-packet=64M >"$WORK/mariadb.log" 2>&1 &
CHILDREN+=($!)
local_sql() { MYSQL_PWD="" mariadb --no-defaults --user=root --socket="$WORK/my/socket" --skip-column-names --batch "$@"; }
eventually "the server" local_sql --execute='select 1' >/dev/null 2>&1
local_sql --execute="create user shop@localhost identified by 'horse battery'; create database shop; grant all on shop.* to shop@localhost;
  use shop; create table goods (id int primary key, name text) engine=innodb; insert into goods select seq, concat('article number ', seq) from seq_1_to_10000"
export MYSQL_PWD='horse battery'

hub_start
proxy_start db --listen 127.0.0.1:0 --to "$WORK/my/socket" --starttls mysql --name localhost --name db.corp.example --allow spiffe://corp.example/shop \
  --allow OU=reporting
far=$(proxy_port db)
proxy_start shop --mode client --listen 127.0.0.1:0 --listen "$WORK/near.sock" --to "localhost:$far" --server-name db.corp.example --starttls mysql \
  --name spiffe://corp.example/shop
near=$(proxy_port shop)
sql() { mariadb --no-defaults --user=shop --host=127.0.0.1 --port="$near" --skip-ssl --skip-column-names --batch --connect-timeout=20 "$@" shop; }

note "through both"
same "a query" 42 "$(sql --execute='select 6 * 7')"
ended db 'd["end"] == "done" and d["identity"] == "spiffe://corp.example/shop" and d["tls"] == "TLSv1.3"'
same "by a Unix socket" "article number 777" \
  "$(mariadb --no-defaults --user=shop --socket="$WORK/near.sock" --skip-column-names --batch --execute='select name from goods where id = 777' shop)"
same "mode of that socket" 600 "$(stat -c %a "$WORK/near.sock")"
(MYSQL_PWD=wrong sql --execute='select 1') >"$WORK/said" 2>&1 && fail "a wrong password"
contains "a wrong password" "$(cat "$WORK/said")" "Access denied"

note "much, both ways"
mariadb-dump --no-defaults --user=shop --host=127.0.0.1 --port="$near" --skip-ssl --compact --skip-extended-insert --no-create-info --no-tablespaces shop goods \
  >"$WORK/goods.sql"
same "rows of the dump" 10000 "$(grep -c '^INSERT' "$WORK/goods.sql")"
sql --execute='create table again like goods'
(echo 'begin;'; sed 's/^INSERT INTO .goods./INSERT INTO again/' "$WORK/goods.sql"; echo 'commit;') | sql
[ -n "$(local_sql --execute='checksum table shop.goods' | cut -f 2)" ] || fail "there is no checksum"
same "what came back" "$(local_sql --execute='checksum table shop.goods' | cut -f 2)" "$(local_sql --execute='checksum table shop.again' | cut -f 2)"
same "a long value" 16000000 "$(sql --max-allowed-packet=64M --execute="select repeat('x', 16000000)" | tr -d '\n' | wc -c)"

note "the client itself"
peer report --profile client --subject "CN=report, OU=reporting"
peer stranger --profile client --subject "CN=stranger, OU=sales"
direct() { # CERTIFICATE [OPTION...]
  local name=$1
  shift
  mariadb --no-defaults --user=shop --host=localhost --protocol=tcp --port="$far" --ssl --ssl-verify-server-cert --ssl-ca="$SSL_CERT_FILE" \
    --ssl-cert="$WORK/$name/cert.pem" --ssl-key="$WORK/$name/key.pem" --skip-column-names --batch --connect-timeout=20 "$@" --execute='select count(*) from goods' shop
}
same "its own TLS" 10000 "$(direct report)"
ended db 'd["end"] in ("done", "cut") and d["identity"] == "OU=reporting"' # it ends without a word of TLS
refused() { # TEXT COMMAND...
  local text=$1 said
  shift
  said=$("$@" 2>&1) && fail "it was let in: $*"
  contains "what '$*' says" "$said" "$text"
}
refused "" direct stranger
ended db 'd["end"] == "denied"'
refused "" mariadb --no-defaults --user=shop --host=127.0.0.1 --port="$far" --skip-ssl --connect-timeout=20 --execute='select 1'
ended db 'd["end"] == "front"'
refused "" mariadb --no-defaults --user=shop --host=127.0.0.1 --port="$far" --ssl --connect-timeout=20 --execute='select 1'
ended db 'd.get("failure") == "no_certificate"'
proxy_start wrong --mode client --listen 127.0.0.1:0 --to "localhost:$far" --server-name billing.corp.example --starttls mysql --name spiffe://corp.example/shop
refused "" mariadb --no-defaults --user=shop --host=127.0.0.1 --port="$(proxy_port wrong)" --skip-ssl --connect-timeout=20 --execute='select 1'
ended wrong 'd.get("failure") == "wrong_name"'
for name in wrong shop db; do proxy_stop $name; done
[ ! -e "$WORK/near.sock" ] || fail "the socket was left behind"
