package archtest

import (
	"cmp"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is the path that go.mod gives this project; the test fails if go.mod
// says otherwise.
const module = "github.com/ksrelease/ksrelease"

// place is where a reader is sent who has a reason to change a direction.
const place = "internal/archtest/imports_test.go"

// unit is one package of the project and what its code may import of the
// others. Tests are freer: they may import any package that the compiler allows,
// because a fake server or a real helm in a test binds nothing.
type unit struct {
	// path is the folder below the module. One that ends in /* stands for each folder in
	// it that has no line of its own: a family of packages that may not import each other.
	path string
	may  []string // the packages it may import; all of them if it is anyUnit
}

// anyUnit lets a package import every other one but those in aids.
var anyUnit = []string{"…"}

// foundations are packages that any other may import, as it may import the standard library:
// they import none themselves.
var foundations = []string{"internal/lazyregexp", "internal/language"}

// units are the packages: the table of docs/design.md, made executable. From top to bottom;
// arrows point down only.
var units = []unit{
	{"cmd/ksrelease", anyUnit},
	{"internal/declaring", []string{"config", "internal/adopt", "internal/adopt/cifile", "internal/app", "internal/atomicfile", "internal/discover", "internal/git", "internal/regularfile"}},
	{"internal/checking", []string{"config", "internal/app", "internal/baseline", "internal/diagnostic", "internal/discover", "internal/graceful", "internal/report", "pipeline"}},
	{"internal/previewing", []string{"config", "internal/app", "internal/atomicfile", "internal/bases", "internal/chartdiff", "internal/comparing", "internal/extension", "internal/graceful", "internal/page", "internal/page/showing", "internal/progress", "internal/results", "internal/target", "internal/target/kscloud", "internal/versions"}},
	{"internal/comparing", []string{"config", "internal/app", "internal/bases", "internal/chartdiff", "internal/extension", "internal/failure", "internal/footprint", "internal/graceful", "internal/lint", "internal/request", "pipeline"}},
	{"internal/projectbundle", []string{"config", "internal/app", "internal/atomicfile", "internal/bundle", "internal/bundle/collect", "internal/bundle/deliver", "internal/bundle/serve", "internal/extension", "internal/failure", "internal/graceful", "internal/imageref", "internal/images", "internal/images/mirror", "internal/lint", "internal/marketplace", "internal/output", "internal/published", "internal/progress", "internal/registry", "internal/request", "internal/target", "internal/versions", "pipeline", "internal/marketplace/externalurl", "internal/target/picture", "internal/transport"}},
	{"internal/account", []string{"internal/app", "internal/cloud", "internal/credentials", "internal/failure", "internal/graceful", "internal/redact", "internal/signals", "internal/target", "internal/transport"}},
	{"internal/completing", []string{"internal/app", "internal/commandline", "internal/extension", "internal/output", "internal/regularfile"}},
	{"internal/manual", []string{"internal/app", "internal/atomicfile", "internal/commandline", "internal/shellword"}},
	{"internal/projectcache", []string{"internal/app", "internal/output"}},
	{"internal/projectimages", []string{"internal/cache", "config", "internal/app", "internal/diagnostic", "internal/extension", "internal/failure", "internal/graceful", "internal/imageref", "internal/images", "internal/images/mirror", "internal/images/presence", "internal/images/release", "internal/commandline", "internal/lint", "internal/output", "internal/progress", "internal/registry", "internal/report", "internal/request", "pipeline"}},
	{"internal/replaying", []string{"internal/app", "internal/diagnostic", "internal/journal", "internal/regularfile", "internal/report", "internal/results", "internal/shellword"}},
	{"internal/explaining", []string{"config", "internal/app", "internal/diagnostic", "internal/lint", "internal/output", "internal/results", "internal/yamldoc"}},
	{"internal/proving", []string{"config", "internal/app", "internal/commits", "internal/extension", "internal/failure", "internal/git", "internal/graceful", "internal/hooks", "internal/proof", "internal/published", "internal/regularfile", "internal/results", "internal/atomicfile", "internal/signing", "internal/target", "internal/versions", "pipeline"}},
	{"internal/proof", []string{"internal/commits", "internal/extension", "internal/extension/compare", "internal/extension/unpack", "internal/failure", "internal/git", "internal/output", "internal/published", "internal/shellword"}},
	{"internal/app", []string{"internal/cache", "internal/ci", "internal/cache/remote", "config", "internal/bases", "internal/commits", "internal/announce", "internal/atomicfile", "internal/baseline", "internal/bump", "internal/changes", "internal/commandline", "internal/credentials", "internal/dependency", "internal/diagnostic", "internal/discover", "internal/doctor/checks", "internal/extension", "internal/extension/compare", "internal/extension/naming", "internal/failure", "internal/git", "internal/graceful", "internal/history", "internal/hooks", "internal/lint", "internal/marketplace", "internal/notes", "internal/output", "internal/places", "internal/progress", "internal/terminal", "internal/regularfile", "internal/report", "internal/request", "internal/packagecache", "internal/results", "internal/secrets", "internal/shards", "internal/shellword", "internal/signals", "internal/signing", "internal/target", "internal/registry", "internal/target/kscloud", "internal/transport", "internal/versions", "internal/worker", "internal/lintcache", "internal/sourceindex", "pipeline", "internal/worktree"}},
	{"internal/places", []string{"internal/cache", "config", "internal/credentials", "internal/diagnostic", "internal/doctor/checks", "internal/failure", "internal/redact", "internal/registry", "internal/results", "internal/secrets", "internal/sharedfiles", "internal/signing", "internal/target", "internal/target/chartmuseum", "internal/target/command", "internal/target/directory", "internal/target/image", "internal/target/kscloud", "internal/target/manifests", "internal/target/oci", "internal/transport"}},
	{"internal/cache/remote", []string{"internal/atomicfile", "internal/graceful", "internal/registry", "internal/regularfile", "internal/transport"}},
	{"internal/signing", []string{"internal/extension", "internal/failure", "internal/regularfile"}},
	{"internal/status", []string{"internal/failure", "internal/graceful", "internal/output", "internal/progress", "internal/results", "internal/secrets", "internal/target", "internal/versions"}},
	{"internal/withdrawal", []string{"internal/target"}},
	{"internal/commandline", []string{"config", "internal/shellword"}},
	{"internal/announce", []string{"config", "internal/results", "internal/transport"}},
	{"internal/secrets", []string{"config", "internal/diagnostic", "internal/redact", "internal/results"}},
	{"internal/changes", []string{"config", "internal/commits", "internal/diagnostic", "internal/extension", "internal/extension/compare", "internal/extension/naming", "internal/extension/unpack", "internal/failure", "internal/git", "internal/published", "internal/regularfile", "internal/tags", "internal/target", "internal/versions"}},
	{"internal/tagging", []string{"config", "internal/commits", "internal/extension", "internal/failure", "internal/git", "internal/output", "internal/results", "internal/tags"}},
	{"internal/adopt", []string{"config", "internal/adopt/chartbuild", "internal/adopt/cifile", "internal/adopt/practice", "internal/adopt/shellscript", "internal/adopt/successor", "internal/discover", "internal/excerpt", "internal/failure", "internal/output", "internal/redact", "internal/regularfile"}},
	{"internal/adopt/chartbuild", []string{"internal/adopt/cifile", "internal/adopt/shellscript"}},
	{"internal/adopt/practice", []string{"internal/adopt/cifile", "internal/adopt/shellscript"}},
	{"internal/adopt/successor", []string{"internal/adopt/cifile"}},
	{"internal/adopt/cifile", []string{"internal/diagnostic", "internal/excerpt", "internal/yamldoc"}},
	{"internal/adopt/shellscript", nil},
	{"internal/discover", []string{"config", "internal/diagnostic", "internal/excerpt", "internal/extension", "internal/extension/naming", "internal/failure", "internal/git", "internal/regularfile", "internal/yamldoc", "schema"}},
	{"internal/doctor", []string{"internal/doctor/checks", "internal/doctor/replay", "internal/diagnostic", "internal/failure", "internal/helmrepo", "internal/output", "internal/redact", "internal/results", "internal/target"}},
	{"internal/doctor/checks", []string{"internal/cloud", "internal/failure", "internal/git", "internal/redact", "internal/transport"}},
	{"internal/doctor/replay", []string{"internal/diagnostic", "internal/extension/naming", "internal/failure", "internal/helmrepo", "internal/kubesphere", "internal/versions"}},
	{"internal/ci", []string{"internal/output", "internal/report", "internal/report/github", "internal/results"}},
	{"internal/report/comment", []string{"internal/chartdiff", "internal/report", "internal/results"}},
	{"internal/report/github", []string{"internal/output", "internal/report", "internal/report/location", "internal/results"}},
	{"internal/report", []string{"internal/causes", "internal/diagnostic", "internal/extension", "internal/markdown", "internal/lint", "internal/journal", "internal/output", "internal/page", "internal/results", "internal/atomicfile", "internal/report/gitlab", "internal/report/location", "internal/report/paged"}},
	{"internal/report/gitlab", []string{"internal/output", "internal/report/location", "internal/results"}},
	{"internal/report/paged", []string{"internal/atomicfile"}},
	{"internal/report/location", []string{"internal/extension", "internal/results"}},
	{"internal/journal", []string{"internal/output", "internal/results", "internal/atomicfile"}},
	{"internal/planfile", []string{"internal/atomicfile", "internal/diagnostic", "internal/regularfile", "internal/results"}},
	{"internal/jobs", []string{"internal/shellword"}},
	{"internal/bundle/deliver", []string{"config", "internal/bundle", "internal/delivery", "internal/failure", "internal/graceful", "internal/lifecycle", "internal/progress", "internal/registry", "internal/results", "internal/target"}},
	{"internal/progress", []string{"internal/output", "internal/results", "internal/transport"}},
	{"pipeline", []string{"internal/lookahead", "internal/images/release", "internal/bases", "config", "internal/shards", "internal/delivery", "internal/diagnostic", "internal/extension", "internal/failure", "internal/graceful", "internal/hooks", "internal/lifecycle", "internal/lint", "internal/order", "internal/published", "internal/request", "internal/packagecache", "internal/results", "internal/seat", "internal/services", "internal/sourceindex", "internal/survey", "internal/target", "internal/outputdir", "internal/packagesize", "internal/yamldoc", "internal/extension/naming", "internal/verdict", "internal/worker", "internal/worktree"}},
	{"internal/causes", []string{"internal/diagnostic", "internal/results"}},
	{"internal/verdict", []string{"internal/failure", "internal/lint", "internal/results", "internal/services", "internal/shellword"}},
	{"internal/services", []string{"internal/extension", "internal/hooks", "internal/images", "internal/lint", "internal/results", "internal/weight", "internal/worktree"}},
	{"internal/seat", []string{"internal/graceful"}},
	{"internal/delivery", []string{"config", "internal/extension", "internal/failure", "internal/graceful", "internal/indexwatch", "internal/kubesphere", "internal/lifecycle", "internal/published", "internal/results", "internal/shellword", "internal/target", "internal/target/access"}},
	{"internal/outputdir", []string{"internal/atomicfile", "internal/extension", "internal/failure"}},
	{"internal/order", []string{"internal/extension", "internal/failure", "internal/graph", "internal/shards", "internal/versions"}},
	{"internal/survey", []string{"internal/results", "internal/target", "internal/versions"}},
	{"internal/marketplace", []string{"internal/chartdiff", "internal/extension", "internal/extension/compare", "internal/packagesize", "internal/page", "internal/page/showing", "internal/results", "internal/weight", "internal/marketplace/catalog", "internal/marketplace/externalurl", "internal/marketplace/lease", "internal/marketplace/repair", "internal/marketplace/state", "internal/marketplace/store", "internal/marketplace/wire", "internal/extension/naming"}},
	{"internal/packagesize", []string{"internal/diagnostic", "internal/extension", "internal/failure", "internal/results", "internal/weight"}},
	{"internal/hooks", []string{"config", "internal/childprocess", "internal/failure", "internal/results"}},
	{"internal/lifecycle", []string{"internal/results"}},
	{"internal/indexwatch", []string{"internal/graceful", "internal/target"}},
	{"internal/bases", []string{"internal/commits", "internal/extension", "internal/extension/compare", "internal/failure", "internal/git", "internal/lint", "internal/published", "internal/target", "internal/versions"}},
	{"internal/published", []string{"internal/extension", "internal/extension/compare", "internal/failure", "internal/graceful", "internal/kubesphere", "internal/shellword", "internal/target"}},
	{"internal/target/oci", []string{"internal/extension", "internal/failure", "internal/registry", "internal/target", "internal/target/picture", "internal/transport"}},
	{"internal/target/kscloud", []string{"internal/cache", "internal/cloud", "internal/dependency", "internal/extension", "internal/failure", "internal/helmrepo", "internal/redact", "internal/target", "internal/target/picture", "internal/target/repoindex", "internal/transport"}},
	{"internal/target/chartmuseum", []string{"internal/cache", "internal/extension", "internal/extension/unpack", "internal/failure", "internal/helmrepo", "internal/target", "internal/target/picture", "internal/target/repoindex", "internal/transport"}},
	{"internal/target/manifests", []string{"internal/extension", "internal/failure", "internal/kubesphere", "internal/sharedfiles", "internal/target", "internal/together", "internal/versions"}},
	{"internal/target/directory", []string{"internal/extension", "internal/failure", "internal/helmrepo", "internal/indexedit", "internal/redact", "internal/sharedfiles", "internal/target", "internal/target/repoindex", "internal/together", "internal/transport"}},
	{"internal/target/image", []string{"internal/extension", "internal/extension/naming", "internal/failure", "internal/registry", "internal/target", "internal/together", "internal/graceful", "internal/regularfile"}},
	{"internal/target/command", []string{"internal/childprocess", "internal/extension", "internal/failure", "internal/helmrepo", "internal/target", "internal/target/picture", "internal/transport"}},
	{"internal/target/repoindex", []string{"internal/extension", "internal/helmrepo", "internal/target"}},
	{"internal/target/picture", []string{"internal/failure", "internal/transport"}},
	{"internal/sharedfiles", []string{"internal/atomicfile", "internal/failure", "internal/git", "internal/redact", "internal/regularfile", "internal/together"}},
	{"internal/together", nil},
	{"internal/target/access", []string{"internal/extension", "internal/failure", "internal/target"}},
	{"internal/target", []string{"internal/extension"}},
	{"internal/lintcache", []string{"internal/cache", "internal/extension", "internal/footprint", "internal/images", "internal/lint", "internal/lint/rule", "internal/weight"}},
	{"internal/lookahead", []string{"internal/extension", "internal/lint"}},
	{"internal/worker", []string{"internal/collector", "internal/extension", "internal/footprint", "internal/images", "internal/lint", "internal/weight"}},
	{"internal/page", []string{"internal/chartdiff", "internal/extension", "internal/extension/compare", "internal/page/readme", "internal/page/showing", "internal/results"}},
	{"internal/page/showing", []string{"internal/extension", "internal/extension/naming", "internal/page/picture", "internal/page/readme"}},
	{"internal/page/readme", []string{"internal/excerpt"}},
	{"internal/page/picture", nil},
	{"internal/chartdiff", []string{"internal/extension/compare", "internal/footprint", "internal/markdown", "internal/output", "internal/rbac"}},
	{"internal/bump", []string{"internal/atomicfile", "internal/changelog", "internal/diagnostic", "internal/extension", "internal/extension/naming", "internal/failure", "internal/history", "internal/regularfile", "internal/request", "internal/yamldoc", "internal/yamledit"}},
	{"internal/history", []string{"internal/extension", "internal/failure", "internal/git", "internal/tags", "internal/yamldoc"}},
	{"internal/notes", []string{"internal/changelog", "internal/excerpt", "internal/extension", "internal/failure"}},
	{"internal/changelog", []string{"internal/extension/naming"}},
	{"internal/baseline", []string{"internal/atomicfile", "internal/lint", "internal/diagnostic", "internal/regularfile", "internal/yamldoc"}},
	{"internal/bundle/collect", []string{"internal/bundle", "internal/extension", "internal/registry", "internal/transport"}},
	{"internal/bundle/serve", []string{"internal/bundle", "internal/extension", "internal/regularfile"}},
	{"internal/bundle", []string{"internal/extension", "internal/extension/naming", "internal/failure"}},
	{"internal/marketplace/state", []string{"internal/marketplace/catalog", "internal/marketplace/externalurl", "internal/marketplace/helmindex", "internal/marketplace/lease", "internal/marketplace/store", "internal/marketplace/wire"}},
	{"internal/marketplace/repair", []string{"internal/marketplace/catalog", "internal/marketplace/lease", "internal/marketplace/store"}},
	{"internal/marketplace/lease", []string{"internal/marketplace/store", "internal/failure"}},
	{"internal/marketplace/helmindex", []string{"internal/indexedit", "internal/marketplace/catalog"}},
	{"internal/marketplace/store", []string{"internal/extension", "internal/kubesphere", "internal/marketplace/catalog", "internal/marketplace/externalurl", "internal/marketplace/wire", "internal/extension/naming", "internal/failure", "internal/shellword"}},
	{"internal/marketplace/catalog", []string{"internal/marketplace/wire"}},
	{"internal/marketplace/wire", nil},
	{"internal/marketplace/externalurl", nil},
	{"internal/images/release", []string{"config", "internal/extension", "internal/failure", "internal/imageref", "internal/images", "internal/images/mirror", "internal/images/presence", "internal/lint", "internal/results"}},
	{"internal/images/mirror", []string{"internal/failure", "internal/imageref", "internal/images/presence", "internal/registry"}},
	{"internal/images/presence", []string{"internal/atomicfile", "internal/failure", "internal/imageref", "internal/registry"}},
	{"internal/images", []string{"internal/diagnostic", "internal/excerpt", "internal/extension", "internal/helmchart", "internal/helmchart/workload", "internal/imageref", "internal/kubesphere"}},
	{"internal/lint", []string{"internal/lint/*", "internal/lint/rule", "internal/diagnostic", "internal/excerpt", "internal/extension", "internal/helmchart", "internal/yamldoc"}},
	{"internal/lint/*", []string{"internal/lint/rule", "internal/footprint", "internal/upgrade", "internal/diagnostic", "internal/excerpt", "internal/extension", "internal/extension/naming", "internal/extension/unpack", "internal/helmchart", "internal/helmchart/chartutil", "internal/helmchart/filereads", "internal/helmchart/helmerror", "internal/helmchart/kubeapi", "internal/helmchart/manifest", "internal/helmchart/merge", "internal/helmchart/workload", "internal/imageref", "internal/kubesphere", "internal/kubetypes", "internal/rbac", "internal/versions", "internal/yamldoc"}},
	{"internal/lint/rule", []string{"internal/diagnostic", "internal/excerpt", "internal/extension", "internal/helmchart", "internal/yamldoc"}},
	{"internal/upgrade", []string{"internal/footprint"}},
	{"internal/footprint", []string{"internal/extension", "internal/extension/tarball", "internal/helmchart", "internal/helmchart/chartutil", "internal/helmchart/manifest", "internal/helmchart/merge"}},
	{"internal/helmchart", []string{"internal/helmchart/chartutil", "internal/helmchart/helmerror", "internal/helmchart/kubeapi", "internal/helmchart/manifest", "internal/helmchart/merge", "internal/helmchart/workload", "internal/helmchart/engine", "internal/diagnostic", "internal/excerpt", "internal/extension", "internal/yamldoc"}},
	{"internal/helmchart/helmerror", []string{"internal/excerpt", "internal/extension"}},
	{"internal/helmchart/filereads", nil},
	{"internal/helmchart/kubeapi", []string{"internal/helmchart/chartutil", "internal/kubetypes"}},
	{"internal/helmchart/manifest", nil},
	{"internal/helmchart/workload", nil},
	{"internal/weight", []string{"internal/extension", "internal/yamldoc", "internal/extension/tarball", "internal/yamledit"}},
	{"internal/dependency", []string{"internal/cache", "internal/diagnostic", "internal/extension", "internal/helmrepo", "internal/transport", "internal/redact", "internal/atomicfile"}},
	{"internal/extension/compare", []string{"internal/extension", "internal/extension/helmignore", "internal/extension/unpack", "internal/yamledit"}},
	{"internal/sourceindex", []string{"internal/extension"}},
	{"internal/packagecache", []string{"internal/cache", "internal/extension"}},
	{"internal/worktree", []string{"internal/commits", "internal/diagnostic", "internal/excerpt", "internal/extension", "internal/extension/unpack", "internal/failure", "internal/git", "internal/results"}},
	{"internal/commits", []string{"internal/extension", "internal/failure", "internal/git", "internal/shellword"}},
	{"internal/extension", []string{"internal/helmchart/chartutil", "internal/extension/helmignore", "internal/extension/naming", "internal/extension/tarball", "internal/extension/unpack", "internal/kubesphere", "internal/diagnostic", "internal/yamldoc", "internal/yamledit", "internal/failure", "internal/regularfile"}},
	{"internal/childprocess", []string{"internal/failure"}},
	{"internal/extension/helmignore", []string{"internal/extension/unpack"}},
	{"internal/extension/tarball", []string{"internal/extension/unpack", "internal/extension/naming"}},
	{"internal/extension/unpack", nil},
	{"internal/yamledit", []string{"internal/diagnostic", "internal/yamldoc"}},
	{"internal/registry", []string{"internal/failure", "internal/graceful", "internal/imageref", "internal/redact", "internal/transport"}},
	{"internal/imageref", nil},
	{"internal/cloud", []string{"internal/transport", "internal/redact"}},
	{"internal/indexedit", []string{"internal/helmrepo", "internal/versions"}},
	{"internal/helmrepo", []string{"internal/cache", "internal/helmrepo/quickentry", "internal/kubesphere", "internal/redact", "internal/transport"}},
	{"internal/helmrepo/quickentry", nil},
	{"internal/transport", []string{"internal/graceful", "internal/redact", "internal/regularfile"}},
	{"internal/credentials", []string{"internal/atomicfile", "internal/regularfile"}},
	{"internal/faults", nil},
	{"config", []string{"schema", "internal/configfile", "internal/diagnostic", "internal/fileowner", "internal/regularfile", "internal/tags", "internal/yamldoc", "internal/failure", "internal/extension/naming"}},
	{"internal/configfile", nil},
	{"internal/request", []string{"internal/extension/naming", "internal/failure", "internal/tags", "internal/yamldoc"}},
	{"internal/tags", []string{"internal/failure", "internal/versions", "internal/yamldoc"}},
	{"internal/yamldoc", []string{"internal/diagnostic", "internal/yamldoc/accepts"}},
	{"internal/extension/naming", nil},
	{"internal/excerpt", nil},
	{"internal/helmchart/engine", []string{"internal/helmchart/chartutil"}},
	{"internal/helmchart/merge", []string{"internal/helmchart/chartutil"}},
	{"internal/kubesphere", nil},
	{"internal/atomicfile", []string{"internal/failure"}},
	{"internal/graceful", nil},
	{"internal/graph", nil},
	{"internal/results", []string{"internal/diagnostic", "internal/shards", "internal/versions"}},
	{"internal/shards", nil},
	{"internal/versions", nil},
	{"internal/diagnostic", nil},
	{"internal/git", []string{"internal/shellword"}},
	{"internal/shellword", nil},
	{"internal/rbac", nil},
	{"internal/redact", nil},
	{"internal/cache", []string{"internal/failure", "internal/fileowner"}},
	{"internal/fileowner", nil},
	{"internal/regularfile", []string{"internal/failure"}},
	{"internal/failure", nil},
	{"internal/signals", nil},
	{"internal/markdown", []string{"internal/output"}},
	{"internal/terminal", []string{"internal/output"}},
	{"internal/output", nil},
	{"internal/collector", nil},
	{"internal/helmchart/chartutil", []string{"internal/helmchart/chartutil/version"}},
	{"internal/helmchart/chartutil/version", nil},
	{"internal/kubetypes", nil},
	{"internal/yamldoc/accepts", nil},
	{"internal/lazyregexp", nil},
	{"internal/language", nil},
	{"internal/language/generate", []string{"internal/language/collect"}},
	{"internal/language/collect", nil},
	{"schema", nil},

	// Programs and test aids for those who build ksrelease.
	{"internal/kubetypes/generate", []string{"internal/kubetypes"}},
	{"schema/generate", []string{"schema", "config", "internal/configfile", "internal/language", "internal/lint", "internal/results", "internal/report", "internal/status"}},
	{"internal/bench/generate", []string{"internal/extension"}},
	{"internal/bench", []string{"internal/bench/generate", "internal/testutil/gotool", "internal/testutil/helmtest", "internal/testutil/registrytest"}},
	{"internal/testutil/helmtest", []string{"internal/helmchart/chartutil", "internal/helmchart/chartutil/version", "internal/testutil/gotool"}},
	{"internal/testutil/testreport", nil},
	{"internal/testutil/trees", []string{"internal/extension/naming", "internal/extension/unpack", "internal/testutil/testshared"}},
	{"internal/testutil/testshared", nil},
	{"internal/testutil/soak", nil},
	{"internal/testutil/canary", nil},
	{"internal/testutil/screen", nil},
	{"internal/testutil/memnet", nil},
	{"internal/testutil/nobody", nil},
	{"internal/testutil/gittest", []string{"internal/testutil/trees"}},
	{"internal/testutil/shells", []string{"internal/shellword"}},
	{"internal/testutil/registrytest", []string{"internal/registry", "internal/testutil/gotool", "internal/testutil/testca"}},
	{"internal/testutil/gotool", nil},
	{"internal/testutil/testca", nil},
	{"internal/testutil/museumtest", nil},
	{"internal/testutil/keytest", nil},
	{"internal/target/targettest", []string{"internal/extension", "internal/failure", "internal/graceful", "internal/target"}},
	{"internal/testutil/storetest", []string{"internal/failure", "internal/faults", "internal/sharedfiles"}},
	{"internal/target/runtest", []string{"config", "internal/extension", "internal/results", "internal/target", "internal/target/targettest", "internal/testutil/soak", "pipeline"}},
	{"internal/lint/ruletest", []string{"internal/lint", "internal/extension"}},
	{"internal/reliability", nil},
	{"internal/archtest", nil},
	{"examples", nil},
	{"examples/targets/server", nil},
}

// aids are packages that must not end up in the binary, whatever else a package
// may import.
var aids = []string{"schema/generate", "internal/language/generate", "internal/language/collect", "internal/kubetypes/generate", "internal/testutil/keytest", "internal/bench", "internal/bench/generate", "internal/testutil/helmtest", "internal/testutil/testshared", "internal/testutil/soak", "internal/testutil/canary", "internal/testutil/screen", "internal/testutil/memnet", "internal/testutil/nobody", "internal/testutil/gittest", "internal/testutil/shells", "internal/testutil/testreport", "internal/testutil/testca", "internal/testutil/museumtest", "internal/testutil/trees", "internal/testutil/storetest", "internal/testutil/registrytest", "internal/testutil/gotool", "internal/target/targettest", "internal/target/runtest", "internal/lint/ruletest", "internal/reliability", "internal/archtest", "examples", "examples/targets/server"}

// restriction keeps a package from outside the project to a few packages.
type restriction struct {
	imported string   // an import path; what lies below it is meant too
	only     []string // the packages whose code may import it
	tests    bool     // whether the tests of the other packages may
	why      string
}

// restrictions say which knowledge stays where: "nothing below knows kong, a
// terminal or a flag".
var restrictions = []restriction{
	{"github.com/alecthomas/kong", []string{"cmd/ksrelease", "internal/commandline", "internal/completing", "internal/manual"}, false,
		"the commands are cmd/ksrelease's alone; internal/commandline reads grammars, whatever is in them"},
	{"flag", []string{"schema/generate", "internal/bench"}, true,
		"flags are cmd/ksrelease's alone, and kong's"},
	{"golang.org/x/term", []string{"internal/account", "internal/output"}, false,
		"only what talks to people knows a terminal"},
	{"github.com/jedib0t/go-pretty/v6", []string{"internal/output", "internal/report", "internal/testutil/screen"}, false,
		"only what talks to people draws tables"},
	// None of these logs: they silence what libraries log, and keep a token out of it.
	{"log", []string{"cmd/ksrelease", "internal/marketplace", "internal/credentials", "internal/testutil/testca"}, true,
		"nothing prints on its own: packages return errors and events"},
	{"testing", []string{"internal/target/targettest", "internal/target/runtest", "internal/lint/ruletest", "internal/testutil/helmtest", "internal/testutil/testshared", "internal/testutil/soak", "internal/testutil/canary", "internal/testutil/screen", "internal/testutil/memnet", "internal/testutil/nobody", "internal/testutil/gittest", "internal/testutil/shells", "internal/testutil/testca", "internal/testutil/museumtest", "internal/testutil/trees", "internal/testutil/storetest", "internal/testutil/registrytest", "internal/testutil/gotool"}, true,
		"the testing package brings its flags into the binary"},
	{"github.com/invopop/jsonschema", []string{"schema/generate"}, true,
		"the schema is generated when ksrelease is built, not when it runs"},
	{"helm.sh/helm/v3/pkg/engine", nil, true,
		"internal/helmchart/engine renders templates; Helm's engine is its judge in tests"},
	{"helm.sh/helm/v3/pkg/chartutil", []string{"internal/testutil/helmtest"}, true,
		"it brings the types of all kinds of Kubernetes into the binary; internal/helmchart/chartutil and merge have what is needed"},
	{"k8s.io/client-go/kubernetes", []string{"internal/kubetypes/generate"}, true,
		"it brings the types of all kinds of Kubernetes into the binary; internal/kubetypes has what is known of them"},
	{"k8s.io/api/core", nil, true,
		"it brings 8 MB into the binary; internal/kubetypes has what is known of its types"},
	{"github.com/google/go-cmp", []string{"internal/testutil/shells"}, true,
		"it may panic, and is made for tests"},
}

// imports are what one Go file imports.
type imports struct {
	file string // slash path below the module
	list []string
}

// unit is the folder of the file.
func (i imports) unit() string { return path.Dir(i.file) }

// test reports whether the file is compiled for tests only.
func (i imports) test() bool { return strings.HasSuffix(i.file, "_test.go") }

// violations compares what files import with the tables and says, one line
// each, what stands against them: sorted, and empty if all is well.
func violations(units []unit, aids []string, restrictions []restriction, files []imports) []string {
	var out []string
	lived := map[string]bool{}
	for _, f := range files {
		r, ok := unitOf(units, f.unit())
		lived[r.path] = true
		if !ok {
			out = append(out, fmt.Sprintf("%s is a package that no table knows: say in the list of packages in %s what it may import, and in docs/design.md what it is for", cmp.Or(f.unit(), "."), place))
			continue
		}
		for _, imported := range f.list {
			if target, ours := strings.CutPrefix(imported, module+"/"); ours {
				out = append(out, direction(units, r, f, target, aids)...)
				continue
			}
			out = append(out, restricted(r, f, imported, restrictions)...)
		}
	}
	for _, r := range units {
		if !lived[r.path] {
			out = append(out, fmt.Sprintf("%s is in the list of packages in %s, but no Go file is in it: take it off the list", r.path, place))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// unitOf is the line for a package: its own or, where it has none, that of its family.
func unitOf(units []unit, folder string) (unit, bool) {
	for _, line := range [...]string{folder, path.Dir(folder) + "/*"} {
		if i := slices.IndexFunc(units, func(r unit) bool { return r.path == line }); i >= 0 {
			return units[i], true
		}
	}
	return unit{}, false
}

// direction judges the import of another package of the project.
func direction(units []unit, r unit, f imports, target string, aids []string) []string {
	imported, _ := unitOf(units, target)
	if f.test() || target == f.unit() || slices.Contains(r.may, imported.path) || slices.Contains(foundations, target) {
		return nil
	}
	if slices.Equal(r.may, anyUnit) {
		if !slices.Contains(aids, target) {
			return nil
		}
		return []string{fmt.Sprintf("%s imports %s, which is for building and testing ksrelease and must not be in the binary", f.file, target)}
	}
	may := "no other package"
	if len(r.may) > 0 {
		may = "only " + strings.Join(r.may, ", ")
	}
	return []string{fmt.Sprintf("%s imports %s, but %s may import %s: turn the dependency round (declare an interface where it is used), or change the list of packages in %s and docs/design.md", f.file, target, f.unit(), may, place)}
}

// restricted judges the import of a package from outside the project.
func restricted(r unit, f imports, imported string, restrictions []restriction) []string {
	var out []string
	for _, x := range restrictions {
		if imported != x.imported && !strings.HasPrefix(imported, x.imported+"/") {
			continue
		}
		if slices.Contains(x.only, r.path) || f.test() && x.tests {
			continue
		}
		out = append(out, fmt.Sprintf("%s imports %s: %s", f.file, imported, x.why))
	}
	return out
}

// TestImportDirections reads every Go file of the project, whatever system or
// build tag it is for, which is why it parses them instead of asking `go list`.
func TestImportDirections(t *testing.T) {
	root := moduleRoot(t)
	files, err := readImports(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatalf("no Go file below %s: the test looks in the wrong place", root)
	}
	for _, v := range violations(units, aids, restrictions, files) {
		t.Error(v)
	}
}

// TestTables holds the tables themselves to the project: a name misspelt in
// them would otherwise forbid or allow nothing.
func TestTables(t *testing.T) {
	known := map[string]bool{}
	for _, r := range units {
		if known[r.path] {
			t.Errorf("the package %s is listed twice", r.path)
		}
		known[r.path] = true
	}
	for _, r := range units {
		for _, m := range r.may {
			if !known[m] && !slices.Equal(r.may, anyUnit) {
				t.Errorf("%s may import %s, which is not a package", r.path, m)
			}
		}
	}
	for _, w := range aids {
		if !known[w] {
			t.Errorf("the workshop %s is not a package", w)
		}
	}
	for _, f := range foundations {
		if at := slices.IndexFunc(units, func(r unit) bool { return r.path == f }); at < 0 || len(units[at].may) > 0 {
			t.Errorf("the foundation %s is not a package that imports no other", f)
		}
	}
	for _, x := range restrictions {
		for _, o := range x.only {
			if !known[o] {
				t.Errorf("%s is restricted to %s, which is not a package", x.imported, o)
			}
		}
	}
}

// TestArrowsPointDown holds the list to its own word: a package may import only
// packages that stand below it, aids aside.
func TestArrowsPointDown(t *testing.T) {
	position := map[string]int{}
	for i, r := range units {
		position[r.path] = i
	}
	for i, r := range units {
		if slices.Contains(aids, r.path) {
			continue
		}
		for _, m := range r.may {
			if p, ok := position[m]; ok && p <= i {
				t.Errorf("%s may import %s, which stands above it in the list of packages", r.path, m)
			}
		}
	}
}

func TestViolationsAreFound(t *testing.T) {
	sample := []unit{
		{"cmd/tool", anyUnit},
		{"story", []string{"leaf", "plant/*"}},
		{"plant/*", []string{"leaf"}},
		{"leaf", nil},
		{"workbench", nil},
	}
	benches := []string{"workbench"}
	limits := []restriction{
		{"example.com/flags", []string{"cmd/tool"}, false, "flags stay above"},
		{"testing", nil, true, "not in the binary"},
	}
	// sound breaks nothing and has a file in each package; each case adds to it.
	sound := []imports{
		{"cmd/tool/main.go", []string{"fmt", "example.com/flags", module + "/story", module + "/leaf"}},
		{"story/story.go", []string{"context", module + "/leaf"}},
		{"story/story_test.go", []string{"testing", module + "/workbench", module + "/story"}},
		{"plant/oak/oak.go", []string{module + "/leaf"}},
		{"leaf/leaf.go", []string{"strings"}},
		{"workbench/bench.go", nil},
	}
	tests := []struct {
		name string
		file imports
		want string // a part of the only violation; "" for none
	}{
		{"an arrow up", imports{"leaf/up.go", []string{module + "/story"}},
			"leaf/up.go imports story, but leaf may import no other package"},
		{"an arrow that is not listed", imports{"story/tool.go", []string{module + "/cmd/tool"}},
			"story/tool.go imports cmd/tool, but story may import only leaf, plant/*"},
		{"one more of a family", imports{"plant/elm/elm.go", []string{module + "/leaf", module + "/plant/elm"}}, ""},
		{"use of a family", imports{"story/more.go", []string{module + "/plant/oak"}}, ""},
		{"within a family", imports{"plant/elm/elm.go", []string{module + "/plant/oak"}},
			"plant/elm/elm.go imports plant/oak, but plant/elm may import only leaf"},
		{"a folder below one of a family", imports{"plant/oak/root/root.go", nil},
			"plant/oak/root is a package that no table knows"},
		{"a workshop in the binary", imports{"cmd/tool/bench.go", []string{module + "/workbench"}},
			"cmd/tool/bench.go imports workbench, which is for building and testing"},
		{"a workshop in a package", imports{"story/bench.go", []string{module + "/workbench"}},
			"story/bench.go imports workbench"},
		{"a workshop in a test", imports{"leaf/leaf_test.go", []string{module + "/workbench"}}, ""},
		{"a restricted package", imports{"leaf/flags.go", []string{"example.com/flags"}},
			"leaf/flags.go imports example.com/flags: flags stay above"},
		{"a package below a restricted one", imports{"leaf/flags.go", []string{"example.com/flags/sub"}},
			"leaf/flags.go imports example.com/flags/sub: flags stay above"},
		{"a neighbour of a restricted one", imports{"leaf/flags.go", []string{"example.com/flagship"}}, ""},
		{"a restricted package in a test", imports{"leaf/flags_test.go", []string{"example.com/flags"}},
			"leaf/flags_test.go imports example.com/flags: flags stay above"},
		{"testing in a test", imports{"leaf/leaf_test.go", []string{"testing"}}, ""},
		{"testing in code", imports{"leaf/leaf2.go", []string{"testing"}},
			"leaf/leaf2.go imports testing: not in the binary"},
		{"a package nobody declared", imports{"leaf/cellar/cellar.go", nil},
			"leaf/cellar is a package that no table knows: say in the list of packages in " + place},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := violations(sample, benches, limits, append(slices.Clone(sound), tt.file))
			if tt.want == "" {
				if len(got) != 0 {
					t.Errorf("want no violation, got %q", got)
				}
				return
			}
			if len(got) != 1 || !strings.Contains(got[0], tt.want) {
				t.Errorf("want one violation with %q, got %q", tt.want, got)
			}
		})
	}
	t.Run("a package that is gone", func(t *testing.T) {
		got := violations(sample, benches, limits, sound[:len(sound)-1])
		if len(got) != 1 || !strings.Contains(got[0], "workbench is in the list of packages") {
			t.Errorf("want the empty package reported, got %q", got)
		}
	})
}

// readImports parses the import blocks of all Go files of fsys.
func readImports(fsys fs.FS) ([]imports, error) {
	var out []imports
	err := walk(fsys, func(name string) error {
		if path.Ext(name) != ".go" {
			return nil
		}
		src, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ImportsOnly)
		if err != nil {
			return fmt.Errorf("reading the imports of %s: %w", name, err)
		}
		file := imports{file: name}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return fmt.Errorf("reading the imports of %s: %w", name, err)
			}
			file.list = append(file.list, imported)
		}
		out = append(out, file)
		return nil
	})
	return out, err
}

// moduleRoot is the nearest folder above with a go.mod, which has to be that
// of this module.
func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil {
			if line, _, _ := strings.Cut(string(mod), "\n"); strings.TrimSpace(line) != "module "+module {
				t.Fatalf("%s begins with %q, not with the module %s: the tables of this test need its new name", filepath.Join(dir, "go.mod"), line, module)
			}
			return dir
		}
		if parent := filepath.Dir(dir); parent != dir {
			dir = parent
			continue
		}
		t.Fatal("no go.mod in this folder or above")
	}
}
