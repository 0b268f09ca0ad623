#!/usr/bin/env bash
# Helm 3.22.0, `helm repo index --merge` (which loads an index as every command does).
# One entry of anybody that does not decode makes the whole index unreadable; an entry
# that has no version is passed over in silence; and a key that no field knows is an
# error in a YAML index and fine in the same index as JSON. So a check that looks for
# its own entry alone can see a version that no Helm client will find.
# Seen: number: exit 1 "cannot unmarshal number into Go struct field
# ChartVersion.entries.Metadata.version of type string"; none: exit 0, the good entry is
# there; yaml-key: exit 1 `unknown field "note"`; json-key: exit 0.
set -euo pipefail
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
GOBIN=$tmp go install helm.sh/helm/v3/cmd/helm@v3.22.0
export HELM_CACHE_HOME=$tmp/c HELM_CONFIG_HOME=$tmp/f HELM_DATA_HOME=$tmp/d
index() { # NAME ENTRY: an index with a good entry and this one
  printf 'apiVersion: v1\nentries:\n  good:\n  - {name: good, version: 1.0.0, urls: [good-1.0.0.tgz]}\n  other:\n  - %s\n' "$2" >"$1.yaml"
}
index number '{name: other, version: 1.10, urls: [o.tgz]}'
index none '{name: other, urls: [o.tgz]}'
index yaml-key '{name: other, version: 1.0.0, note: x, urls: [o.tgz]}'
cat >json-key.yaml <<'J'
{"apiVersion":"v1","entries":{"good":[{"name":"good","version":"1.0.0","urls":["good-1.0.0.tgz"]}],
"other":[{"name":"other","version":"1.0.0","note":"x","urls":["o.tgz"]}]}}
J
load() { # NAME: what Helm says of the index
  rm -rf out && mkdir out
  if ./helm repo index out --merge "$1.yaml" >said 2>&1; then cat out/index.yaml >>said; echo ok; else echo refused; fi
}
fail() { echo "changed: $*"; cat said; exit 1; }
[ "$(load number)" = refused ] && grep -q 'cannot unmarshal number into Go struct field ChartVersion.entries.Metadata.version' said || fail number
[ "$(load none)" = ok ] && grep -q 'good-1.0.0.tgz' said || fail none
[ "$(load yaml-key)" = refused ] && grep -q 'unknown field "note"' said || fail yaml-key
[ "$(load json-key)" = ok ] && grep -q 'good-1.0.0.tgz' said || fail json-key
echo "as described"
