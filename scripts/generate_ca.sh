#!/bin/sh
# Makes the CA of a mesh: NAME.key (mode 0600, never leaves this machine) and NAME.crt (goes to every node).
# Asks nothing unless a terminal is there and something is missing; never overwrites unless told to.
set -eu
umask 077

usage() {
    cat <<'TEXT'
usage: generate_ca.sh [--key ed25519|p256|rsa] [--days N] [--force] NAME [COMMON_NAME]

Writes NAME.key and NAME.crt. COMMON_NAME is what the certificate says of itself (default: NAME without
its directory). The key is Ed25519 unless --key says otherwise (rsa: 3072 bits); valid 3650 days.

  --force   overwrite existing files: every node that the old CA signed will be a stranger
  --help    this text
TEXT
}

die() {
    printf 'generate_ca.sh: %s\n' "$1" >&2
    exit "${2:-1}"
}

kind=ed25519
days=3650
force=no
while [ $# -gt 0 ]; do
    case "$1" in
    --help | -h) usage && exit 0 ;;
    --force) force=yes && shift ;;
    --key | --days)
        [ $# -ge 2 ] || die "$1 needs a value; see --help" 2
        if [ "$1" = --key ]; then kind=$2; else days=$2; fi
        shift 2
        ;;
    --) shift && break ;;
    -*) die "unknown option $1; see --help" 2 ;;
    *) break ;;
    esac
done
[ $# -le 2 ] || die "too many arguments; see --help" 2
name=${1:-}
# Also as openssl spells a subject.
common_name=${2:-}
common_name=${common_name#/CN=}

if [ -z "$name" ] && [ -t 0 ]; then
    printf 'Name of the files (without .key and .crt): ' && read -r name
fi
[ -n "$name" ] || die "a name for the files is needed, such as: generate_ca.sh ca" 2
if [ -z "$common_name" ] && [ -t 0 ]; then
    printf 'Common name of the CA [%s]: ' "${name##*/}" && read -r common_name
fi
[ -n "$common_name" ] || common_name=${name##*/}

case "$common_name" in
'' | *[!A-Za-z0-9._\ -]*) die "common name \"$common_name\": use letters, digits, spaces, dots, hyphens" 2 ;;
esac
[ ${#common_name} -le 64 ] || die "common name \"$common_name\": longer than 64 characters" 2
case "$days" in
'' | *[!0-9]* | ??????*) die "--days $days: expected a number from 1 to 99999" 2 ;;
esac
[ "$days" -ge 1 ] || die "--days $days: expected a number from 1 to 99999" 2
case "$kind" in
ed25519) algorithm='-algorithm ed25519' ;;
p256) algorithm='-algorithm EC -pkeyopt ec_paramgen_curve:P-256' ;;
rsa) algorithm='-algorithm RSA -pkeyopt rsa_keygen_bits:3072' ;;
*) die "--key $kind: expected ed25519, p256 or rsa" 2 ;;
esac
if [ "$force" = no ]; then
    for file in "$name.key" "$name.crt"; do
        [ ! -e "$file" ] || die "$file exists; choose another name, or replace it with --force"
    done
fi
command -v openssl >/dev/null || die "the command openssl is missing; install it with: apt-get install openssl"
directory=$(dirname -- "$name")
[ -d "$directory" ] || die "the directory $directory does not exist; create it with: mkdir -p $directory"
work=$(mktemp -d "$directory/.generate_ca.XXXXXX") || die "cannot write to the directory $directory"
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# `openssl ca`, since `openssl req -x509` cannot set the start: five minutes back, for nodes whose clock is behind.
start=$(($(date +%s) - 300))
cat >"$work/ca.cnf" <<'TEXT'
[ca]
default_ca = mesh
[mesh]
database = $ENV::MESH_WORK/index
new_certs_dir = $ENV::MESH_WORK
rand_serial = yes
default_md = default
policy = names
unique_subject = no
[names]
commonName = supplied
[req]
distinguished_name = subject
prompt = no
[subject]
commonName = $ENV::MESH_NAME
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign, digitalSignature
subjectKeyIdentifier = hash
TEXT
export MESH_WORK="$work" MESH_NAME="$common_name"
: >"$work/index"
# shellcheck disable=SC2086 # the algorithm is several words
openssl genpkey $algorithm -out "$work/key" 2>"$work/log" || die "openssl genpkey: $(tail -n 1 "$work/log")"
openssl req -new -config "$work/ca.cnf" -key "$work/key" -out "$work/csr" 2>"$work/log" ||
    die "openssl req: $(tail -n 1 "$work/log")"
openssl ca -batch -selfsign -notext -config "$work/ca.cnf" -keyfile "$work/key" -in "$work/csr" -out "$work/crt" \
    -extensions authority -startdate "$(date -u -d "@$start" +%Y%m%d%H%M%SZ)" \
    -enddate "$(date -u -d "@$((start + days * 86400))" +%Y%m%d%H%M%SZ)" 2>"$work/log" ||
    die "openssl ca: $(tail -n 1 "$work/log")"
chmod 600 "$work/key"
chmod 644 "$work/crt"
mv -f "$work/key" "$name.key"
mv -f "$work/crt" "$name.crt"
printf 'wrote %s (keep it secret) and %s (copy it to every node)\n' "$name.key" "$name.crt"
