#!/bin/sh
# Installs ksrelease from its releases, with its checksum held: for CI jobs, and for people.
#
#   install.sh [FOLDER]     default: /usr/local/bin
#
#   KSRELEASE_VERSION       the version, such as 1.2.0; default: the newest
#   KSRELEASE_CHECKSUM      sha256 of the archive, in hexadecimal digits: where it is given, it counts
#                           in place of the list that lies next to the archive
#   KSRELEASE_DOWNLOAD      where releases are, if not on GitHub: the address of a mirror
set -eu

folder=${1:-/usr/local/bin}
case $folder in
  -*) folder=./$folder ;; # no option of mkdir, tar and mv
esac
base=${KSRELEASE_DOWNLOAD:-https://github.com/ksrelease/ksrelease/releases}
version=${KSRELEASE_VERSION:-}
version=${version#v}

fail() {
  echo "install.sh: $*" >&2
  exit 1
}

get() { # ADDRESS FILE
  if command -v curl >/dev/null; then
    curl --fail --silent --show-error --location --retry 3 --output "$2" "$1"
  elif command -v wget >/dev/null; then
    wget -q -O "$2" "$1"
  else
    fail "neither curl nor wget is here"
  fi || fail "$1 cannot be had"
}

case $(uname -s) in
  Linux) os=linux ;;
  Darwin) os=darwin ;;
  MINGW* | MSYS* | CYGWIN*) os=windows ;;
  *) fail "there is no release for $(uname -s): go install github.com/ksrelease/ksrelease/cmd/ksrelease@latest" ;;
esac
case $(uname -m) in
  x86_64 | amd64) arch=amd64 ;;
  aarch64 | arm64) arch=arm64 ;;
  *) fail "there is no release for $(uname -m): go install github.com/ksrelease/ksrelease/cmd/ksrelease@latest" ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ -z "$version" ]; then
  get "$base/latest/download/checksums.txt" "$work/checksums.txt"
  version=$(sed -n 's/^[0-9a-f]*  ksrelease_\(.*\)_'"${os}_$arch"'\..*/\1/p' "$work/checksums.txt" | head -n 1)
  [ -n "$version" ] || fail "the newest release has nothing for $os $arch"
fi
case $version in
  *[!0-9A-Za-z.+-]*) fail "$version is no version" ;;
esac
kind=tar.gz
[ "$os" != windows ] || kind=zip
archive=ksrelease_${version}_${os}_$arch.$kind
get "$base/download/v$version/$archive" "$work/$archive"

want=$(printf %s "${KSRELEASE_CHECKSUM:-}" | tr A-F a-f) # Windows writes it in capitals
if [ -z "$want" ]; then
  get "$base/download/v$version/checksums.txt" "$work/checksums.txt"
  want=$(awk -v name="$archive" '$2 == name { print $1 }' "$work/checksums.txt")
  [ -n "$want" ] || fail "checksums.txt of $version does not name $archive"
fi
if command -v sha256sum >/dev/null; then
  got=$(sha256sum "$work/$archive")
else
  got=$(shasum -a 256 "$work/$archive")
fi
got=${got%% *}
[ "$got" = "$want" ] || fail "$archive has the checksum $got, not $want: nothing is installed"

mkdir -p "$folder"
if [ "$kind" = zip ]; then
  unzip -q -o "$work/$archive" ksrelease.exe -d "$folder"
else
  tar -xzf "$work/$archive" -C "$work" ksrelease
  mv "$work/ksrelease" "$folder/ksrelease"
fi
"$folder/ksrelease" version
