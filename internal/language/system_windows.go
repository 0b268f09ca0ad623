package language

import "golang.org/x/sys/windows"

// ofSystem is the language of the surface of Windows, which has no locale in the environment.
func ofSystem() string {
	names, err := windows.GetUserPreferredUILanguages(windows.MUI_LANGUAGE_NAME)
	if err != nil || len(names) == 0 {
		return ""
	}
	return names[0]
}
