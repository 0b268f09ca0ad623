package objects

import (
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"
	"go.yaml.in/yaml/v3"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/kubetypes"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// KubeSphereObjects is the rule kubesphere-objects.
func KubeSphereObjects() rule.Rule {
	return rule.Rule{
		Name:    "kubesphere-objects",
		Summary: "JSBundle, ReverseProxy, ExtensionEntry, APIService and other kinds of KubeSphere are as it takes them",
		Why: "KubeSphere's own kinds have definitions and webhooks, which refuse an object, and with it the installation: a " +
			"missing field or a value of a wrong type; a link of a JSBundle (`status.link`, `spec.assets.style.link`, `spec.assets.files[].link`) " +
			"that does not begin with /dist/ and the name of the extension; two JSBundles with one link, which without `status.link` is " +
			"/dist/NAME/index.js for each; two ReverseProxies with one path, or one below another that ends with `*`; an entry of an " +
			"ExtensionEntry without a name, or two entries of one name or link; two APIServices of one group and version.\n\n" +
			"Fields that the definition does not have are dropped without a word. From KubeSphere 4.2 the console has no places " +
			"`topbar` and `project` for entries any more.",
		Fix: "Write the object as in the extension development guide; let links of JSBundles begin with /dist/NAME/, with the name of extension.yaml.",
		Source: "KubeSphere 4.1.3, config/ks-core/charts/ks-crds/crds and pkg/controller/extension " +
			"(https://github.com/kubesphere/kubesphere/tree/v4.1.3/pkg/controller/extension); the parents: KubeSphere's console 4.2.",
		Codes: []rule.Code{
			{Name: "wrong-type", Meaning: "a value is of another type than the definition has"},
			{Name: "missing-field", Meaning: "a field that has to be there is missing"},
			{Name: "unknown-field", Meaning: "a field is none of the definition"},
			{Name: "link-of-another", Meaning: "a link of a JSBundle does not begin with /dist/NAME"},
			{Name: "link-twice", Meaning: "two JSBundles have one link"},
			{Name: "path-twice", Meaning: "two ReverseProxies answer one path"},
			{Name: "entry-without-name", Meaning: "an entry of an ExtensionEntry has no name"},
			{Name: "entry-twice", Meaning: "two entries have one name or link"},
			{Name: "api-twice", Meaning: "two APIServices have one group and version"},
			{Name: "gone-parent", Meaning: "an entry has a parent that KubeSphere 4.2 does not have"},
		},
		Default: rule.Error,
		Needs:   rule.Rendering,
		Run:     checkKubeSphereObjects,
	}
}

func checkKubeSphereObjects(pass *rule.Pass) {
	var found causes
	c := ksCheck{pass: pass, found: &found}
	var in *helmchart.Rendering
	for _, o := range renderedBy(pass) {
		want, ok := ksKinds[[2]string{o.APIVersion, o.Kind}]
		if !ok {
			continue
		}
		if o.In.Rendering != in { // another installation, with objects of its own
			in, c.links, c.entries, c.apis, c.proxies = o.In.Rendering, map[string]claim{}, map[string]claim{}, map[string]claim{}, nil
		}
		if !o.Again {
			types(pass, &found, o, kubetypes.Of(want))
		}
		if o.APIVersion != extensionsGroup {
			continue
		}
		switch o.Kind {
		case "JSBundle":
			c.jsBundle(o)
		case "ReverseProxy":
			c.reverseProxy(o)
		case "ExtensionEntry":
			c.extensionEntry(o)
		case "APIService":
			c.apiService(o)
		}
	}
	found.report(pass)
}

// ksCheck is what the webhooks of KubeSphere check.
type ksCheck struct {
	pass                 *rule.Pass
	found                *causes
	links, entries, apis map[string]claim
	proxies              []proxy
}

// claim is who has a link, a name or a path already.
type claim struct {
	of rendered
	at place
}

type proxy struct {
	claim
	method, path string
}

func (c *ksCheck) report(code string, o rendered, path []string, message, hint string) {
	at := o.place(path...)
	c.found.add(code+" "+at.String()+" "+message, at, func() cause {
		return cause{id: rule.Found(code, append(o.subject(), pathOf(path))...), severity: c.pass.Severity(), message: message, hint: hint}
	})
}

// claims takes something for an object, and reports where another has it.
func (c *ksCheck) claims(taken map[string]claim, code, what, value string, o rendered, path []string) {
	known, ok := taken[what+value]
	if !ok {
		taken[what+value] = claim{o, o.place(path...)}
		return
	}
	if code == "link-twice" && known.of.Name == o.Name {
		return // the webhook compares with other objects
	}
	if known.of.Name == o.Name {
		c.report(code, o, path, fmt.Sprintf("%s has the %s twice: KubeSphere refuses it, and the installation fails; the first is at %s", o, what+" "+excerpt.OneLine(value), known.at),
			"give each its own")
		return
	}
	c.report(code, o, path, fmt.Sprintf("%s and %s have one %s, %s: KubeSphere refuses the second, and the installation fails; the first is at %s", known.of, o, what, excerpt.OneLine(value), known.at),
		"give each its own")
}

func (c *ksCheck) jsBundle(o rendered) {
	name := c.pass.Ext.Metadata.Name
	if o.Hook {
		return // without kustomize, it has not the label by which KubeSphere knows the extension
	}
	prefix := "/dist/" + name
	of := func(what string, value *yaml.Node, path ...string) string {
		link := helmchart.ScalarOf(value)
		if !strings.HasPrefix(link, prefix) {
			message := fmt.Sprintf("%s of %s is %s, and has to begin with %s/: KubeSphere refuses the object, and the installation fails", pathOf(path), o, excerpt.OneLine(link), prefix)
			if link == "" {
				message = fmt.Sprintf("%s of %s is empty, and has to begin with %s/: KubeSphere refuses the object, and the installation fails", pathOf(path), o, prefix)
			}
			c.report("link-of-another", o, path, message, fmt.Sprintf("write %s/index.%s", prefix, what))
		}
		return link
	}
	if link := o.TextAt("status", "link"); link != "" {
		c.claims(c.links, "link-twice", "link", of("js", o.At("status", "link"), "status", "link"), o, []string{"status", "link"})
	} else {
		c.claims(c.links, "link-twice", "link", prefix+"/index.js", o, []string{"metadata", "name"})
	}
	if style := o.At("spec", "assets", "style"); style != nil && style.Kind == yaml.MappingNode {
		path := []string{"spec", "assets", "style", "link"}
		if link := of("css", o.At(path...), path...); link != "" {
			c.claims(c.links, "link-twice", "style", link, o, path)
		}
	}
	if files := o.At("spec", "assets", "files"); files != nil && files.Kind == yaml.SequenceNode {
		for i := range files.Content {
			path := []string{"spec", "assets", "files", fmt.Sprint(i), "link"}
			if link := of("js", o.At(path...), path...); link != "" {
				c.claims(c.links, "link-twice", "file", link, o, path)
			}
		}
	}
}

func (c *ksCheck) reverseProxy(o rendered) {
	path := []string{"spec", "matcher", "path"}
	this := proxy{claim{o, o.place(path...)}, o.TextAt("spec", "matcher", "method"), o.TextAt(path...)}
	if this.path == "" {
		return
	}
	for _, known := range c.proxies {
		if known.of.Name == o.Name || known.method != this.method && known.method != "*" && this.method != "*" {
			continue
		}
		if known.path == this.path || below(known, this) || below(this, known) {
			c.report("path-twice", o, path, fmt.Sprintf("%s has the path %s, which %s answers already with %s (%s): KubeSphere refuses one of them, and the installation or the next upgrade fails",
				o, excerpt.OneLine(this.path), known.of, excerpt.OneLine(known.path), known.at), "give each its own path, none below another that ends with *")
			break
		}
	}
	c.proxies = append(c.proxies, this)
}

// below reports whether KubeSphere finds the path of a second one below that of a first.
func below(first, second proxy) bool {
	return (first.method == second.method || first.method == "*") && strings.HasSuffix(first.path, "*") &&
		strings.HasPrefix(second.path, strings.TrimRight(first.path, "*"))
}

func (c *ksCheck) extensionEntry(o rendered) {
	entries := o.At("spec", "entries")
	if entries == nil || entries.Kind != yaml.SequenceNode {
		return
	}
	for i := range entries.Content {
		at := func(field string) []string { return []string{"spec", "entries", fmt.Sprint(i), field} }
		for _, field := range [...]string{"name", "link"} {
			value := o.At(at(field)...)
			switch {
			case value == nil && field == "link":
			case value == nil:
				c.report("entry-without-name", o, at(field), fmt.Sprintf("spec.entries[%d] of %s has no name: KubeSphere refuses the object, and the installation fails", i, o), "give it a name that no other entry has")
			case !isText(value, o.Hook):
				c.report("wrong-type", o, at(field), fmt.Sprintf("%s of %s has to be a text: KubeSphere refuses the object, and the installation fails", pathOf(at(field)), o), "put it in quotes")
			default:
				c.claims(c.entries, "entry-twice", fmt.Sprintf("%s of an entry", field), value.Value, o, at(field))
			}
		}
		parent, _, _ := strings.Cut(o.TextAt(at("parent")...), ".")
		if (parent == "topbar" || parent == "project") && !o.Again && c.admits42() {
			place := o.place(at("parent")...)
			c.found.add("parent "+place.String(), place, func() cause {
				return cause{id: rule.Found("gone-parent", append(o.subject(), parent)...), severity: c.pass.AtMost(rule.Warning),
					message: fmt.Sprintf("%s of %s is %s, which KubeSphere has not had since 4.2: the entry is not shown there", pathOf(at("parent")), o, parent),
					hint:    "choose another parent, or let ksVersion in extension.yaml leave out 4.2"}
			})
		}
	}
}

// admits42 reports whether ksVersion admits a KubeSphere 4.2 or later.
func (c *ksCheck) admits42() bool {
	constraint, err := semver.NewConstraint(c.pass.Ext.Metadata.KSVersion)
	if c.pass.Ext.Metadata.KSVersion == "" || err != nil {
		return true
	}
	for _, version := range [...]string{"4.2.0", "4.2.1", "4.3.0", "5.0.0"} {
		if constraint.Check(semver.MustParse(version)) {
			return true
		}
	}
	return false
}

func isText(node *yaml.Node, hook bool) bool {
	return node.Kind == yaml.ScalarNode && (&typed{hook: hook}).read(node).kind == text && node.ShortTag() != "!!null"
}

func (c *ksCheck) apiService(o rendered) {
	group, version := o.TextAt("spec", "group"), o.TextAt("spec", "version")
	if group != "" || version != "" {
		c.claims(c.apis, "api-twice", "group and version", group+"/"+version, o, []string{"spec", "group"})
	}
}
