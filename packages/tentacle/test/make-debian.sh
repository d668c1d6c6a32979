#!/bin/sh
# Makes the Debian that systemd.test.ts boots, unless it is there, and prints its folder. Needs root. Takes one to five minutes, most of it for
# fetching and configuring packages; so continuous integration calls it before the tests, whose time is limited.
set -e
# The number rises whenever the list of packages changes.
folder=${TMPDIR:-/tmp}/tentacle-debian-$(id -u)-bookworm-1
if [ ! -d "$folder" ]; then
  fresh=$folder.$$
  trap 'rm -rf "$fresh" "$fresh.work"' EXIT
  mkdir -p "$fresh.work"
  mkdir -m 755 "$fresh"
  # In memory, where the package manager's thousands of waits for the disk cost nothing; copied when it is complete.
  unshare -m --propagation private sh -e -c '
    mount -t tmpfs -o size=1500m,mode=0755 tmpfs "$0.work"
    debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,libstdc++6 bookworm "$0.work"
    rm -f "$0.work"/var/cache/apt/archives/*.deb
    cp -a "$0.work/." "$0"' "$fresh" >&2
  mv -T "$fresh" "$folder" 2>/dev/null || [ -d "$folder" ] # somebody else was faster
fi
printf '%s\n' "$folder"
