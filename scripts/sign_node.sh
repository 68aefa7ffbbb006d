#!/bin/sh
# Signs a node's request with the mesh's CA. What the certificate may be used for is decided here and not taken from
# the request: names that a request asks for could otherwise make it one that signs the mesh's configuration.
set -eu
umask 077

usage() {
    cat <<'TEXT'
usage: sign_node.sh [--days N] [--force] CA_NAME CSR_PATH OUT_PATH

Signs CSR_PATH with CA_NAME.crt and CA_NAME.key (as generate_ca.sh wrote them) and writes the node's
certificate to OUT_PATH: valid from five minutes ago for 365 days, with the node's name as subjectAltName,
for both ends of a link.

  --force   overwrite OUT_PATH: a renewed certificate also is a new node id
  --help    this text
TEXT
}

die() {
    printf 'sign_node.sh: %s\n' "$1" >&2
    exit "${2:-1}"
}

ask() {
    if [ -t 0 ]; then
        printf '%s: ' "$1" >&2
        read -r answer
        printf '%s' "$answer"
    fi
}

days=365
force=no
while [ $# -gt 0 ]; do
    case "$1" in
    --help | -h) usage && exit 0 ;;
    --force) force=yes && shift ;;
    --days)
        [ $# -ge 2 ] || die "$1 needs a value; see --help" 2
        days=$2 && shift 2
        ;;
    --) shift && break ;;
    -*) die "unknown option $1; see --help" 2 ;;
    *) break ;;
    esac
done
[ $# -le 3 ] || die "too many arguments; see --help" 2
authority=${1:-$(ask 'CA (files without .key and .crt)')}
[ -n "$authority" ] || die "the CA's name is needed, such as: sign_node.sh ca a.csr a.crt" 2
request=${2:-$(ask "Node's request (.csr)")}
[ -n "$request" ] || die "the path of the node's request is needed, such as: sign_node.sh ca a.csr a.crt" 2
out=${3:-$(ask 'Certificate to write (.crt)')}
[ -n "$out" ] || die "the path of the certificate to write is needed, such as: sign_node.sh ca a.csr a.crt" 2

case "$days" in
'' | *[!0-9]* | ??????*) die "--days $days: expected a number from 1 to 99999" 2 ;;
esac
[ "$days" -ge 1 ] || die "--days $days: expected a number from 1 to 99999" 2
for file in "$authority.crt" "$authority.key" "$request"; do
    [ -r "$file" ] || die "cannot read $file"
done
[ "$force" = yes ] || [ ! -e "$out" ] || die "$out exists; choose another path, or replace it with --force"
command -v openssl >/dev/null || die "the command openssl is missing; install it with: apt-get install openssl"
directory=$(dirname -- "$out")
[ -d "$directory" ] || die "the directory $directory does not exist; create it with: mkdir -p $directory"

names=$(openssl req -in "$request" -noout -subject -nameopt multiline 2>/dev/null) ||
    die "$request is not a certificate request; make one with generate_node.sh"
common_name=$(printf '%s\n' "$names" | sed -n 's/^ *commonName *= //p')
case "$common_name" in
'') die "$request has no common name; make it again with generate_node.sh" ;;
*[!A-Za-z0-9._-]* | .* | *. | *..*) die "$request: its common name must be one name of letters, digits, hyphens, dots" ;;
*.*) ;;
*) die "$request: the common name \"$common_name\" has no dot; nodes are called like a.vnet.example.com" ;;
esac

work=$(mktemp -d "$directory/.sign_node.XXXXXX") || die "cannot write to the directory $directory"
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# `openssl ca`, since `openssl x509 -req` cannot set the start. Its database is thrown away: serial numbers are random.
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
preserve = yes
unique_subject = no
copy_extensions = none
[names]
commonName = supplied
[node]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:$ENV::MESH_NAME
TEXT
export MESH_WORK="$work" MESH_NAME="$common_name"
: >"$work/index"
openssl ca -batch -notext -config "$work/ca.cnf" -cert "$authority.crt" -keyfile "$authority.key" -in "$request" \
    -out "$work/crt" -extensions node -startdate "$(date -u -d "@$start" +%Y%m%d%H%M%SZ)" \
    -enddate "$(date -u -d "@$((start + days * 86400))" +%Y%m%d%H%M%SZ)" 2>"$work/log" ||
    die "openssl ca: $(tail -n 1 "$work/log")"
chmod 644 "$work/crt"
mv -f "$work/crt" "$out"
printf 'wrote %s for %s\n' "$out" "$common_name"
