#!/usr/bin/env bash
# A whole mail host for the tests, on loopback, with everything it owns in one folder: Postfix takes mail and hands it to
# Dovecot, which keeps mailboxes, answers for those who are away, and serves them over IMAP. What Dovecot will not take,
# Postfix returns to its sender: real delivery status notifications, real vacation replies.
#
# usage: mailhost.sh start DIR SMTP_PORT LMTP_PORT IMAP_PORT [--dovecot-only]   returns when all of them answer
#        mailhost.sh stop DIR
#        mailhost.sh mailboxes DIR     after DIR/users was changed
#
# Any domain under .example, .invalid and .test is served; the local part is the mailbox, below DIR/mail/LOCAL (Maildir), and
# what follows a + stays with the address (Delivered-To). A line in DIR/users makes
# a mailbox: the local part alone. Who is not in it does not exist (550 5.1.1, hence a report to the sender). By the name:
#   away...      a vacation reply, once to each sender       full...      over its quota: 552 5.2.2
#   refuses...   Sieve `reject`: a notification from the mailbox's owner
# IMAP: any mailbox with the password `secret`; STARTTLS and a certificate for `localhost` of DIR/ca.pem; TLS from the first
# octet on the port of MAILHOST_IMAPS, where that is set.
# Nothing can leave: every address is delivered here or bounced here, and no name is looked up. Needs root. Logs in DIR/log.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin

die() { printf 'mailhost.sh: %s\n' "$*" >&2; exit 1; }
usage() { sed -n 's/^# \{0,1\}usage: /usage: /p; s/^#  *\(mailhost.sh stop.*\)/       \1/p' "$0" >&2; exit 2; }

. "$(dirname "${BASH_SOURCE[0]}")/certificate.sh"

dovecot_settings() {
  cat <<CF
base_dir = $dir/run
state_dir = $dir/state
log_path = $dir/log/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <$dir/etc/server.pem
ssl_key = <$dir/etc/server.key
disable_plaintext_auth = no
mail_location = maildir:$dir/mail/%n
first_valid_uid = 0
recipient_delimiter = +
auth_username_format = %Ln
lda_mailbox_autocreate = yes
hostname = mail.localhost
postmaster_address = postmaster@mail.example
submission_host = 127.0.0.1:$smtp
quota_full_tempfail = no
mail_max_userip_connections = 1000
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%n $dir/passwd
}
userdb {
  driver = passwd-file
  args = username_format=%n $dir/passwd
}
plugin {
  sieve = file:$dir/sieve/%n;active=$dir/sieve/%n.sieve
  sieve_vacation_min_period = 0
  quota = maildir:User quota
}
protocol lmtp {
  mail_plugins = \$mail_plugins sieve quota
}
protocol imap {
  mail_plugins = \$mail_plugins quota
}
service imap-login {
  chroot =
  process_min_avail = 1
  inet_listener imap {
    port = $imap
  }
  inet_listener imaps {
    port = ${MAILHOST_IMAPS:-0}
    ssl = yes
  }
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = $lmtp
  }
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
CF
}

postfix_settings() { # main.cf: everything goes to Dovecot or back to its sender
  cat <<CF
compatibility_level = 3.6
queue_directory = $dir/spool
data_directory = $dir/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
meta_directory = /etc/postfix
mail_owner = postfix
setgid_group = postdrop
maillog_file_prefixes = $dir
maillog_file = $dir/log/postfix.log
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
myhostname = mail.localhost
mydomain = localhost
myorigin = mail.localhost
disable_dns_lookups = yes
smtp_dns_support_level = disabled
smtp_host_lookup = native
smtpd_peername_lookup = no
mydestination =
relayhost =
local_recipient_maps =
alias_maps =
alias_database =
recipient_delimiter = +
transport_maps = regexp:$dir/etc/transport
default_transport = error:5.4.4 this Postfix delivers nothing to the world
relay_transport = error:5.4.4 this Postfix delivers nothing to the world
local_transport = error:5.1.1 nobody lives here
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_error_sleep_time = 0s
smtpd_soft_error_limit = 10000
smtpd_hard_error_limit = 20000
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
in_flow_delay = 0s
lmtp_connection_cache_on_demand = no
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
maximal_queue_lifetime = 1d
notify_classes =
CF
}

postfix_services() {
  cat <<CF
127.0.0.1:$smtp inet n  -       n       -       -       smtpd
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
lmtp      unix  -       -       n       -       -       lmtp
anvil     unix  -       -       n       -       1       anvil
postlog   unix-dgram n  -       n       -       1       postlogd
CF
}

says() { # PORT GREETING: the greeting, not just the port
  local line
  exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
  IFS= read -r -t 5 line <&3 || true
  exec 3>&- 3<&-
  [[ ${line-} == $2* ]]
}

waits() { # PORT GREETING LOG
  for _ in {1..100}; do
    if says "$1" "$2" 2>/dev/null; then return 0; fi
    sleep 0.1
  done
  tail -n 20 "$3" >&2 || true
  stop_all
  die "no answer on port $1"
}

