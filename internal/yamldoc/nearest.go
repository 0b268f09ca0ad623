package yamldoc

import (
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

// Nearest finds the candidate that was probably meant by word, for a "did you
// mean". It compares without regard to case, "-" and "_", and gives up where
// more than a third of the letters would have to change, because a wrong guess
// is worse than none; but the beginning of a candidate is enough (warn for
// warning). Of equally near candidates the first wins.
func Nearest(word string, candidates []string) (string, bool) {
	plain := plainWord(word)
	if plain == "" {
		return "", false
	}
	best, bestDistance := "", -1
	for _, candidate := range candidates {
		distance := levenshtein.ComputeDistance(plain, plainWord(candidate))
		if swapped(plain, plainWord(candidate)) {
			distance = 1
		}
		if bestDistance < 0 || distance < bestDistance {
			best, bestDistance = candidate, distance
		}
	}
	if bestDistance < 0 {
		return "", false
	}
	letters := max(utf8.RuneCountInString(plain), utf8.RuneCountInString(plainWord(best)))
	if bestDistance == 0 || bestDistance <= max(letters/3, 1) && bestDistance < letters-1 {
		return best, true
	}
	return beginning(plain, candidates)
}

// swapped reports whether there are two neighbouring letters in the wrong order, which is one mistake
// of a typist, not two.
func swapped(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}

// beginning finds the only candidate that starts with a word of at least three
// letters, or that the word starts with.
func beginning(plain string, candidates []string) (string, bool) {
	var found []string
	for _, candidate := range candidates {
		short, long := plain, plainWord(candidate)
		if len(short) > len(long) {
			short, long = long, short
		}
		if utf8.RuneCountInString(short) >= 3 && strings.HasPrefix(long, short) {
			found = append(found, candidate)
		}
	}
	if len(found) != 1 {
		return "", false
	}
	return found[0], true
}

func plainWord(word string) string {
	return strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(word))
}
