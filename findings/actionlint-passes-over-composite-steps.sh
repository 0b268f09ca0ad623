#!/usr/bin/env bash
# actionlint 1.7.12, which checks workflows of GitHub Actions. It reads the action.yml of a repository
# where a workflow has `uses: ./`, and finds an input that the action does not have, or an unknown icon.
# The steps of the action it passes over: a composite step without `shell`, with a misspelt key, or with
# an expression that cannot be read passes. The runner (its action_yaml.json) refuses such an action, in
# every workflow that uses it. Given action.yml itself, actionlint takes it for a workflow.
# Seen: "shel: bash", "timeout-minutes" and "${{ nonsense( }}" in a composite step: exit 0, no word; the
# same in a step of the workflow: exit 1.
set -euo pipefail
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
GOBIN=$tmp go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
mkdir -p .github/workflows .git
action() { # INPUT ICON STEP
  printf 'name: a\ndescription: b\nbranding: {icon: %s, color: green}\ninputs: {%s: {description: d}}\nruns:\n  using: composite\n  steps:\n    - %s\n' "$2" "$1" "$3" >action.yml
}
workflow() { # STEP
  printf 'on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - {uses: ./, with: {known: x}}\n      - %s\n' "$1" >.github/workflows/w.yml
}
fail() { echo "changed: $*"; cat said; exit 1; }
lint() { ./actionlint -shellcheck= -pyflakes= "$@" >said 2>&1; }
workflow 'run: echo'
action known package '{run: echo, shell: bash}'
lint || fail "a good action"
action other package '{run: echo, shell: bash}'
if lint || ! grep -q 'input "known" is not defined' said; then fail "an unknown input"; fi
action known nonsense '{run: echo, shell: bash}'
if lint || ! grep -q 'branding' said; then fail "an unknown icon"; fi
for step in '{run: echo}' '{run: echo, shel: bash}' '{run: echo, shell: bash, timeout-minutes: 1}' 'run: "echo ${{ nonsense( }}"'; do
  action known package "$step"
  lint && [ ! -s said ] || fail "in an action: $step"
done
action known package '{run: echo, shell: bash}'
for step in '{run: echo, shel: bash}' 'run: "echo ${{ nonsense( }}"'; do
  workflow "$step"
  if lint; then fail "in a workflow: $step"; fi
done
if lint action.yml || ! grep -q '"jobs" section is missing' said; then fail "action.yml itself"; fi
echo "as described"
