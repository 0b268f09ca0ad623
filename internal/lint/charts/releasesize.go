package charts

import (
	"cmp"
	stdgzip "compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/dustin/go-humanize"
	"github.com/klauspost/compress/gzip"
	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// ReleaseSize is the rule release-size.
func ReleaseSize() rule.Rule {
	return rule.Rule{
		Name:    "release-size",
		Summary: "what Helm keeps of an installation fits into a Secret",
		Why: "Helm keeps each installation in a Secret: the files, templates and values of the extension itself (of its subcharts the values alone) and all that was rendered, as JSON, " +
			"compressed and in base64. Kubernetes takes 1,048,576 bytes for a Secret. What is more is refused, and nothing is installed. That is about 765 KiB of a file that cannot be " +
			"compressed, such as an archive or a picture outside of `staticFileDirectory`, and several megabytes of text. From nine tenths on it is a warning: what administrators configure is kept, too.",
		Fix: "Take large files out of the package, put pictures into `staticFileDirectory`, or move a file to the subchart that needs it.",
		Source: "Helm 3.18, https://github.com/helm/helm/blob/v3.18.1/pkg/storage/driver/util.go (`encodeRelease`) and https://github.com/helm/helm/blob/v3.18.1/pkg/release/release.go; " +
			"`MaxSecretSize` of https://github.com/kubernetes/kubernetes/blob/v1.33.0/pkg/apis/core/types.go. A file of 764 KiB was installed on a cluster of 1.33, and one of 767 KiB was not.",
		Codes: []rule.Code{
			{Name: "too-large", Meaning: "Helm cannot keep the installation, and refuses it"},
			{Name: "near-limit", Meaning: "what Helm keeps of the installation takes more than nine tenths of the limit"},
		},
		Default: rule.Error,
		Needs:   rule.Rendering,
		Run:     checkReleaseSize,
	}
}

// maxRelease is how many bytes of data a Secret may have.
const maxRelease = 1 << 20

func checkReleaseSize(pass *rule.Pass) {
	icon := pass.Ext.Metadata.Icon // the chart that lint loads has a file of it embedded
	for _, installation := range pass.Installations() {
		const mayBeNear = maxRelease * 9 / 10 / 4 * 3 // before base64
		files, texts := contentSizes(installation)
		if files += len(icon); files+texts <= mayBeNear || files+entropyOf(installation.Texts) <= mayBeNear {
			continue // even if nothing of the files can be compressed
		}
		kept := releaseOf(installation, icon)
		if kept.size(fastest) <= maxRelease*9/10 {
			continue // Helm compresses more
		}
		size := kept.size(asHelm)
		if size <= maxRelease*9/10 {
			continue
		}
		found, severity, outcome := "near-limit", pass.ByDefault(rule.Warning), "of which Helm installs nothing that has more"
		if size > maxRelease {
			found, severity, outcome = "too-large", pass.Severity(), "so that Helm installs nothing"
		}
		where := "on the host cluster"
		if installation.Tag == helmchart.TagAgent {
			where = "on the chosen clusters"
		}
		parts, largest := kept.largest()
		pass.Report(rule.Found(found), severity, rule.Finding{
			File: largest,
			Message: fmt.Sprintf("the Secret in which Helm keeps the installation %s would have %s bytes of at most %s, %s: %s",
				where, humanize.Comma(int64(size)), humanize.Comma(maxRelease), outcome, rule.Listed(parts, len(parts))),
			Hint: "take out of the package what nobody needs there; pictures belong into staticFileDirectory, and what one subchart needs into that",
		})
		return // the others have the same files
	}
}

// keptRelease is what Helm keeps of an installation (pkg/release of Helm 3.18), as far as it has
// a size worth mentioning.
type keptRelease struct {
	Name  string `json:"name"`
	Chart struct {
		Metadata  *chart.Metadata `json:"metadata"`
		Lock      *chart.Lock     `json:"lock"`
		Templates []*chart.File   `json:"templates"`
		Values    map[string]any  `json:"values"`
		Schema    []byte          `json:"schema"`
		Files     []*chart.File   `json:"files"`
	} `json:"chart"`
	Manifest string `json:"manifest"`
}

// releaseOf is what Helm keeps of an installation; hooks are in the manifest here.
func releaseOf(i helmchart.Installed, icon string) *keptRelease {
	kept := &keptRelease{Name: i.Tree.Name()}
	metadata := *i.Tree.Metadata
	metadata.Icon = icon
	kept.Chart.Metadata, kept.Chart.Lock, kept.Chart.Templates = &metadata, i.Tree.Lock, i.Tree.Templates
	kept.Chart.Values, kept.Chart.Schema, kept.Chart.Files = i.Tree.Values, i.Tree.Schema, i.Tree.Files
	size := 0
	for path, text := range i.Texts {
		size += len(path) + len(text) + len("---\n# Source: \n\n")
	}
	manifest := make([]byte, 0, size)
	for _, path := range rule.SortedKeys(i.Texts) {
		if len(i.Texts[path]) > 0 {
			manifest = fmt.Appendf(manifest, "---\n# Source: %s\n%s\n", path, i.Texts[path])
		}
	}
	kept.Manifest = string(manifest)
	return kept
}

// contentSizes are how many bytes of files, and of rendered texts, go into what Helm keeps.
func contentSizes(i helmchart.Installed) (files, texts int) {
	files = len(i.Tree.Schema)
	for _, list := range [][]*chart.File{i.Tree.Templates, i.Tree.Files} {
		for _, file := range list {
			files += len(file.Data)
		}
	}
	helmchart.Each(i.Tree, func(c *chart.Chart) {
		for _, file := range c.Raw {
			if file.Name == "values.yaml" {
				files += len(file.Data)
			}
		}
	})
	for _, text := range i.Texts {
		texts += len(text)
	}
	return files, texts
}

// entropyOf is about how many bytes texts take where each character is coded by how often it
// occurs. Compression does that, too, and leaves out repeats besides, so that it comes to less.
// This takes a hundredth of the time.
func entropyOf(texts map[string]string) int {
	var counts [256]int
	total := 0
	for _, text := range texts {
		for i := 0; i < len(text); i += everyNth {
			counts[text[i]]++
			total++
		}
	}
	bits := 0.0
	for _, n := range counts {
		if n > 0 {
			bits -= float64(n) * math.Log2(float64(n)/float64(total))
		}
	}
	return int(bits/8) * everyNth
}

// everyNth character is enough to know how often each occurs.
const everyNth = 3

// Compressors: Helm's, and one that takes a tenth of the time.
func asHelm(w io.Writer) io.WriteCloser {
	compressed, _ := stdgzip.NewWriterLevel(w, stdgzip.BestCompression) // which is a level
	return compressed
}

func fastest(w io.Writer) io.WriteCloser {
	compressed, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
	return compressed
}

// size is that of the data of the Secret.
func (k *keptRelease) size(compressor func(io.Writer) io.WriteCloser) int {
	return packedSize(k, compressor)
}

func packedSize(value any, compressor func(io.Writer) io.WriteCloser) int {
	var count counter
	compressed := compressor(&count)
	_ = json.NewEncoder(compressed).Encode(value) // all of it came out of YAML
	_ = compressed.Close()
	return base64.StdEncoding.EncodedLen(int(count))
}

// counter counts what is written to it.
type counter int

func (c *counter) Write(data []byte) (int, error) {
	*c += counter(len(data))
	return len(data), nil
}

// largest names what takes most of the Secret, and the file that takes more than all else;
// empty where there is none.
func (k *keptRelease) largest() (parts []string, file string) {
	type part struct {
		what, file string
		size       int
	}
	var all []part
	add := func(what, file string, value any, content int) {
		if content > maxRelease/100 {
			all = append(all, part{what, file, packedSize(value, asHelm)})
		}
	}
	add("what is rendered", "", k.Manifest, len(k.Manifest))
	add("the values", "", k.Chart.Values, maxRelease)
	add("the icon", "", k.Chart.Metadata.Icon, len(k.Chart.Metadata.Icon))
	for _, files := range [][]*chart.File{k.Chart.Templates, k.Chart.Files} {
		for _, f := range files {
			add(excerpt.OneLine(f.Name), f.Name, f.Data, len(f.Data))
		}
	}
	slices.SortStableFunc(all, func(a, b part) int { return cmp.Compare(b.size, a.size) })
	for _, p := range all[:min(3, len(all))] {
		if len(parts) > 0 && p.size < maxRelease/100 {
			break
		}
		parts = append(parts, fmt.Sprintf("%[1]s for %[2]s", humanize.Comma(int64(p.size)), p.what))
	}
	return parts, all[0].file
}
