package lint

import "github.com/ksrelease/ksrelease/internal/excerpt"

// oneLine puts text of foreign origin into a message.
func oneLine(text string) string { return excerpt.OneLine(text) }

// oneSentence puts an error that quotes text of foreign origin into a message.
func oneSentence(text string) string { return excerpt.Sentence(text) }
