package language

import (
	"slices"
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	tests := []struct {
		env  map[string]string
		want Language
	}{
		{nil, English},
		{map[string]string{"LANG": "zh_CN.UTF-8"}, Chinese},
		{map[string]string{"LANG": "zh_CN.utf8"}, Chinese},
		{map[string]string{"LANG": "zh_CN"}, Chinese},
		{map[string]string{"LANG": "zh_CN.GB18030"}, English}, // which a terminal of that charset can show
		{map[string]string{"LANG": "zh_TW.UTF-8"}, Chinese},
		{map[string]string{"LANG": "en_US.UTF-8"}, English},
		{map[string]string{"LANG": "de_DE.UTF-8"}, English},
		{map[string]string{"LANG": "C.UTF-8"}, English},
		{map[string]string{"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, English},
		{map[string]string{"LANG": "zh_CN.UTF-8", "LC_ALL": ""}, Chinese},
		{map[string]string{"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8"}, Chinese},
		{map[string]string{"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8", "LC_ALL": "en_GB.UTF-8"}, English},
		{map[string]string{"LANG": "de_DE.UTF-8", "LANGUAGE": "de:zh_CN:en"}, Chinese},
		{map[string]string{"LANG": "zh_CN.UTF-8", "LANGUAGE": "en_US:zh"}, English},
		{map[string]string{"LANG": "C", "LANGUAGE": "zh_CN"}, English}, // as GNU gettext has it
		{map[string]string{"LANG": "zh_CN.UTF-8", Variable: "en"}, English},
		{map[string]string{"LANG": "C", Variable: "zh"}, Chinese},
		{map[string]string{Variable: "zh-CN"}, Chinese},
		{map[string]string{Variable: "zh_Hans"}, Chinese},
		{map[string]string{Variable: "zh_CN.UTF-8"}, Chinese},
		{map[string]string{Variable: "  ", "LANG": "zh_CN.UTF-8"}, Chinese},
		{map[string]string{"LANG": "\x1b[31m"}, English},
		{map[string]string{"LANG": strings.Repeat("zh-", 1000)}, English},
	}
	for _, test := range tests {
		got, err := Choose(func(name string) (string, bool) { v, ok := test.env[name]; return v, ok })
		if got != test.want || err != nil {
			t.Errorf("%v: %s, %v; want %s", test.env, got, err, test.want)
		}
	}
	for _, unknown := range []string{"fr", "chinese", "1", "zz-ZZ-"} {
		got, err := Choose(func(name string) (string, bool) { return unknown, name == Variable })
		if got != English || err == nil || !strings.Contains(err.Error(), unknown) {
			t.Errorf("%s: %s, %v; want an error that names it", unknown, got, err)
		}
	}
}

// small is a catalog of a few messages.
var small = newCatalog([]pair{
	{"reading %s: %w", "读取 %s：%w"},
	{"the image %s is not in its registry %s", "镜像仓库 %[2]s 中没有镜像 %[1]s"},
	{"no such file or directory", "没有该文件或目录"},
	{"a private key (%s)", "私钥 (%s)"},
	{"%s stands here", "此处有%s"},
	{"remove %s: %w", "删除 %s: %w"},
	{"%d finding", "%d 个问题"},
	{"%d findings", "%d 个问题"},
	{"%s of %s were looked at", "已查看 %[2]s 中的 %[1]s"},
	{"there is no target %q", "没有发布目标 %q"},
	{"released", "已发布"},
	{"leads out of the extension", "不在扩展组件中"},
	{"url of %s", "%s的 url"},
	{"the provider", "服务商"},
	{"; the same at %s", "；相同问题还出现在 %s"},
	{"%s of %s", "%[2]s 的 %[1]s"},
	{" and %d other extensions", "，以及另外 %d 个扩展组件"},
	{"more than 90 %% of the limit", "超过上限的 90 %%"},
	{"write them to ${baseline}, please", "将其写入 ${baseline}"},
	{"the hook %q failed: %w", "钩子 %q 失败：%w"},
})

func TestTextOfAMessage(t *testing.T) {
	tests := []struct{ name, message, want string }{
		{"values in another order", "the image a/b:1 is not in its registry r.example", "镜像仓库 r.example 中没有镜像 a/b:1"},
		{"an error in an error", "reading a.yaml: open a.yaml: no such file or directory", "读取 a.yaml：open a.yaml: 没有该文件或目录"},
		{"a count in a message", "3 findings of 1 finding were looked at", "已查看 1 个问题中的 3 个问题"},
		{"a quoted value stays, whatever it says", `there is no target "no such file or directory"`, `没有发布目标 "no such file or directory"`},
		{"a quoted value with a quote", `there is no target "a\"b"`, `没有发布目标 "a\"b"`},
		{"one word may be a name", "released", "released"},
		{"few words may be a name", "Table of contents", "Table of contents"},
		{"text of others", "Makes tables of all kinds", "Makes tables of all kinds"},
		{"a part behind a list", "reading bee, cat and 2 other extensions: x", "读取 bee, cat，以及另外 2 个扩展组件：x"},
		{"a list of counts and messages", "2 findings, x y, 1 finding", "2 个问题, x y, 1 个问题"},
		{"the code of a finding", "the image a is not in its registry b (image-exists/missing)", "镜像仓库 b 中没有镜像 a (image-exists/missing)"},
		{"a code behind a bracket", "a private key (RSA) stands here (secrets/private-key)", "此处有私钥 (RSA) (secrets/private-key)"},
		{"a message that begins like one of a library", "remove it and go: who has it; no such file or directory", "remove it and go: who has it; 没有该文件或目录"},
		{"a percentage", "more than 90 % of the limit", "超过上限的 90 %"},
		{"a variable", "write them to .ksrelease-baseline.yaml, please", "将其写入 .ksrelease-baseline.yaml"},
		{"two messages", "the hook \"a\" failed: x y; no such file or directory", "钩子 \"a\" 失败：x y; 没有该文件或目录"},
		{"what is said of something", `icon "a.png" leads out of the extension`, `icon "a.png" 不在扩展组件中`},
		{"what is said of what is translated", `url of the provider "https://a" leads out of the extension`, `服务商的 url "https://a" 不在扩展组件中`},
		{"a remark", "reading a: x (no such file or directory)", "读取 a：x（没有该文件或目录）"},
		{"of several ways the one that leaves no English", "the hook \"a\" failed: 1 finding of 3 findings were looked at; the same at b.yaml:1", "钩子 \"a\" 失败：已查看 3 个问题中的 1 个问题；相同问题还出现在 b.yaml:1"},
		{"no blank within Chinese", "reading no such file or directory: x", "读取没有该文件或目录：x"},
		{"the code of a finding behind a message with parentheses", "the image a (b/c) is not in its registry r (x/y)", "镜像仓库 r 中没有镜像 a (b/c) (x/y)"},
		{"lines", "no such file or directory\n  at home", "没有该文件或目录\n  at home"},
		{"verbs of a stranger", "reading %s%d%!: x%[9]s y", "读取 %s%d%!：x%[9]s y"},
		{"nothing", "", ""},
		{"too long to be one of ours", "reading " + strings.Repeat("a ", 10_000) + ": x", "reading " + strings.Repeat("a ", 10_000) + ": x"},
	}
	for _, test := range tests {
		if got := small.text(test.message); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// TestListed: what stands in parentheses is no list of its own.
func TestListed(t *testing.T) {
	if got := listed("a (b, c), d (e), "); !slices.Equal(got, []string{"a (b, c)", "d (e)", ""}) {
		t.Errorf("%q", got)
	}
}

func TestHintsMayBeShort(t *testing.T) {
	for message, want := range map[string]string{"apples of Greta": "Greta 的 apples", "apples of all the others": "apples of all the others", "released": "released"} {
		if got := small.hint(message); got != want {
			t.Errorf("%q: %q, want %q", message, got, want)
		}
	}
}

// FuzzText: what strangers write may look like messages, and is bounded in time and depth.
func FuzzText(f *testing.F) {
	f.Add("reading reading : : ; no such file or directory\n")
	f.Add("%s of %s of %s of  and 3 other extensions and 3 other extensions")
	f.Fuzz(func(t *testing.T, message string) {
		if got := small.text(message); got == "" && message != "" {
			t.Errorf("%q is gone", message)
		}
	})
}

func TestEnglishCostsNothing(t *testing.T) {
	Use(English)
	if got := testing.AllocsPerRun(100, func() { _, _ = Text("reading a: b"), Format("reading %s: %w") }); got != 0 {
		t.Errorf("%v allocations", got)
	}
}
