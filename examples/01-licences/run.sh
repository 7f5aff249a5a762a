#!/bin/sh
# The twenty most frequent words of every licence text that Debian installs, one task per text.
# Usage: run.sh [ROOT] [further options of mpibatch run]
set -eu
root=${1:-out/licences}
[ $# -eq 0 ] || shift
exec npx mpibatch run --root "$root" --name '{/}' "$@" \
  -c "tr -cs '[:alpha:]' '\n' < {} | tr '[:upper:]' '[:lower:]' | sort | uniq -c | sort -k1,1nr -k2 | head -n 20 > {dir}/words.txt" \
  ::: /usr/share/common-licenses/*
