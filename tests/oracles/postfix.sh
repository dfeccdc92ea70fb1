#!/usr/bin/env bash
# A real Postfix for the tests, on loopback, with everything it owns in one folder.
#
# usage: postfix.sh start DIR PORT    returns when 127.0.0.1:PORT answers
#        postfix.sh stop DIR
#
# It takes mail for any recipient under .example, .invalid and .test into the Maildir DIR/mail (Delivered-To names the
# recipient) and offers STARTTLS for `localhost` with a certificate of DIR/ca.pem. By the start of the local part:
#   unknown   550 5.1.1        greylist   451 4.7.1        full   452 4.2.2
# Nothing can leave: there is no SMTP client in master.cf, and no lookup in the DNS. The log is DIR/log/postfix.log.
# Needs root, as Postfix does, and folders above DIR that others may enter. /etc/postfix and /var/spool/postfix stay as
# they are.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin

die() { printf 'postfix.sh: %s\n' "$*" >&2; exit 1; }
usage() { sed -n 's/^# \{0,1\}usage: /usage: /p; s/^#  *\(postfix.sh stop.*\)/       \1/p' "$0" >&2; exit 2; }

settings() { # main.cf, kept small by turning off what only a public server needs
  cat <<CF
compatibility_level = 3.6
queue_directory = $dir/spool
data_directory = $dir/data
mail_owner = postfix
setgid_group = postdrop
maillog_file_prefixes = $dir
maillog_file = $dir/log/postfix.log

inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
myhostname = relay.localhost
mydomain = localhost
myorigin = relay.localhost

# No name is ever looked up
disable_dns_lookups = yes
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
address_verify_map =
smtpd_delay_reject = yes

# Local delivery or none
mydestination =
relay_domains =
relayhost =
local_recipient_maps =
alias_maps =
alias_database =
local_transport = error:5.1.1 nobody lives here
default_transport = error:5.4.4 this Postfix delivers nothing to the world
relay_transport = error:5.4.4 this Postfix delivers nothing to the world
virtual_transport = virtual
virtual_mailbox_domains = regexp:$dir/etc/domains
virtual_mailbox_base = $dir
virtual_mailbox_maps = static:mail/
virtual_uid_maps = static:$uid
virtual_gid_maps = static:$gid
virtual_minimum_uid = 1
virtual_mailbox_limit = 0
notify_classes =

smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access regexp:$dir/etc/recipients
smtpd_recipient_limit = 10000

# A suite makes mistakes on purpose and must not be slowed down for them
smtpd_error_sleep_time = 0s
smtpd_soft_error_limit = 10000
smtpd_hard_error_limit = 20000
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_junk_command_limit = 10000
in_flow_delay = 0s

smtpd_tls_security_level = may
smtpd_tls_chain_files = $dir/etc/server.key, $dir/etc/server.pem
smtpd_tls_session_cache_database =
smtpd_tls_loglevel = 1
CF
}

services() { # master.cf: no smtp, relay, local or pipe, so that mail has no way out
  cat <<CF
127.0.0.1:$port inet n  -       n       -       -       smtpd
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
proxymap  unix  -       -       n       -       -       proxymap
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
virtual   unix  -       n       n       -       -       virtual
anvil     unix  -       -       n       -       1       anvil
postlog   unix-dgram n  -       n       -       1       postlogd
CF
}

. "$(dirname "${BASH_SOURCE[0]}")/certificate.sh"

answers() { # the greeting, not just the port: the first smtpd takes a moment to come up
  local line
  exec 3<>"/dev/tcp/127.0.0.1/$port" || return 1
  IFS= read -r -t 5 line <&3 || true
  printf 'QUIT\r\n' >&3 || true
  exec 3>&- 3<&-
  [[ ${line-} == 220* ]]
}

start() {
  [ "$(id -u)" = 0 ] || die "needs root"
  command -v postfix >/dev/null || die "no postfix; run setup"
  [[ $port =~ ^[0-9]+$ ]] || usage
  mkdir -p "$1"
  dir=$(cd "$1" && pwd -P)
  [[ $dir =~ ^[A-Za-z0-9/_.,+@-]+$ ]] || die "main.cf cannot name $dir"
  [ ! -s "$dir/spool/pid/master.pid" ] || ! postfix -c "$dir/etc" status 2>/dev/null || die "already running in $dir"
  (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && die "port $port is taken"
  # Mail is written as the folder's owner, so that a suite can read and clear it, but Postfix refuses to do it as root.
  uid=$(stat -c %u "$dir") gid=$(stat -c %g "$dir")
  if [ "$uid" = 0 ]; then uid=$(id -u nobody) gid=$(id -g nobody); fi
  mkdir -p "$dir"/{etc,spool,log,mail/{cur,new,tmp}}
  chmod 755 "$dir" "$dir/etc" "$dir/log" "$dir/spool"
  for user in postfix "$uid"; do
    setpriv --reuid="$user" --regid="$gid" --clear-groups test -x "$dir" ||
      die "user $user cannot enter $dir; chmod o+x the folders above it (mktemp -d makes them 700) or choose another"
  done
  chown -R "$uid:$gid" "$dir/mail"
  install -d -o postfix -m 700 "$dir/data"
  settings >"$dir/etc/main.cf"
  services >"$dir/etc/master.cf"
  printf '%s\n' '/\.(example|invalid|test)$/ ok' >"$dir/etc/domains"
  cat >"$dir/etc/recipients" <<'CF'
/^unknown/   550 5.1.1 no such mailbox here
/^greylist/  451 4.7.1 greylisted, come back later
/^full/      452 4.2.2 mailbox is full
CF
  [ -s "$dir/ca.pem" ] || certificate
  # Postfix waits two seconds for a main.cf that was just written, lest somebody is still writing it.
  touch -d '1 minute ago' "$dir/etc/main.cf"

  postfix -c "$dir/etc" start >"$dir/log/start.log" 2>&1 || { cat "$dir/log/start.log" >&2; die "did not start"; }
  for _ in {1..100}; do
    if answers 2>/dev/null; then
      echo "postfix on 127.0.0.1:$port, mail in $dir/mail, CA in $dir/ca.pem"
      return
    fi
    sleep 0.1
  done
  tail -n 20 "$dir/log/postfix.log" >&2 || true
  postfix -c "$dir/etc" abort >/dev/null 2>&1 || true
  die "no answer on port $port"
}

stop() {
  dir=$(cd "$1" 2>/dev/null && pwd -P) || die "no folder $1"
  [ -f "$dir/etc/main.cf" ] || die "nothing was started in $dir"
  postfix -c "$dir/etc" status >/dev/null 2>&1 || { echo "postfix was not running"; return; }
  postfix -c "$dir/etc" stop >"$dir/log/stop.log" 2>&1 || { cat "$dir/log/stop.log" >&2; die "did not stop"; }
  echo "postfix stopped"
}

case "${1-} $#" in
  "start 3") port=$3; start "$2" ;;
  "stop 2") stop "$2" ;;
  *) usage ;;
esac
