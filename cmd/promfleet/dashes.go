package main

import (
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"
)

// dashes rewrites a dash that stands alone, which kingpin loses: behind a flag that
// takes a value as "--flag=-", otherwise as the last argument behind "--".
func dashes(app *kingpin.ApplicationModel, args []string) []string {
	takesNone := map[string]bool{}
	for _, f := range allFlags(app) {
		if f.IsBoolFlag() {
			takesNone[f.Name], takesNone["no-"+f.Name] = true, true
		}
	}
	var out []string
	alone := false
	for i, a := range args {
		if a == "--" {
			out = append(out, args[i:]...)
			break
		}
		if a != "-" {
			out = append(out, a)
			continue
		}
		if n := len(out) - 1; n >= 0 && strings.HasPrefix(out[n], "--") && !strings.Contains(out[n], "=") && !takesNone[out[n][2:]] {
			out[n] += "=-"
		} else {
			alone = true
		}
	}
	if alone {
		if !slices.Contains(out, "--") {
			out = append(out, "--")
		}
		out = append(out, "-")
	}
	return out
}

func allFlags(app *kingpin.ApplicationModel) []*kingpin.FlagModel {
	flags := app.Flags
	for _, c := range app.FlattenedCommands() {
		flags = append(flags, c.Flags...)
	}
	return flags
}
