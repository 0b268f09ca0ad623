package delivery

import (
	"strings"
	"sync"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/indexwatch"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/access"
)

// Site is a target as those reach it who bring something there at the same time: they share what
// is read of its index, and what is known of its key.
type Site struct {
	target.Place
	Access *access.Access
	Index  *indexwatch.Watcher
	ByName bool // messages call it by its name, as it is one of several
}

// NewSite makes one of a place. refused is given each refusal of its key.
func NewSite(p target.Place, refused func(error)) *Site {
	return &Site{Place: p, Access: access.New(p, refused), Index: indexwatch.New(p.Target)}
}

// Refusals keeps the first refusal of a key, by any target. Its methods may be called by several
// goroutines at once.
type Refusals struct {
	mu    sync.Mutex
	first error
}

// Note keeps an error that is a refusal of a key, or says that there is none where one is needed.
func (r *Refusals) Note(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first == nil && failure.Unauthorized(err) {
		r.first = err
	}
}

// First is the first refusal; nil where there was none.
func (r *Refusals) First() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.first
}

// Asking is what a plan reaches of the target.
func (s *Site) Asking() *Asking {
	return &Asking{Words: wordsOf(s.Place), Target: s.Access.ForPlan(), Index: s.Index, Unasked: s.Access.Closed()}
}

// Sending is what is reached of the target when a plan is applied. message is for the reviewers.
func (s *Site) Sending(message string) *Sending {
	asking := s.Asking()
	asking.Target = s.Access
	sending := &Sending{Asking: *asking, Send: s.Access, Reviews: s.Access.Reviews(), Message: message, Refused: s.Access.Refused()}
	if late, ok := s.Target.(target.Delayed); ok {
		sending.Delay = late.Delay()
	}
	return sending
}

// Complaints are what is wrong with the index as a whole, as far as it was read.
func (s *Site) Complaints() (all []string) {
	at := s.Index.Known()
	if at == nil || at.Err != nil {
		return nil
	}
	if err := at.Index.Refused(); err != nil {
		all = append(all, failure.InOneLine(err)+"; until then KubeSphere shows nothing that is new in this repository")
	}
	return append(all, at.Index.Remarks()...)
}

// Called is what messages call the target.
func (s *Site) Called() string {
	if s.ByName {
		return s.Name
	}
	return s.Noun
}

// Holds is what messages call the place where the versions of the target are.
func (s *Site) Holds() string {
	if s.Kind == target.KindMarketplace {
		return s.Shown()
	}
	return s.Noun
}

// Named is a message about the target, with its name if it goes by that.
func (s *Site) Named(message string) string {
	if s.ByName {
		return s.Name + ": " + message
	}
	return message
}

// Words are what messages call a target.
type Words struct {
	Noun  string // itself: "the marketplace"
	Shown string // where its versions are seen: "the Helm repository"
	Brief string // Shown in short: "the repository"
	Key   string // what it asks for of those who send something: "the API key"
}

// wordsOf are those of a place.
func wordsOf(p target.Place) Words {
	return Words{p.Noun, p.Shown(), strings.Replace(p.Shown(), "the Helm ", "the ", 1), p.Key()}
}
