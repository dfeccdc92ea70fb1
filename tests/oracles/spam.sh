#!/usr/bin/env bash
# SpamAssassin's opinion of messages, without network: prints the rules each one hits and fails when one counts.
# usage: spam.sh FILE.eml...; exit 1 with failures, 2 for usage.
# The Perl library and not the `spamassassin` command: that one compiles all rules again for every message.
set -euo pipefail
if (($# == 0)); then
  echo "usage: ${0##*/} FILE.eml..." >&2
  exit 2
fi
exec perl "$(dirname "${BASH_SOURCE[0]}")/spam.pl" "$@"
