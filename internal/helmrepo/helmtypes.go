package helmrepo

import (
	"time"

	"helm.sh/helm/v3/pkg/chart"
)

// indexFile and chartVersion have the fields of the types of those names in
// helm.sh/helm/v3/pkg/repo v3.22, with which Helm and KubeSphere decode an index. They are
// written down once more because that package brings in Helm's client of clusters, with 8 MB
// of code. TestTypesAreThoseOfHelm compares them field by field.
type (
	// indexFile is an index.
	indexFile struct {
		ServerInfo  map[string]any             `json:"serverInfo,omitempty"`
		APIVersion  string                     `json:"apiVersion"`
		Generated   time.Time                  `json:"generated"`
		Entries     map[string][]*chartVersion `json:"entries"`
		PublicKeys  []string                   `json:"publicKeys,omitempty"`
		Annotations map[string]string          `json:"annotations,omitempty"`
	}

	// chartVersion is an entry of an index. Fields that Helm calls deprecated are here
	// because a strict decoder refuses an entry with a field that is not.
	chartVersion struct {
		*chart.Metadata
		URLs                    []string  `json:"urls"`
		Created                 time.Time `json:"created,omitempty"`
		Removed                 bool      `json:"removed,omitempty"`
		Digest                  string    `json:"digest,omitempty"`
		ChecksumDeprecated      string    `json:"checksum,omitempty"`
		EngineDeprecated        string    `json:"engine,omitempty"`
		TillerVersionDeprecated string    `json:"tillerVersion,omitempty"`
		URLDeprecated           string    `json:"url,omitempty"`
	}
)
