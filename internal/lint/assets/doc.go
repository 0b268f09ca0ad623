// Package assets has the rules of lint on icon and screenshots.
package assets
