#!/usr/bin/env bash
# Helm 3.22.0. Two packages of one chart in charts/, as an upgrade by hand or a merge leaves
# them, are not one too many: both are rendered, over one another. Templates that only one
# has are all there; of those that both have, one is, and which one is left to chance at each
# call. A dependency that asks for exactly the new version ends the chance, but the templates
# of the old one stay, and `helm lint --strict` is content. `helm dependency list` is not.
# Seen: "new: 1.1.0 old: 1.0.0" always; without the dependency some of at most 200 calls say
# "both: 1.0.0" and some "both: 1.1.0", with it 10 of 10 "both: 1.1.0"; "too many matches".
set -euo pipefail
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
GOBIN=$tmp go install helm.sh/helm/v3/cmd/helm@v3.22.0
mkdir -p p/charts
make() { # VERSION TEMPLATE...: packs sub in that version, with these templates
  rm -rf sub && mkdir -p sub/templates
  printf 'apiVersion: v2\nname: sub\nversion: %s\n' "$1" >sub/Chart.yaml
  for name in "${@:2}"; do printf '%s: {{ .Chart.Version }}\n' "$name" >"sub/templates/$name.yaml"; done
  ./helm package sub -d p/charts >/dev/null
}
make 1.0.0 both old
make 1.1.0 both new
printf 'apiVersion: v2\nname: p\nversion: 1.0.0\n' >p/Chart.yaml
seen() { ./helm template p | grep -E '^(both|new|old):' | tr '\n' ' '; }
first=no second=no
for ((call = 0; call < 200; call++)); do
  got=$(seen)
  case "$got" in
  "both: 1.0.0 new: 1.1.0 old: 1.0.0 ") first=yes ;;
  "both: 1.1.0 new: 1.1.0 old: 1.0.0 ") second=yes ;;
  *) echo "changed: $got"; exit 1 ;;
  esac
  if [ $first$second = yesyes ]; then break; fi
done
[ $first$second = yesyes ] || { echo "changed: always $got"; exit 1; }
printf 'dependencies:\n- {name: sub, version: 1.1.0, repository: "https://charts.example/stable"}\n' >>p/Chart.yaml
for call in 1 2 3 4 5 6 7 8 9 10; do
  got=$(seen)
  [ "$got" = "both: 1.1.0 new: 1.1.0 old: 1.0.0 " ] || { echo "changed: $got"; exit 1; }
done
./helm lint --strict p >said 2>&1 || { echo "changed: lint refuses it"; cat said; exit 1; }
./helm dependency list p >said 2>&1
grep -q 'too many matches' said || { echo "changed:"; cat said; exit 1; }
echo "as described"
