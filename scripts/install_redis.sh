#!/bin/sh
# The broker that the tests of Celery workers use. Installs Debian's where we may, else says how.
if command -v redis-server >/dev/null 2>&1; then
    exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    printf 'Installing redis-server for the tests of Celery workers\n'
    # RUNLEVEL: the package must not start a server of its own.
    if { apt-get update &&
        RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y redis-server; } \
        >/tmp/install_redis.$$ 2>&1; then
        rm -f /tmp/install_redis.$$
        exit 0
    fi
    tail -n 3 /tmp/install_redis.$$ >&2
    rm -f /tmp/install_redis.$$
fi
printf 'note: the tests of Celery workers need Redis: sudo apt-get install redis-server\n' >&2