mailboxes() { # passwd and Sieve scripts from DIR/users; Dovecot reads passwd at each look-up
  local user quota
  : >"$dir/passwd.new"
  while read -r user; do
    [ -n "$user" ] || continue
    quota=
    case $user in
      full*) quota="userdb_quota_rule=*:bytes=1" ;;
      away*) cat >"$dir/sieve/$user.sieve" <<'S'
require "vacation";
vacation :days 1 :subject "Automatic reply: away from New York" "I am away until 2 October 2017. In urgent cases please write to my deputy.";
S
        ;;
      refuses*) cat >"$dir/sieve/$user.sieve" <<'S'
require "reject";
reject "We do not take invitations at this address.";
S
        ;;
    esac
    printf '%s:{PLAIN}secret:%s:%s::%s::%s\n' "$user" "$uid" "$gid" "$dir/mail/$user" "$quota" >>"$dir/passwd.new"
  done <"$dir/users"
  mv "$dir/passwd.new" "$dir/passwd"
  chown -R "$uid:$gid" "$dir/sieve"
}

start() {
  [ "$(id -u)" = 0 ] || die "needs root"
  command -v dovecot >/dev/null || die "no dovecot; run setup"
  for port in "$smtp" "$lmtp" "$imap"; do [[ $port =~ ^[0-9]+$ ]] || usage; done
  mkdir -p "$1"
  dir=$(cd "$1" && pwd -P)
  [[ $dir =~ ^[A-Za-z0-9/_.,+@-]+$ ]] || die "settings cannot name $dir"
  uid=$(id -u nobody) gid=$(id -g nobody)
  mkdir -p "$dir"/{etc,spool,log,run,state,sieve,mail}
  chmod 755 "$dir" "$dir/etc" "$dir/log" "$dir/spool" "$dir/run" "$dir/state" "$dir/sieve"
  setpriv --reuid="$uid" --regid="$gid" --clear-groups test -x "$dir" ||
    die "user nobody cannot enter $dir; chmod o+x the folders above it"
  chown "$uid:$gid" "$dir/mail" "$dir/log" "$dir/sieve"
  [ -e "$dir/users" ] || : >"$dir/users"
  mailboxes
  [ -s "$dir/ca.pem" ] || certificate
  dovecot_settings >"$dir/etc/dovecot.conf"
  # In the foreground and alone: with a tail of its own in the background the next start would find a dead master.
  setsid dovecot -F -c "$dir/etc/dovecot.conf" >"$dir/log/dovecot.out" 2>&1 </dev/null &
  echo $! >"$dir/dovecot.pid"
  waits "$imap" '* OK' "$dir/log/dovecot.log"
  waits "$lmtp" 220 "$dir/log/dovecot.log"
  if [ -z "$only" ]; then
    command -v postfix >/dev/null || die "no postfix; run setup"
    install -d -o postfix -m 700 "$dir/data"
    printf '/\\.(example|invalid|test)$/ lmtp:inet:127.0.0.1:%s\n/@(mail\\.)?localhost$/ lmtp:inet:127.0.0.1:%s\n' "$lmtp" "$lmtp" >"$dir/etc/transport"
    postfix_settings >"$dir/etc/main.cf"
    postfix_services >"$dir/etc/master.cf"
    # Postfix waits two seconds for a main.cf that was just written, lest somebody is still writing it.
    touch -d '1 minute ago' "$dir/etc/main.cf"
    postfix -c "$dir/etc" start >"$dir/log/start.log" 2>&1 || { cat "$dir/log/start.log" >&2; stop_all; die "did not start"; }
    waits "$smtp" 220 "$dir/log/postfix.log"
  fi
  echo "mail host in $dir: SMTP $smtp, LMTP $lmtp, IMAP $imap"
}

stop_all() {
  if [ -f "$dir/etc/main.cf" ]; then postfix -c "$dir/etc" stop >"$dir/log/stop.log" 2>&1 || true; fi
  if [ -s "$dir/dovecot.pid" ]; then
    local pid
    pid=$(cat "$dir/dovecot.pid")
    kill -TERM "$pid" 2>/dev/null || true
    for _ in {1..50}; do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    rm -f "$dir/dovecot.pid"
  fi
}

only=
case "${1-} $#" in
  "start 5" | "start 6")
    if [ $# = 6 ]; then [ "$6" = --dovecot-only ] || usage; only=1; fi
    smtp=$3 lmtp=$4 imap=$5
    start "$2"
    ;;
  "mailboxes 2")
    dir=$(cd "$2" && pwd -P) uid=$(id -u nobody) gid=$(id -g nobody)
    mailboxes
    ;;
  "stop 2")
    dir=$(cd "$2" 2>/dev/null && pwd -P) || die "no folder $2"
    stop_all
    echo "mail host stopped"
    ;;
  *) usage ;;
esac
