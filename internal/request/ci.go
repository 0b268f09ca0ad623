package request

import "strings"

// TagOfCI is the tag that a CI runs for; empty where it says of none. env is os.LookupEnv.
//
// GitHub Actions sets GITHUB_REF_TYPE and GITHUB_REF_NAME, or GITHUB_REF alone ("Variables
// reference", https://docs.github.com/en/actions/reference/workflows-and-actions/variables);
// GitLab CI sets CI_COMMIT_TAG ("Predefined CI/CD variables reference",
// https://docs.gitlab.com/ci/variables/predefined_variables/); Jenkins sets TAG_NAME in a
// multibranch project ("Using a Jenkinsfile" and the list of env of a Jenkins,
// https://www.jenkins.io/doc/book/pipeline/multibranch/#additional-environment-variables).
func TagOfCI(env func(string) (string, bool)) string {
	value := func(name string) string {
		text, _ := env(name)
		return text
	}
	if value("GITHUB_REF_TYPE") == "tag" && value("GITHUB_REF_NAME") != "" {
		return value("GITHUB_REF_NAME")
	}
	if tag, ok := strings.CutPrefix(value("GITHUB_REF"), "refs/tags/"); ok {
		return tag
	}
	if tag := value("CI_COMMIT_TAG"); tag != "" {
		return tag
	}
	return value("TAG_NAME")
}
