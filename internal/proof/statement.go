package proof

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/ksrelease/ksrelease/internal/published"
)

// The types of what is stated: in-toto Attestation Framework, Statement layer, v1
// (https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md), with the predicate of
// SLSA v1.0 (https://slsa.dev/spec/v1.0/provenance).
const (
	statementType = "https://in-toto.io/Statement/v1"
	predicateType = "https://slsa.dev/provenance/v1"
	// BuildType says what the parameters of a statement mean: docs/proofs.md.
	BuildType = "https://github.com/ksrelease/ksrelease/blob/main/docs/proofs.md#build-type-v1"
	// StatementMediaType is that of a statement in an envelope.
	StatementMediaType = "application/vnd.in-toto+json"
	// BuilderID is who built.
	BuilderID = "https://github.com/ksrelease/ksrelease"
)

// Statement is what a proof states of a package: of what it was made, and that this gives its
// very bytes.
type Statement struct {
	Type          string       `json:"_type"`
	Subject       []Descriptor `json:"subject"`
	PredicateType string       `json:"predicateType"`
	Predicate     Predicate    `json:"predicate"`
}

// Descriptor is a thing with its digests, by algorithm, in hex digits.
type Descriptor struct {
	URI    string            `json:"uri,omitempty"`
	Name   string            `json:"name,omitempty"`
	Digest map[string]string `json:"digest"`
}

// Predicate is the provenance of SLSA v1.0, in the parts that are known for certain. What differs
// from one proof to the next of the same package, as times, is not stated.
type Predicate struct {
	BuildDefinition struct {
		BuildType            string             `json:"buildType"`
		ExternalParameters   ExternalParameters `json:"externalParameters"`
		ResolvedDependencies []Descriptor       `json:"resolvedDependencies"`
	} `json:"buildDefinition"`
	RunDetails struct {
		Builder struct {
			ID      string            `json:"id"`
			Version map[string]string `json:"version,omitempty"`
		} `json:"builder"`
	} `json:"runDetails"`
}

// ExternalParameters are what the build was given.
type ExternalParameters struct {
	Repository string `json:"repository,omitempty"`
	Revision   string `json:"revision"`
	Path       string `json:"path"`
	Name       string `json:"name"`
	Version    string `json:"version"`
}

// State is the statement of a version that was reproduced. repository is the address from which
// the commit can be fetched, empty where there is none; version is that of ksrelease.
func (r Result) State(repository, version string) (*Statement, error) {
	if r.Verdict != Reproduced {
		return nil, errors.New("only what was reproduced to the byte can be stated")
	}
	s := &Statement{
		Type: statementType, PredicateType: predicateType,
		Subject: []Descriptor{{Name: r.Name + "-" + r.Version + ".tgz", Digest: digest(r.Digest)}},
	}
	build := &s.Predicate.BuildDefinition
	build.BuildType = BuildType
	build.ExternalParameters = ExternalParameters{Repository: repository, Revision: r.Revision, Path: r.Path, Name: r.Name, Version: r.Version}
	source := Descriptor{Digest: map[string]string{"gitCommit": r.Revision}}
	if repository != "" {
		source.URI = "git+" + repository + "@" + r.Revision
	}
	build.ResolvedDependencies = []Descriptor{source}
	for _, chart := range r.charts {
		build.ResolvedDependencies = append(build.ResolvedDependencies, Descriptor{
			Name: fmt.Sprintf("charts/%s-%s.tgz", chart.Name, chart.Version), Digest: map[string]string{"sha256": published.Digest(chart.Data)},
		})
	}
	s.Predicate.RunDetails.Builder.ID = BuilderID
	s.Predicate.RunDetails.Builder.Version = map[string]string{"ksrelease": version}
	return s, nil
}

// digest is a SHA-256 as a statement has it.
func digest(text string) map[string]string {
	return map[string]string{"sha256": strings.TrimPrefix(text, "sha256:")}
}

// Line is the statement as one line of JSON.
func (s *Statement) Line() ([]byte, error) {
	line, err := json.Marshal(s)
	return append(line, '\n'), err
}
