package generate

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
)

// tree makes the files of an extension; the key is the slash path.
type tree struct {
	text
	profile
	seed  uint64
	files map[string][]byte
	size  int
}

// files are those of an extension of about so many bytes. No extension has less than what it takes
// to be one, which is about 8 KB.
func (p profile) files(seed uint64, size int) map[string][]byte {
	t := &tree{source(seed, p.number, ofTree), p, seed, map[string][]byte{}, 0}
	t.metadata()
	t.documents(size * 12 / 100)
	t.pictures(size * 7 / 100)
	for i := range t.subcharts {
		t.chart(i, size*75/100/len(t.subcharts))
	}
	// What is still missing are API definitions, as in many real ones.
	main := t.subcharts[0].name
	for i := 0; t.size < size*95/100; i++ {
		t.put(fmt.Sprintf("charts/%s/crds/%s-%d.yaml", main, t.word(), i), t.definition(1000+i, min(size-t.size, 40_000+t.IntN(40_000))))
	}
	t.permissions()
	return t.files
}

func (t *tree) put(name, content string) {
	t.files[name] = []byte(content)
	t.size += len(content)
}

func (t *tree) metadata() {
	var b strings.Builder
	fmt.Fprintf(&b, `apiVersion: kubesphere.io/v1alpha1
name: %[1]s
version: %[2]s
displayName:
  zh: %[3]s
  en: %[4]s
description:
  zh: %[5]s
  en: %[6]s
category: %[7]s
keywords:
`, t.name, t.version(0), pick(t.text, phrases)+pick(t.text, phrases), t.title(), strings.TrimSpace(t.chinese(40)), t.description, t.category)
	for _, k := range t.keywords {
		fmt.Fprintf(&b, "  - %s\n", k)
	}
	fmt.Fprintf(&b, `home: https://lakeside.example/extensions/%[1]s
docs: https://lakeside.example/extensions/%[1]s/docs
sources:
  - https://github.com/lakeside/%[1]s
kubeVersion: ">=1.24.0-0"
ksVersion: ">=4.1.0-0"
provider:
  zh:
    name: 湖畔平台团队
    email: platform@lakeside.example
    url: https://lakeside.example/zh
  en:
    name: Lakeside Platform Team
    email: platform@lakeside.example
    url: https://lakeside.example
maintainers:
  - name: Lakeside Platform Team
    email: platform@lakeside.example
staticFileDirectory: static
icon: ./static/icon.svg
`, t.name)
	if t.shot() {
		b.WriteString("screenshots:\n  - ./static/overview.png\n")
	}
	b.WriteString("dependencies:\n")
	for _, c := range t.subcharts {
		fmt.Fprintf(&b, "  - name: %s\n", c.name)
	}
	if t.requires >= 0 {
		fmt.Fprintf(&b, "externalDependencies:\n  - name: %s\n    type: extension\n    version: \">=1.0.0\"\n    required: true\n", profileOf(t.seed, t.requires).name)
	}
	b.WriteString("images:\n")
	for _, c := range t.subcharts {
		fmt.Fprintf(&b, "  - docker.io/%s:%s\n", c.image, c.tag)
	}
	t.put("extension.yaml", b.String())

	b.Reset()
	b.WriteString("global:\n  # Set by KubeSphere: the registry that every image is pulled from.\n  imageRegistry: \"\"\n" +
		"  # Set by KubeSphere: where every pod has to run.\n  nodeSelector: {}\n")
	for _, c := range t.subcharts {
		fmt.Fprintf(&b, "\n%s:\n  replicas: %d\n", c.name, 1+t.IntN(3))
	}
	t.put("values.yaml", b.String())
}

// shot says whether there is a screenshot.
func (t *tree) shot() bool { return t.number%3 == 0 }

