#!/bin/sh
# A folder as a target of the kind exec, with all actions; docs/targets.md describes them.
# $STORE is the folder. Of each version it has the package, and its content digest.
set -eu
package=$STORE/$KSRELEASE_NAME/$KSRELEASE_VERSION.tgz

describe() { # FILE: the fields of an answer that say what is in it
  sum=$(sha256sum <"$1")
  content=$(cat "$1.content" 2>/dev/null) || content=
  printf '"digest": "sha256:%s", "content_digest": "%s"' "${sum%% *}" "$content"
}

case $KSRELEASE_TARGET_ACTION in
publish)
  mkdir -p "$STORE/$KSRELEASE_NAME"
  new=$(mktemp "$STORE/.new.XXXXXX")
  trap 'rm -f "$new"' EXIT
  cp "$KSRELEASE_PACKAGE" "$new"
  # A link never replaces what is there, whoever else is at work.
  if ! ln "$new" "$package" 2>/dev/null && ! cmp -s "$new" "$package"; then
    [ ! -e "$package" ] || exit 65
    echo "cannot write $package" >&2
    exit 1
  fi
  # Nobody is to see half of it.
  rm -f "$new"
  new=$(mktemp "$STORE/.new.XXXXXX")
  printf %s "$KSRELEASE_CONTENT_DIGEST" >"$new"
  mv "$new" "$package.content"
  echo '{"status": "active"}'
  ;;
snapshot)
  if [ -e "$package" ]; then
    echo "{\"status\": \"active\", $(describe "$package")}"
  else
    echo '{"status": "none"}'
  fi
  ;;
index)
  versions= between=
  for file in "$STORE"/*/*.tgz; do
    [ -e "$file" ] || continue
    name=${file%/*} version=${file##*/}
    versions="$versions$between{\"name\": \"${name##*/}\", \"version\": \"${version%.tgz}\", $(describe "$file")}"
    between=", "
  done
  echo "{\"versions\": [$versions]}"
  ;;
fetch)
  cp "$STORE/$KSRELEASE_NAME/$KSRELEASE_VERSION.tgz" "$KSRELEASE_PACKAGE"
  ;;
*)
  exit 64
  ;;
esac
