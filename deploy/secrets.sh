#!/bin/sh
# Makes what deploy/compose.yaml needs in deploy/secrets/, once; what is there already is kept.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
for name in postgres_password redis_password secret_key; do
  [ -s "secrets/$name" ] || random > "secrets/$name"
done
[ -s secrets/database_url ] || printf 'postgresql://dareclab:%s@postgres:5432/dareclab' "$(cat secrets/postgres_password)" > secrets/database_url
[ -s secrets/broker_url ] || printf 'redis://:%s@redis:6379/0' "$(cat secrets/redis_password)" > secrets/broker_url
# The containers' user has an id of its own: it reads the files by their mode, the folder keeps everybody else out.
chmod 0700 secrets
chmod 0444 secrets/*
echo "The secrets are in $(pwd)/secrets. Keep secret_key: without it sessions, tokens and invitations of a restored back-up are void."
