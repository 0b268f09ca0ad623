package git

import "testing"

// The cause is among the last lines, below it stands what git says of each failure.
func TestWhatGitSaidLast(t *testing.T) {
	for said, want := range map[string]string{
		"fatal: '/x.git' does not appear to be a git repository\nfatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.\n": "'/x.git' does not appear to be a git repository; Could not read from remote repository",
		"one\ntwo\nerror: three\nhint: four\nfatal: five\n": "two; three; five",
		"": "",
	} {
		if got := lastLines(said); got != want {
			t.Errorf("%q: %q, want %q", said, got, want)
		}
	}
}
