package collect

// foreign are messages of libraries that users of this program often see, by where they stand there.
var foreign = map[string][]string{
	"github.com/alecthomas/kong": {
		"Usage: %s", "Arguments:", "Commands:", "Flags:",
		`Run "%s --help" for more information on a command.`, `Run "%s <command> --help" for more information on a command.`,
		"Show context-sensitive help.",
		"unexpected argument %s", "unknown flag %s", "%s, did you mean %s?", "%s, did you mean one of %s?",
		"expected %s", "expected one of %s", "missing flags: %s", "missing positional arguments %s",
		"%s must be one of %s but got %q", "--%s and --%s can't be used together", "unexpected flag argument %q", "unexpected token %s",
		"no command selected", "expected duration but got %q: %v", "expected bool but got %q (%s)", "bool value must be true, 1, yes, false, 0 or no but got %q",
		"expected a valid %d bit int but got %q", "expected a valid %d bit uint but got %q", "expected an int but got %q (%s)", "%s: missing value", "unknown argument: %s", "expected %s value but got %q (%s)",
	},
	"go: package syscall": {
		"no such file or directory", "permission denied", "file exists", "not a directory", "is a directory", "directory not empty", "no space left on device",
		"too many open files", "read-only file system", "input/output error", "broken pipe", "connection refused", "connection reset by peer", "network is unreachable",
		"no route to host", "operation not permitted", "operation timed out", "connection timed out", "address already in use", "device or resource busy", "disk quota exceeded",
		"file name too long", "too many levels of symbolic links", "argument list too long", "text file busy", "invalid argument", "cannot allocate memory", "invalid cross-device link", "file too large",
	},
	"go: packages os, net, net/http, context, io": {
		"open %s: %w", "read %s: %w", "write %s: %w", "stat %s: %w", "lstat %s: %w", "mkdir %s: %w", "remove %s: %w", "rename %s %s: %w", "readlink %s: %w",
		"dial tcp %s: %w", "dial tcp: lookup %s: no such host", "lookup %s: no such host", "lookup %s on %s: no such host", "read tcp %s->%s: %w", "write tcp %s->%s: %w",
		"context deadline exceeded", "context canceled", "unexpected EOF", "i/o timeout", "file does not exist", "file already exists", "use of closed network connection",
		"net/http: TLS handshake timeout", "http: server gave HTTP response to HTTPS client", "signal: killed", "signal: terminated", "signal: interrupt", "exit status %d",
		"executable file not found in $PATH", "exec: %q: executable file not found in $PATH", "server closed idle connection", "http: server closed idle connection",
	},
	"helm.sh/helm/v3 and go: package text/template": {
		"name is required", "type must be application or library", "Chart.yaml file is missing", "version %q is invalid", "cannot load %s: %w", "missing value for %s", "did not find expected node content",
	},
	"github.com/santhosh-tekuri/jsonschema/v6": {
		"got %s, want %s", "missing property %s", "missing properties %s", "additional properties %s not allowed", "value must be one of %s", "value must be %s",
	},
	"go: packages crypto/x509 and crypto/tls": {
		"x509: certificate signed by unknown authority", "x509: certificate is valid for %s, not %s", "x509: certificate has expired or is not yet valid: %s",
		"tls: failed to verify certificate: %w", "remote error: tls: %s",
	},
}

// words are single words of documents that people are shown: outcomes, stages, severities, and others of
// results.
var words = []string{
	", in {{ %s }}", "name of an entry %s", "link of an entry %s", "group and version %s", "the link %s",
	"Why", "Source", "plan", "released", "planned", "linted", "packed", "exists", "drift", "blocked", "failed", "unverified", "not-reached", "left-out",
	"lint", "package", "upload", "size", "push", "verify", "before", "after",
	"a string", "a number", "a whole number", "a list", "a mapping", "true or false", "a path", "a folder", "no API key for the marketplace",
	"interrupted before its turn", "interrupted during before", "interrupted during lint", "interrupted during package", "interrupted during upload",
	"interrupted during size", "interrupted during push", "interrupted during verify", "which files differ is not known", "the API of ChartMuseum",
	"it depends on %s, which is failed", "it depends on %s, which is blocked", "it depends on %s, which is drift", "it depends on %s, which is unverified", "it depends on %s, which is not-reached",
	"planning", "releasing", "packaging", "looking", "coming to an end", "for its turn",
	"%d %s", "%s, %s", "%s, %d attempts", ", %d of %d", "%s, and %d more",
	"in lint", "in package", "in upload", "in size", "in push", "in verify", "in plan", "in before", "in after", "in images", "in sign",
	"error", "warning", "info", "off",
	"ok", "started", "skipped", "waiting", "new",
	"findings", "Objects", "Images", "Values", "Dependencies", "line-ends", "added", "removed", "changed", "unchanged", "bumped", "unknown", "sent", "ready",
	"note: ", "  note: ", "warning: ", "error: ", "Files", "not looked at: ",
	"there", "missing", "missing-platform", "made", "none", "copied", "replaced", "to copy", "to replace", "not known", "not for all platforms",
	"the extension", "the target", "the index", "the folder", "the host", "the server", "the repository", "the field",
	"a number", "a text", "a list", "a mapping", "a string", "a device", "a whole number", "%d failed check", "%d failed checks", "the host of published pictures", ", empty",
	"%s (GET %s, %d attempts)", "%s (HEAD %s, %d attempts)", "%s (POST %s, %d attempts)", "%s (PUT %s, %d attempts)", "%s (PATCH %s, %d attempts)", "%s (DELETE %s, %d attempts)",
	"EXIT STATUS", "ENVIRONMENT", "FILES", "pushes", "tags", "schedule", "comments", "add --push", "require %s %s", "%s (GET %s)", "%s (HEAD %s)", "%s (POST %s)", "%s (PUT %s)", "%s (PATCH %s)", "%s (DELETE %s)",
	"draft", "submitted", "approved", "rejected", "active", "inactive", "unsubmitted",
}
