package imageref

import (
	"testing"
)

const digestA = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
const digestB = "sha256:1111111111111111111111111111111111111111111111111111111111111111"

func TestSameImage(t *testing.T) {
	tests := []struct {
		a, b string
		same bool
	}{
		{"redis", "docker.io/library/redis:latest", true},
		{"index.docker.io/library/redis", "redis", true},
		{"nginx:1.1", "nginx:1.10", false},
		{"nginx:1.1", "quay.io/library/nginx:1.1", false},
		{"localhost/x:1", "x:1", false},
		{"localhost:5000/x:1", "localhost:5000/x:1", true},
		{"x:1@" + digestA, "x:1", true},
		{"x:1@" + digestA, "x:2@" + digestA, true},
		{"x:1@" + digestA, "x:1@" + digestB, false},
		{"x@" + digestA, "x", false},
		{"x@" + digestA, "x@" + digestA, true},
	}
	for _, test := range tests {
		a, errA := Parse(test.a)
		b, errB := Parse(test.b)
		if errA != nil || errB != nil {
			t.Errorf("%s, %s: %v, %v", test.a, test.b, errA, errB)
			continue
		}
		if a.Same(b) != test.same || b.Same(a) != test.same {
			t.Errorf("%s and %s: same is %t", test.a, test.b, !test.same)
		}
	}
}

func TestMentionsImage(t *testing.T) {
	tests := []struct {
		image, text string
		found       bool
	}{
		{"quay.io/x/solver:v1", "--image=quay.io/x/solver:v1", true},
		{"quay.io/x/solver:v1", `image: "quay.io/x/solver:v1", `, true},
		{"quay.io/x/solver:v1", "Uses quay.io/x/solver:v1.", true},
		{"quay.io/x/solver:v1", "quay.io/x/solver:v1.2", false},
		{"quay.io/x/solver:v1", "quay.io/x/solver:v1-podman", false},
		{"quay.io/x/solver:v1", "quay.io/x/my-solver:v1", false},
		{"quay.io/x/solver:v1", "x/solver:v1", false},
		{"quay.io/x/solver:v1", "quay.io/x/solver:v12 and quay.io/x/solver:v1", true},
		{"redis", "--image=redis", true},
		{"redis", "a redis", true},
		{"redis", "redis:7", false},
		{"x@" + digestA, "x@" + digestA, true},
		{"x@" + digestA, "y@" + digestA, false},
		{"redis", "", false},
	}
	for _, test := range tests {
		ref, err := Parse(test.image)
		if err != nil {
			t.Fatal(err)
		}
		if got := ref.Mentions(test.text, Ref.Same); got != test.found {
			t.Errorf("%s in %q: %t", test.image, test.text, got)
		}
	}
}

// FuzzImage: what is read as an image reads the same once written out, is the
// same as itself, and is found where it stands.
func FuzzImage(f *testing.F) {
	for _, seed := range []string{"redis", "docker.io/library/nginx:1.27", "localhost:5000/a/b@" + digestA, "x:1@" + digestA, "UPPER", "a..b", "x:", "[::1]:5000/x:y", "a/b/c/d:latest", "0/000:0A."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ref, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(ref.String())
		if err != nil || again != ref {
			t.Errorf("%q reads as %+v, written out as %+v (%v)", text, ref, again, err)
		}
		if !ref.Same(ref) {
			t.Errorf("%q is not the same as itself", text)
		}
		if !ref.Mentions("--image='"+ref.String()+"'", Ref.Same) {
			t.Errorf("%q is not found in its own text", ref)
		}
	})
}
