package helmerror

import (
	"fmt"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// Values is why Helm cannot work out the subcharts of a chart and their values.
type Values struct {
	// Subchart is the name of a subchart whose values are no mapping; empty where the
	// fault is another one.
	Subchart string
	// Cause is in plain words.
	Cause string
}

// mistyped is how Helm says that a subchart's values are no mapping.
var mistyped = lazyregexp.New(`type mismatch on (\S+): `)

// OfValues reads the error of Chart.EnabledErr, or of merging values.
func OfValues(err error) Values {
	if m := mistyped.FindStringSubmatch(err.Error()); m != nil {
		return Values{m[1], fmt.Sprintf("the values have no mapping under %q, the name of a subchart", excerpt.OneLine(m[1]))}
	}
	return Values{"", "Helm cannot work out the subcharts and their values: " + excerpt.Sentence(PlainTypes(err.Error()))}
}
