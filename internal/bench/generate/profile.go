package generate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
)

var (
	topics = strings.Fields("log metric trace event alert cert secret backup volume image ingress gateway mesh queue stream " +
		"cache search graph vector model notebook job build deploy audit policy quota cost node device edge network dns proxy user portal")
	roles = strings.Fields("hub center board agent operator manager gateway store watcher router exporter collector keeper " +
		"planner studio console engine relay vault lens pilot guard bridge sync")
	categories = strings.Fields("ai-machine-learning computing database dev-tools integration-delivery networking observability " +
		"security storage streaming-messaging")
	components = strings.Fields("server controller agent worker web api scheduler webhook gateway exporter proxy cache queue " +
		"indexer syncer reporter auditor notifier")
)

// past is how many versions an extension can have.
const past = 400

// profile is what is known of an extension before its files are written: all that an index or
// another extension says of it. It depends on seed and number alone.
type profile struct {
	number      int
	name        string
	ordinal     int // of its present version
	category    string
	description string
	keywords    []string
	subcharts   []subchart
	requires    int // the number of an extension that it requires; -1 for none
	spread      float64
}

// subchart is a chart of the extension.
type subchart struct {
	name, image, tag string
}

// source gives the numbers for one thing of one extension. The stream keeps those of an index
// apart from those of a tree, so that either can change alone.
func source(seed uint64, number, stream int) text {
	return text{rand.New(rand.NewPCG(seed, uint64(number)<<8|uint64(stream)))}
}

const (
	ofProfile = iota
	ofTree
	ofIndex
)

func profileOf(seed uint64, number int) profile {
	t := source(seed, number, ofProfile)
	p := profile{
		number: number, requires: -1,
		name:        fmt.Sprintf("%s-%s-%d", pick(t, topics), pick(t, roles), number),
		ordinal:     past + t.IntN(2*past),
		category:    pick(t, categories),
		description: t.sentence(),
	}
	for range 2 + t.IntN(3) {
		p.keywords = append(p.keywords, pick(t, topics))
	}
	first := t.IntN(len(components))
	for i := range 1 + t.IntN(3) {
		name := components[(first+5*i)%len(components)]
		p.subcharts = append(p.subcharts, subchart{
			name: name, image: pick(t, topics) + "/" + name,
			tag: fmt.Sprintf("v%d.%d.%d", t.IntN(4), t.IntN(30), t.IntN(12)),
		})
	}
	// As public extensions are spread: most are smaller than the mean, some ten times as large.
	const sigma = 0.9
	p.spread = math.Exp(sigma*t.NormFloat64() - sigma*sigma/2)
	if number > 0 && t.IntN(10) == 0 {
		p.requires = t.IntN(number)
	}
	return p
}

// version is the present one, or one so many before.
func (p profile) version(before int) string {
	n := p.ordinal - before
	return fmt.Sprintf("%d.%d.%d", n/past, n/20%20, n%20)
}

// title is the name for people.
func (p profile) title() string {
	parts := strings.Split(p.name, "-")
	for i, part := range parts {
		parts[i] = strings.ToUpper(part[:1]) + part[1:]
	}
	return strings.Join(parts, " ")
}
