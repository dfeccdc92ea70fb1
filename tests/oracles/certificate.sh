# Sourced by postfix.sh and mailhost.sh: certificates of a server on loopback, in $dir/etc, and their CA in $dir/ca.pem.
# shellcheck shell=bash disable=SC2154 # dir and die are those of the script that sources this
certificate() { # a CA and a leaf: rustls refuses a CA certificate that is used as a server's
  local config=$dir/etc/openssl.cnf
  cat >"$config" <<CF
[req]
distinguished_name = name
prompt = no
[name]
commonName = \${ENV::NAME}
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1
CF
  (
    cd "$dir/etc"
    umask 077
    NAME="convoke test CA" openssl req -x509 -config openssl.cnf -extensions ca -days 3650 -nodes \
      -newkey ec -pkeyopt ec_paramgen_curve:P-256 -keyout ca.key -out ca.pem
    NAME=localhost openssl req -new -config openssl.cnf -nodes \
      -newkey ec -pkeyopt ec_paramgen_curve:P-256 -keyout server.key -out server.csr
    NAME=localhost openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -set_serial "0x$(openssl rand -hex 8)" \
      -days 3650 -extfile openssl.cnf -extensions server -out server.pem
  ) >"$dir/log/openssl.log" 2>&1 || { cat "$dir/log/openssl.log" >&2; die "openssl failed"; }
  install -m 644 "$dir/etc/ca.pem" "$dir/ca.pem"
}
