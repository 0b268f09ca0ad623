package objects

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/rbac"
)

// Kustomize is the rule kustomize.
func Kustomize() rule.Rule {
	return rule.Rule{
		Name:    "kustomize",
		Summary: "what the chart renders passes the `kustomize build` of KubeSphere's installation, and each object is there once",
		Why: "KubeSphere installs with Helm, and puts all that is rendered, but for hooks, through `kustomize build` on the " +
			"way. That refuses what `helm install` takes: a key twice in a mapping, a key that is a number or a truth value, two " +
			"objects of one kind, namespace and name. Helm itself ends at objects without a name of their own (`generateName`), " +
			"and where one object is rendered with the namespace of the release and once more without. One such object in one " +
			"subchart, and the extension cannot be installed.\n\n" +
			"Of a date without quotes (`2024-01-01`) kustomize makes another text (`2024-01-01T00:00:00Z`), but among the annotations " +
			"of the object itself. As a label that is refused; anywhere else it is installed without a word.\n\n" +
			"Each installation is looked at by itself: what goes to the host cluster, and what goes to the chosen ones. Where both " +
			"bring one object, the host cluster cannot be chosen: there Helm finds it in another release.",
		Fix: "Take out one of the two keys or objects; quote keys that read as something else than text, and dates; give each object a name " +
			"of its own, such as `{{ .Release.Name }}-web`.",
		Source: "KubeSphere 4.1.3, staging/src/kubesphere.io/utils/helm/executor.go " +
			"(https://github.com/kubesphere/kubesphere/blob/v4.1.3/staging/src/kubesphere.io/utils/helm/executor.go), whose image has " +
			"kustomize 5.1.0 (api/resmap, api/resource: https://github.com/kubernetes-sigs/kustomize/tree/kustomize/v5.1.0) and Helm 3.12.1.",
		Codes: []rule.Code{
			{Name: "repeated-key", Meaning: "a mapping of an object has a key twice"},
			{Name: "repeated-merge", Meaning: "a mapping of an object has << twice"},
			{Name: "key-not-text", Meaning: "a key in an object is a number, a truth value, a date or null"},
			{Name: "date", Meaning: "a date without quotes becomes another text on the way"},
			{Name: "object-twice", Meaning: "one object is rendered twice"},
			{Name: "object-on-host-and-agent", Meaning: "the host cluster and the chosen ones get one object, by two releases"},
			{Name: "definition-twice", Meaning: "a CustomResourceDefinition is rendered, and in a folder crds/"},
			{Name: "no-name", Meaning: "an object has no name of its own"},
			{Name: "local-config", Meaning: "an annotation lets kustomize leave an object out"},
		},
		Default: rule.Error,
		Needs:   rule.Rendering,
		Run:     checkKustomize,
	}
}

func checkKustomize(pass *rule.Pass) {
	all := renderedBy(pass)
	var found causes
	documents := helmchart.TextSet{}
	for _, o := range all {
		if o.Again {
			continue
		}
		if !o.Hook && documents.Add(o.Object) {
			keys(pass, &found, o)
			dates(pass, &found, o)
		}
		named(pass, &found, o)
		localConfig(pass, &found, o)
	}
	twice(pass, &found, all)
	found.report(pass)
}

// keys reports what kustomize says of the keys of a document.
func keys(pass *rule.Pass, found *causes, o rendered) {
	if !o.MayHaveOddKeys() {
		return
	}
	document := o.Document()
	w := keyWalk(func(path []string, key *yaml.Node, is oddity) {
		at := o.placeOfLine(key.Line)
		above, name := pathOf(path), excerpt.OneLine(key.Value)
		what := o.String()
		found.add(fmt.Sprintf("key %d %s %s", is, lastOf(path), key.Value), at, func() cause {
			switch is {
			case mergedTwice:
				message := fmt.Sprintf("%s has the merge key << twice: kustomize, through which KubeSphere installs, refuses it", what)
				if above != "" {
					message = fmt.Sprintf("%s has the merge key << twice in %s: kustomize, through which KubeSphere installs, refuses it", what, above)
				}
				return cause{id: rule.Found("repeated-merge", o.subject()...), severity: pass.Severity(),
					message: message,
					hint:    "write one, with what counts most in front: <<: [*first, *last]"}
			case notText:
				message := fmt.Sprintf("the key %s of %s is not text: kustomize, through which KubeSphere installs, refuses it", name, what)
				if above != "" {
					message = fmt.Sprintf("the key %s in %s of %s is not text: kustomize, through which KubeSphere installs, refuses it", name, above, what)
				}
				return cause{id: rule.Found("key-not-text", append(o.subject(), pathOf(append(path, key.Value)))...), severity: pass.Severity(),
					message: message,
					hint:    fmt.Sprintf("put it in quotes: %q: …", key.Value)}
			}
			message := fmt.Sprintf("%s has the key %s twice: kustomize, through which KubeSphere installs, refuses it", what, name)
			if above != "" {
				message = fmt.Sprintf("%s has the key %s twice in %s: kustomize, through which KubeSphere installs, refuses it", what, name, above)
			}
			return cause{id: rule.Found("repeated-key", append(o.subject(), pathOf(append(path, key.Value)))...), severity: pass.Severity(),
				message: message,
				hint:    "leave one of the two; where a named template brings labels, do not write them again"}
		})
	})
	w.node(document, nil)
}

