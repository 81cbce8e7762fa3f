#!/usr/bin/env bash
# Redis, which has no TLS of its own here: redis-cli through a proxy beside it, and redis-cli --tls itself; pipelines, a subscription and
# redis-benchmark's hundred connections.
. "$(dirname "$0")/../proxy.sh"
require redis-cli redis-benchmark redis-check-rdb
# The server's program is the same file by another name (Debian's redis-tools has no service, and no link).
ln -s "$(command -v redis-server || command -v redis-check-rdb)" "$WORK/redis-server"
"$WORK/redis-server" --port 0 --unixsocket "$WORK/redis.sock" --save '' --dir "$WORK" >"$WORK/redis.out" 2>&1 &
CHILDREN+=($!)
eventually "the server" test -S "$WORK/redis.sock"

hub_start
proxy_start redis --listen 127.0.0.1:0 --to "$WORK/redis.sock" --name redis.example --allow spiffe://example/shop --allow shop.example
far=$(proxy_port redis)
proxy_start shop --mode client --listen 127.0.0.1:0 --to "127.0.0.1:$far" --server-name redis.example --name spiffe://example/shop
near=$(proxy_port shop)
cli() { timeout 30 redis-cli -h 127.0.0.1 -p "$near" "$@"; }

note "through both"
same "a value is set" OK "$(cli set greeting hello)"
same "and got" hello "$(redis-cli -s "$WORK/redis.sock" get greeting)"
ended redis 'd["end"] == "done" and d["identity"] == "spiffe://example/shop"'
python3 -c 'import sys
for i in range(50000): sys.stdout.write("SET key:%d %s\r\n" % (i, "v" * (1 + i % 900)))' | cli --pipe >"$WORK/said"
contains "a pipeline" "$(cat "$WORK/said")" "errors: 0, replies: 50000"
head -c 8000000 /dev/urandom >"$WORK/large"
cli -x set large <"$WORK/large" >/dev/null
same "a large value" "$(sha256sum <"$WORK/large")" "$(cli --raw get large | head -c -1 | sha256sum)"

note "a subscription"
timeout 60 redis-cli -h 127.0.0.1 -p "$near" subscribe news >"$WORK/news" &
CHILDREN+=($!)
eventually "the subscription" grep -qs subscribe "$WORK/news"
same "who hears it" 1 "$(cli publish news 'it rains')"
eventually "the news" grep -q 'it rains' "$WORK/news"

note "many at once"
timeout 50 redis-benchmark -h 127.0.0.1 -p "$near" -c 100 -n 20000 -d 512 -t set,get -q >"$WORK/bench" 2>&1 || fail "$(cat "$WORK/bench")"
contains "of both kinds" "$(tr '\r' '\n' <"$WORK/bench")" "GET:"

note "redis-cli itself"
peer shop.cert --profile client --name shop.example
peer other.cert --profile client --name other.example
tls() { # CERTIFICATE WORD...
  local name=$1
  shift
  timeout 30 redis-cli -h 127.0.0.1 -p "$far" --tls --sni redis.example --cacert "$SSL_CERT_FILE" --cert "$WORK/$name/cert.pem" --key "$WORK/$name/key.pem" "$@"
}
same "its own TLS" hello "$(tls shop.cert get greeting)"
ended redis 'd["end"] in ("done", "cut") and d["identity"] == "shop.example" and d["sni"] == "redis.example"'
said=$(tls other.cert get greeting 2>&1) || true
case $said in *hello*) fail "another one was let in" ;; esac
ended redis 'd["end"] == "denied" and d["identity"] == "other.example"'
said=$(timeout 30 redis-cli -h 127.0.0.1 -p "$far" get greeting 2>&1) || true
case $said in *hello*) fail "plain text was let in" ;; esac
ended redis 'd.get("failure") == "not_tls"'

note "the server stops in the middle"
kill -KILL "${CHILDREN[0]}"
wait "${CHILDREN[0]}" 2>/dev/null || true
said=$(cli get greeting 2>&1) || true
case $said in *hello*) fail "an answer of nobody" ;; esac
ended redis 'd["end"] == "dial"'
proxy_stop shop
proxy_stop redis
