#!/bin/sh
# The browser that some tests look at pages with. Installs Debian's where we may, else says how.
for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name" >/dev/null 2>&1; then
        exit 0
    fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    printf 'Installing chromium for the tests of pages\n'
    if { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y chromium; } \
        >/tmp/install_browser.$$ 2>&1; then
        rm -f /tmp/install_browser.$$
        exit 0
    fi
    tail -n 3 /tmp/install_browser.$$ >&2
    rm -f /tmp/install_browser.$$
fi
printf 'note: the tests of pages need a browser: sudo apt-get install chromium\n' >&2
