package practice

import "strings"

// ofImages knows how images are looked up and copied.
func ofImages(s subject) (Use, bool) {
	args := s.Plain()
	verb := ""
	if len(args) > 1 {
		verb = args[1]
	}
	second := ""
	if len(args) > 2 {
		second = args[2]
	}
	inLoop := len(s.Loops) > 0
	switch s.Name() {
	case "oras":
		switch {
		case verb == "manifest" && (second == "fetch" || second == "fetch-config"), verb == "resolve", verb == "discover":
			return lookUp(s), true
		case verb == "cp", verb == "copy":
			return copying(s), true
		}
	case "crane", "gcrane":
		switch verb {
		case "manifest", "digest", "validate", "config", "ls":
			return lookUp(s), true
		case "cp", "copy":
			return copying(s), true
		}
	case "skopeo":
		switch verb {
		case "inspect":
			return lookUp(s), true
		case "copy", "sync":
			return copying(s), true
		}
	case "regctl":
		switch {
		case verb == "manifest", verb == "image" && (second == "digest" || second == "inspect" || second == "manifest"):
			return lookUp(s), true
		case verb == "image" && (second == "copy" || second == "cp"):
			return copying(s), true
		}
	case "docker", "podman", "nerdctl":
		switch {
		case verb == "manifest" && second == "inspect", verb == "buildx" && second == "imagetools" && has(s.Text, "imagetools inspect"):
			return lookUp(s), true
		case verb == "buildx" && second == "imagetools" && has(s.Text, "imagetools create"):
			return copying(s), true
		case verb == "pull" || verb == "tag" || verb == "push":
			use := copying(s)
			use.ID, use.Does = "image-copy-docker", "copies an image by pulling, tagging and pushing it"
			use.Wrong = append([]string{"docker pulls the platform of the runner alone: the copy has one platform"}, use.Wrong...)
			use.Core = inLoop
			return use, inLoop || isMuseum(s.Text) || pullsAndPushes(s)
		}
	}
	return Use{}, false
}

// pullsAndPushes reports whether the step does both: one alone may be about its own image.
func pullsAndPushes(s subject) bool {
	pulls, pushes := false, false
	for _, c := range s.all {
		if args := c.Plain(); c.Name() == s.Name() && len(args) > 1 {
			pulls = pulls || args[1] == "pull"
			pushes = pushes || args[1] == "push"
		}
	}
	return pulls && pushes
}

func lookUp(s subject) Use {
	use := Use{ID: "image-look-up", Does: "asks a registry whether an image is there", Core: true, Cover: Kept}
	use.Wrong = ofChangedFolders(s.Command, lookedAt)
	if fillsInDocker(s) {
		use.Wrong = append(use.Wrong, "the defaults of Docker Hub are filled in by hand: localhost/a, and host:5000/a without a dot, are taken for images of Docker Hub")
	}
	if within(s.Command, overImages) {
		use.Wrong = append(use.Wrong, "images that templates use and extension.yaml does not list are not looked at")
	}
	use.Wrong = append(use.Wrong, ofFailures(s.Command)...)
	use.Note = "adopt writes nothing that asks registries; ksrelease images check does, and with images: {exist: error} in .ksrelease.yaml so does each run: then it can go (docs/images.md)"
	return use
}

func copying(s subject) Use {
	use := Use{ID: "image-copy", Does: "copies an image to another registry", Core: true, Cover: Kept}
	use.Wrong = ofChangedFolders(s.Command, copied)
	if platform, one := s.Flag("--platform", "--override-arch"); one && !strings.Contains(platform, ",") && platform != "all" {
		use.Wrong = append(use.Wrong, "one platform alone ("+platform+") is copied: nodes of others cannot pull from the mirror")
	}
	if fillsInDocker(s) {
		use.Wrong = append(use.Wrong, "the defaults of Docker Hub are filled in by hand: localhost/a, and host:5000/a without a dot, are taken for images of Docker Hub")
	}
	if !looksFirst(s) && len(s.Loops) > 0 {
		use.Wrong = append(use.Wrong, "what is there already is copied again")
	}
	use.Wrong = append(use.Wrong, ofFailures(s.Command)...)
	use.Note = "adopt writes nothing that copies images; ksrelease images mirror does, and with images: {mirror: [{to: REGISTRY/PATH}]} in .ksrelease.yaml so does each run before it sends an extension: then it can go (docs/images.md)"
	return use
}

// fillsInDocker reports whether the step completes names of images itself.
func fillsInDocker(s subject) bool { return has(s.step.Script, "docker.io/library", "index.docker.io") }

// looksFirst reports whether a copy depends on a look at the registry.
func looksFirst(s subject) bool {
	for _, condition := range s.Conditions {
		if has(condition, "manifest", "inspect", "digest") {
			return true
		}
	}
	return false
}