func lastOf(path []string) string {
	if len(path) == 0 {
		return ""
	}
	return path[len(path)-1]
}

type oddity int

const (
	givenTwice oddity = iota
	mergedTwice
	notText
)

// keyWalk is called for the keys that the decoder of kustomize (yaml.v3, decode.go:
// mapping, merge) refuses. The path is that of the mapping.
type keyWalk func(path []string, key *yaml.Node, is oddity)

func (w keyWalk) node(node *yaml.Node, path []string) {
	switch node.Kind {
	case yaml.DocumentNode:
		for _, child := range node.Content {
			w.node(child, path)
		}
	case yaml.SequenceNode:
		for i, child := range node.Content {
			w.node(child, append(path, strconv.Itoa(i)))
		}
	case yaml.MappingNode:
		w.mapping(node, path)
	}
	// What an alias leads to is visited where it stands.
}

func (w keyWalk) mapping(node *yaml.Node, path []string) {
	const few = 16
	var known map[string]bool
	if len(node.Content) > 2*few {
		known = make(map[string]bool, len(node.Content)/2)
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		if key.Kind == yaml.ScalarNode {
			twice := false
			if known != nil {
				twice = known[key.Value]
				known[key.Value] = true
			} else {
				for n := 0; n < i && !twice; n += 2 {
					twice = node.Content[n].Kind == yaml.ScalarNode && node.Content[n].Value == key.Value
				}
			}
			switch tag := key.ShortTag(); {
			case twice && tag == "!!merge":
				w(path, key, mergedTwice)
			case twice:
				w(path, key, givenTwice)
			case tag != "!!str" && tag != "!!merge":
				w(path, key, notText)
			}
		}
		w.node(node.Content[i+1], append(path, key.Value))
	}
}

// named reports an object without a name of its own.
func named(pass *rule.Pass, found *causes, o rendered) {
	if o.Name != "" || strings.HasSuffix(o.Kind, "List") {
		return
	}
	field, message, hint := "name", fmt.Sprintf("%s has no name: it cannot be installed", o.Kind), "give it a name under metadata"
	if o.Generated {
		field = "generateName"
		message = fmt.Sprintf("%s has generateName and no name: neither kustomize nor Helm, with which KubeSphere installs, takes that", o.Kind)
		if o.Hook {
			message = fmt.Sprintf("the hook %s has generateName and no name: Helm, with which KubeSphere installs, does not take that", o.Kind)
		}
		hint = "give it a name of its own, such as {{ .Release.Name }}-" + strings.ToLower(o.Kind)
		if o.Hook {
			hint += "; Helm deletes the one of the last time before it makes it again"
		}
	}
	at := o.place("metadata", field)
	found.add(fmt.Sprintf("no-name %s %d", o.Template, at.line), at, func() cause {
		return cause{id: rule.Found("no-name", o.Kind), severity: pass.Severity(), message: message, hint: hint}
	})
}

const localConfigAnnotation = "config.kubernetes.io/local-config"

// localConfig reports an object that kustomize leaves out.
func localConfig(pass *rule.Pass, found *causes, o rendered) {
	if o.Hook || !strings.Contains(o.Text(), localConfigAnnotation) {
		return
	}
	value := o.At("metadata", "annotations", localConfigAnnotation)
	if value == nil || value.Value == "false" {
		return
	}
	found.add("local-config "+o.Kind+" "+o.Name, o.place("metadata", "annotations", localConfigAnnotation), func() cause {
		return cause{id: rule.Found("local-config", o.subject()...), severity: pass.AtMost(rule.Warning),
			message: fmt.Sprintf("%s is not installed: kustomize, through which KubeSphere installs, leaves out what has the annotation %s", o, localConfigAnnotation),
			hint:    "take out the annotation, or the object"}
	})
}

// identity is what an object is known by.
type identity struct{ group, version, kind, namespace, name string }

// forKustomize is what kustomize knows an object by (kyaml/resid): no namespace and
// "default" are one.
func (o rendered) forKustomize() identity {
	group, version := groupVersion(o.APIVersion)
	id := identity{group, version, o.Kind, o.Namespace, o.Name}
	if id.namespace == "" {
		id.namespace = "default"
	}
	if isOfCluster(group, o.Kind) {
		id.namespace = ""
	}
	return id
}

// forCluster is what a cluster knows an object by, in whatever version it is written.
func (o rendered) forCluster() identity {
	group, _ := groupVersion(o.APIVersion)
	id := identity{group, "", o.Kind, o.Namespace, o.Name}
	if id.namespace == "" {
		id.namespace = o.In.Namespace
	}
	if isOfCluster(group, o.Kind) {
		id.namespace = ""
	}
	return id
}