func (t *tree) documents(size int) {
	t.put("README.md", "# "+t.title()+"\n\n"+t.description+"\n\n"+t.sections(size*4/10))
	t.put("README_zh.md", "# "+t.title()+"\n\n"+t.chinese(size*3/10))
	var en, zh strings.Builder
	en.WriteString("# Changelog\n")
	zh.WriteString("# 变更\n")
	for i := 0; i == 0 || i < past-1 && en.Len()+zh.Len() < size*3/10; i++ {
		fmt.Fprintf(&en, "\n## %s\n\n- %s\n- %s\n", t.version(i), t.sentence(), t.sentence())
		fmt.Fprintf(&zh, "\n## %s\n\n- %s", t.version(i), t.chinese(30))
	}
	t.put("CHANGELOG.md", en.String())
	t.put("CHANGELOG_zh.md", zh.String())
	t.put(".helmignore", ".git/\n*.swp\n*.tmp\n.DS_Store\n")
}

func (t *tree) sections(size int) string {
	var b strings.Builder
	for b.Len() < size {
		fmt.Fprintf(&b, "## %s\n\n%s\n", strings.TrimSuffix(t.sentence(), "."), t.prose(400+t.IntN(1200), ""))
		if t.IntN(3) == 0 {
			fmt.Fprintf(&b, "```yaml\n%s:\n  %s: %s\n```\n\n", pick(t.text, t.subcharts).name, t.camel(), t.word())
		}
	}
	return b.String()
}

func (t *tree) pictures(size int) {
	var b strings.Builder
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" rx="14" fill="#` + t.hex(6) + `"/>`)
	for b.Len() < min(600+size/4, 12_000) {
		fmt.Fprintf(&b, `<path d="M%d.%d %d.%d`, t.IntN(64), t.IntN(100), t.IntN(64), t.IntN(100))
		for range 8 {
			fmt.Fprintf(&b, "c%d.%d %d.%d %d.%d", t.IntN(9), t.IntN(100), t.IntN(9), t.IntN(100), t.IntN(9), t.IntN(100))
		}
		b.WriteString(`z" fill="#` + t.hex(6) + `"/>`)
	}
	b.WriteString("</svg>\n")
	t.put("static/icon.svg", b.String())
	if t.shot() {
		t.put("static/overview.png", t.screenshot(size))
	}
}

// screenshot is a picture of panels, and of lines of noise, which no compressor makes smaller, to have
// about so many bytes.
func (t *tree) screenshot(size int) string {
	const width, height = 640, 400
	picture := image.NewPaletted(image.Rect(0, 0, width, height), nil)
	for range 256 {
		picture.Palette = append(picture.Palette, color.RGBA{uint8(t.IntN(256)), uint8(t.IntN(256)), uint8(t.IntN(256)), 255})
	}
	for range 12 {
		x, y, c := t.IntN(width), t.IntN(height), uint8(t.IntN(256))
		for row := y; row < min(y+80, height); row++ {
			line := picture.Pix[row*width+x : row*width+min(x+160, width)]
			for i := range line {
				line[i] = c
			}
		}
	}
	for row := range min(size/width, height) {
		for x := range width {
			picture.Pix[row*width+x] = uint8(t.IntN(256))
		}
	}
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := encoder.Encode(&b, picture); err != nil {
		panic(err) // a buffer takes all, and the picture has sides and a palette
	}
	return b.String()
}

// permissions are what installing the extension needs.
func (t *tree) permissions() {
	t.put("permissions.yaml", `kind: ClusterRole
rules:
  - apiGroups: [apiextensions.k8s.io]
    resources: [customresourcedefinitions]
    verbs: [get, list, watch, create, update, patch, delete]
---
kind: Role
rules:
  - apiGroups: [""]
    resources: [configmaps, services, serviceaccounts]
    verbs: [get, list, watch, create, update, patch, delete]
  - apiGroups: [apps]
    resources: [deployments]
    verbs: [get, list, watch, create, update, patch, delete]
`)
}
