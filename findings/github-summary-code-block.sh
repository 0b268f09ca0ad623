#!/usr/bin/env bash
# npm @actions/core 1.11.1, the summary of a GitHub workflow. addCodeBlock writes its text
# into HTML as it is, so that code which looks like HTML is not shown but taken for it: of
# a piece of XML or of `List<String>` the reader sees what is left when the tags are gone.
# So do addList, addTable and addHeading; addLink does not even close the quotes of an
# address. A `|` in a cell, which Markdown would need escaped, is fine.
# Seen: `<pre lang="java"><code>List<String> a && b</code></pre>`, `<td>a|b <c></td>`,
# `<a href="https://a.example/?q="b"">`.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
npm install --silent --no-audit --no-fund @actions/core@1.11.1 >/dev/null
cat >main.js <<'J'
const core = require('@actions/core')
core.summary
  .addCodeBlock('List<String> a && b', 'java')
  .addTable([['a|b <c>']])
  .addLink('text', 'https://a.example/?q="b"')
  .write()
J
touch summary
GITHUB_STEP_SUMMARY=$tmp/summary node main.js
want='<pre lang="java"><code>List<String> a && b</code></pre>
<table><tr><td>a|b <c></td></tr></table>
<a href="https://a.example/?q="b"">text</a>'
[ "$(cat summary)" = "$want" ] || { echo "changed:"; cat summary; exit 1; }
echo "as described"