func groupVersion(apiVersion string) (group, version string) {
	if group, version, ok := strings.Cut(apiVersion, "/"); ok {
		return group, version
	}
	return "", apiVersion
}

func isOfCluster(group, kind string) bool {
	resource, ok := rbac.ByKind(group, kind)
	return ok && resource.Cluster
}

// twice reports what is rendered twice: in one installation, in two on one cluster, and
// rendered and in crds/. Charts that look up what a cluster has may leave out what is
// there.
func twice(pass *rule.Pass, found *causes, all []rendered) {
	onHost := map[identity]rendered{}
	reported := map[identity]bool{}
	for len(all) > 0 {
		one := all
		if end := slices.IndexFunc(all, func(o rendered) bool { return o.In.Rendering != all[0].In.Rendering }); end > 0 {
			one = all[:end]
		}
		all = all[len(one):]
		in := one[0].In
		definitions := map[string]helmchart.Object{}
		for _, crd := range in.CRDs() {
			definitions[crd.Name] = crd
		}
		byKustomize, byCluster := map[identity]rendered{}, map[identity]rendered{}
		for _, o := range one {
			if o.Hook || o.Name == "" {
				continue
			}
			if crd, ok := definitions[o.Name]; ok && o.Kind == "CustomResourceDefinition" && !in.LooksUp() {
				definitionTwice(pass, found, o, crd)
			}
			id := o.forCluster()
			first, ok := byCluster[id]
			if !ok {
				first, ok = byKustomize[o.forKustomize()]
			}
			switch {
			case ok:
				reported[id] = true
				objectTwice(pass, found, first, o)
				continue
			case in.Tag == helmchart.TagExtension:
				onHost[id] = o
			case !reported[id] && goesToHost(pass, in) && !in.LooksUp():
				if first, ok := onHost[id]; ok && !first.In.LooksUp() {
					onHostAndAgent(pass, found, first, o)
				}
			}
			byCluster[id], byKustomize[o.forKustomize()] = o, o
		}
	}
}

// goesToHost reports whether an installation on the chosen clusters is that on the host
// cluster, which may be among them; it is the same as on others where no chart asks.
func goesToHost(pass *rule.Pass, in helmchart.Installed) bool {
	return in.Role == helmchart.Host || !slices.ContainsFunc(pass.Installations(), func(other helmchart.Installed) bool {
		return other.Tag == in.Tag && other.Role == helmchart.Host
	})
}

// objectTwice reports two objects of one installation. What two templates have twice is
// one finding: mostly they are one chart, or one file, that is there twice.
func objectTwice(pass *rule.Pass, found *causes, first, second rendered) {
	a, b := first.place("metadata", "name"), second.place("metadata", "name")
	key := "twice " + first.Template + " " + second.Template
	if first.Template == second.Template {
		key += " " + second.Kind + " " + second.Name
	}
	found.add(key, b, func() cause {
		message := fmt.Sprintf("%s is rendered a second time; the first is at %s. KubeSphere's installation ends there", second, a)
		hint := "give the two different names, or leave out one"
		if first.Namespace != second.Namespace && !isOfCluster(second.forCluster().group, second.Kind) {
			if first.forCluster() == second.forCluster() {
				message = fmt.Sprintf("%s is rendered a second time, once with and once without the namespace of the release; the first is at %s. KubeSphere's installation ends there", second, a)
			} else {
				message += ": for kustomize the namespace default is the same as none"
			}
		}
		return cause{id: rule.Found("object-twice", second.subject()...), severity: pass.Severity(), message: message, hint: hint}
	})
}

func onHostAndAgent(pass *rule.Pass, found *causes, first, second rendered) {
	at := second.place("metadata", "name")
	key := "host " + first.Template + " " + second.Template
	found.add(key, at, func() cause {
		return cause{id: rule.Found("object-on-host-and-agent", second.subject()...), severity: pass.AtMost(rule.Warning),
			message: fmt.Sprintf("%s is part of the installation on the host cluster (%s) and of that on the chosen clusters: where the host cluster is chosen, the second of the two fails", second, first.place("metadata", "name")),
			hint:    "put {{ .Release.Name }} into the name, which is another one in each of the two, or leave the object to one of them"}
	})
}

func definitionTwice(pass *rule.Pass, found *causes, o rendered, crd helmchart.Object) {
	at := o.place("metadata", "name")
	file, _ := o.In.ObjectPlace(crd)
	found.add("definition "+o.Template+" "+crd.Template, at, func() cause {
		return cause{id: rule.Found("definition-twice", o.subject()...), severity: pass.Severity(),
			message: fmt.Sprintf("%s is rendered, and stands in %s, too: Helm installs that first, and then refuses to install what is there already", o, place{Source: file}),
			hint:    "leave it in one of the two; from crds/ Helm only installs it, a template also upgrades and removes it"}
	})
}
