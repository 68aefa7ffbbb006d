#!/bin/sh
# Makes a node's key and the request that the CA signs: NAME.key (mode 0600, stays on the node) and NAME.csr.
# Asks nothing unless a terminal is there and something is missing; never overwrites unless told to.
set -eu
umask 077

usage() {
    cat <<'TEXT'
usage: generate_node.sh [--key ed25519|p256|rsa] [--force] NAME [COMMON_NAME]

Writes NAME.key and NAME.csr. COMMON_NAME is the node's name in the mesh, such as a.vnet.example.com: what
follows its first dot is the mesh's domain. Default: NAME without its directory, if that has a dot.
The key is Ed25519 unless --key says otherwise (rsa: 3072 bits). Next: sign_node.sh, where the CA is.

  --force   overwrite existing files
  --help    this text
TEXT
}

die() {
    printf 'generate_node.sh: %s\n' "$1" >&2
    exit "${2:-1}"
}

kind=ed25519
force=no
while [ $# -gt 0 ]; do
    case "$1" in
    --help | -h) usage && exit 0 ;;
    --force) force=yes && shift ;;
    --key)
        [ $# -ge 2 ] || die "$1 needs a value; see --help" 2
        kind=$2 && shift 2
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
    printf 'Name of the files (without .key and .csr): ' && read -r name
fi
[ -n "$name" ] || die "a name for the files is needed, such as: generate_node.sh a.vnet.example.com" 2
base=${name##*/}
if [ -z "$common_name" ] && [ -t 0 ]; then
    printf 'Name of the node in the mesh [%s]: ' "$base" && read -r common_name
fi
[ -n "$common_name" ] || common_name=$base

# A name without a dot has no domain, and nodes do not start with it; 64 characters is X.509's limit.
case "$common_name" in
*[!A-Za-z0-9._-]* | .* | *. | *..*) die "node name \"$common_name\": use letters, digits, hyphens and single dots" 2 ;;
*.*) ;;
*) die "node name \"$common_name\" has no dot; add one: generate_node.sh $name $base.vnet.example.com" 2 ;;
esac
[ ${#common_name} -le 64 ] || die "node name \"$common_name\": longer than 64 characters" 2
case "$kind" in
ed25519) algorithm='-algorithm ed25519' ;;
p256) algorithm='-algorithm EC -pkeyopt ec_paramgen_curve:P-256' ;;
rsa) algorithm='-algorithm RSA -pkeyopt rsa_keygen_bits:3072' ;;
*) die "--key $kind: expected ed25519, p256 or rsa" 2 ;;
esac
if [ "$force" = no ]; then
    for file in "$name.key" "$name.csr"; do
        [ ! -e "$file" ] || die "$file exists; choose another name, or replace it with --force"
    done
fi
command -v openssl >/dev/null || die "the command openssl is missing; install it with: apt-get install openssl"
directory=$(dirname -- "$name")
[ -d "$directory" ] || die "the directory $directory does not exist; create it with: mkdir -p $directory"
work=$(mktemp -d "$directory/.generate_node.XXXXXX") || die "cannot write to the directory $directory"
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

cat >"$work/req.cnf" <<TEXT
[req]
distinguished_name = subject
prompt = no
[subject]
commonName = $common_name
TEXT
# shellcheck disable=SC2086 # the algorithm is several words
openssl genpkey $algorithm -out "$work/key" 2>"$work/log" || die "openssl genpkey: $(tail -n 1 "$work/log")"
openssl req -new -config "$work/req.cnf" -key "$work/key" -out "$work/csr" 2>"$work/log" ||
    die "openssl req: $(tail -n 1 "$work/log")"
chmod 600 "$work/key"
chmod 644 "$work/csr"
mv -f "$work/key" "$name.key"
mv -f "$work/csr" "$name.csr"
printf 'wrote %s (keep it secret) and %s (sign it with: sign_node.sh CA_NAME %s %s)\n' \
    "$name.key" "$name.csr" "$name.csr" "$name.crt"
