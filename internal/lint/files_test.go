package lint

import (
	"strings"
	"testing"
)

const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"

// A checkout without Git LFS has pointers in place of files: each is reported, once.
func TestPointersOfGitLFS(t *testing.T) {
	const is = ": it is a pointer of Git LFS, and not the file"
	testFindings(t, []findingTest{
		{name: "some file", changes: []string{"files/big.bin", pointer}, want: []string{"warning files ext/files/big.bin" + is}, hint: fetchPointers},
		{name: "a picture that nothing names", changes: []string{"static/other.png", pointer}, want: []string{"warning files ext/static/other.png" + is}},
		{name: "an older form", changes: []string{"files/big.bin", strings.Replace(pointer, "git-lfs", "hawser", 1)}, want: []string{"warning files ext/files/big.bin" + is}},
		{name: "a packaged subchart", changes: []string{"charts/redis-1.0.0.tgz", pointer}, want: []string{
			"error chart ext/charts/redis-1.0.0.tgz: Helm cannot load the chart: it is a pointer of Git LFS, and not the file"}, hint: fetchPointers},
		{name: "inside of a packaged subchart", changes: []string{"charts/redis-1.0.0.tgz", packed(t, "redis", map[string]string{
			"Chart.yaml": "apiVersion: v2\nname: redis\nversion: 1.0.0\n", "files/big.bin": pointer, "values.yaml": "{}\n"})}, want: []string{
			"warning files ext/charts/redis-1.0.0.tgz: files/big.bin in the package is a pointer of Git LFS, and not the file",
			`warning dependencies ext/extension.yaml:11:1: the subchart "redis" in charts/redis-1.0.0.tgz is not among the dependencies: Helm installs it all the same, and nothing can switch it off`}},
		{name: "a text about pointers", changes: []string{"files/a.txt", "A pointer begins with\n" + pointer}},
		{name: "a longer text", changes: []string{"files/a.txt", pointer + strings.Repeat("x", 2000)}},
	})
	if _, err := loadQuietly(t, with(goodFiles(), "extension.yaml", pointer)); err == nil || !strings.Contains(err.Error(), "it is a pointer of Git LFS, and not the file: run `git lfs pull`") {
		t.Errorf("extension.yaml: %v", err)
	}
}

// Texts in other encodings are reported, at the first byte that is none of UTF-8.
func TestTextsThatAreNotUTF8(t *testing.T) {
	wide := func(text string, mark string) string {
		var b strings.Builder
		b.WriteString(mark)
		for _, r := range text {
			b.WriteString(string([]byte{byte(r), 0}))
		}
		return b.String()
	}
	const gbk = "# \xd6\xd0\xce\xc4\n"
	const utf16 = ": it is text in UTF-16, which neither Helm nor KubeSphere shows rightly"
	testFindings(t, []findingTest{
		{name: "GBK", changes: []string{"README_zh.md", "# ok\n\n" + gbk}, want: []string{
			"warning files ext/README_zh.md:3:3: byte 0xD6 is no text in UTF-8: the file is in another encoding, such as GBK"}, hint: "save it as UTF-8, in an editor or with iconv"},
		{name: "GBK in the changelog", changes: []string{"CHANGELOG_zh.md", "## 1.0.0\n" + gbk}, want: []string{
			"warning files ext/CHANGELOG_zh.md:2:3: byte 0xD6 is no text in UTF-8: the file is in another encoding, such as GBK"}},
		{name: "UTF-16", changes: []string{"README.md", wide("# About this\n", "\xff\xfe")}, want: []string{"warning files ext/README.md" + utf16}},
		{name: "UTF-16, the other way round", changes: []string{"README.md", "\xfe\xff\x00#\x00 \x00A\x00\n"}, want: []string{"warning files ext/README.md" + utf16}},
		{name: "UTF-16 of which no byte is zero", changes: []string{"README.md", "\xff\xfe\x73\x51\x8e\x4e"}, want: []string{"warning files ext/README.md" + utf16}},
		{name: "the same, the other way round", changes: []string{"README.md", "\xfe\xff\x51\x73\x4e\x8e"}, want: []string{"warning files ext/README.md" + utf16}},
		{name: "UTF-16 without a mark", changes: []string{"README.md", wide("# About this\n", "")}, want: []string{"warning files ext/README.md" + utf16}},
		{name: "a template", changes: []string{"charts/web/templates/notes.yaml", "# \xd6\n"}, want: []string{
			"warning files ext/charts/web/templates/notes.yaml:1:3: byte 0xD6 is no text in UTF-8: the file is in another encoding, such as GBK"}},
		{name: "values of a subchart, in a comment", changes: []string{"charts/web/values.yaml", "tag: 1.27.0\n#\xd6\n"}, want: []string{
			"error chart ext/charts/web/values.yaml:2:2: Helm cannot load the chart: byte 0xD6 is not UTF-8 text",
			"warning files ext/charts/web/values.yaml:2:2: byte 0xD6 is no text in UTF-8: the file is in another encoding, such as GBK"}},
		{name: "a schema of a subchart", changes: []string{"charts/web/values.schema.json", "{\"title\": \"\xd6\"}\n"}, want: []string{
			"warning files ext/charts/web/values.schema.json:1:12: byte 0xD6 is no text in UTF-8: the file is in another encoding, such as GBK"}},
		{name: "a file of bytes", changes: []string{"files/data.bin", "\xff\xfe\x00\xd6"}},
		{name: "UTF-8 with a mark", changes: []string{"README.md", "\ufeff# 关于\n"}},
	})
}

// An extension in the folder of another one is packed into it.
func TestExtensionInAnotherOne(t *testing.T) {
	inner := "apiVersion: kubesphere.io/v1alpha1\nname: inner\nversion: 1.0.0\n"
	testFindings(t, []findingTest{
		{name: "in a folder", changes: []string{"inner/extension.yaml", inner, "inner/README.md", "x"}, want: []string{
			"warning files ext/inner/extension.yaml: another extension lies in the folder inner, and is packed into this one (2 files)"},
			hint: "move it out of this extension, or add to .helmignore at its top: inner/"},
		{name: "deeper, with one in it", changes: []string{"a/b/extension.yaml", inner, "a/b/c/extension.yaml", inner}, want: []string{
			"warning files ext/a/b/extension.yaml: another extension lies in the folder a/b, and is packed into this one (2 files)"}},
		{name: "as a subchart", changes: []string{"charts/web/extension.yaml", inner}, want: []string{
			"warning files ext/charts/web/extension.yaml: the subchart charts/web is an extension, too: it is installed as a part of this one, and its extension.yaml is read by nobody"}},
		{name: "left out", changes: []string{"inner/extension.yaml", inner, ".helmignore", "inner/\n"}},
		{name: "another file of that name", changes: []string{"files/extension.yaml", "enabled: true\n"}},
	})
}
