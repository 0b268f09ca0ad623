#!/usr/bin/env bash
# Helm 3.22.0, .helmignore. The comment that `helm create` puts into it speaks of "negation
# (prefixed with !)". A line with ! brings nothing back: it leaves out all that it does not
# match, folders and Chart.yaml among it, and what an earlier line left out stays out.
# Seen: with `*.txt` and `!keep.txt`, and with `!keep.txt` alone, "Chart.yaml file is
# missing"; with `!*` and `*.txt`, which is what a line with ! can do, no .txt is packed.
set -euo pipefail
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
GOBIN=$tmp go install helm.sh/helm/v3/cmd/helm@v3.22.0
./helm create made >/dev/null 2>&1
grep -q 'negation (prefixed with !)' made/.helmignore || { echo "changed: the comment"; exit 1; }
mkdir -p ig/templates
printf 'apiVersion: v2\nname: ig\nversion: 1.0.0\n' >ig/Chart.yaml
printf 'kept\n' | tee ig/keep.txt >ig/other.txt
for lines in '*.txt\n!keep.txt\n' '!keep.txt\n'; do
  printf "$lines" >ig/.helmignore
  if ./helm package ig >said 2>&1; then echo "changed: packed"; tar tzf ig-1.0.0.tgz; exit 1; fi
  grep -q 'Chart.yaml file is missing' said || { echo "changed:"; cat said; exit 1; }
done
printf '!*\n*.txt\n' >ig/.helmignore
./helm package ig >/dev/null
[ "$(tar tzf ig-1.0.0.tgz | grep -c '\.txt')" = 0 ] || { echo "changed:"; tar tzf ig-1.0.0.tgz; exit 1; }
echo "as described"
