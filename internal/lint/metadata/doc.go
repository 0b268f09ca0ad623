// Package metadata has the rules of lint on the fields of extension.yaml.
package metadata
