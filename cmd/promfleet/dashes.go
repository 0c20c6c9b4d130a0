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
	shorts := shortFlags(app, args)
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
		if n := len(out) - 1; n >= 0 && shorts[out[n]] != nil {
			if f := shorts[out[n]]; !f.IsBoolFlag() {
				out[n] = "--" + f.Name + "=-"
				continue
			}
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

// shortFlags gives the short flags, as -f, of the command that the arguments begin with.
func shortFlags(app *kingpin.ApplicationModel, args []string) map[string]*kingpin.FlagModel {
	shorts := map[string]*kingpin.FlagModel{}
	for _, c := range app.FlattenedCommands() {
		words := strings.Fields(c.FullCommand)
		if len(args) < len(words) || !slices.Equal(args[:len(words)], words) {
			continue
		}
		for _, f := range c.Flags {
			if f.Short != 0 {
				shorts["-"+string(f.Short)] = f
			}
		}
	}
	return shorts
}

func allFlags(app *kingpin.ApplicationModel) []*kingpin.FlagModel {
	flags := app.Flags
	for _, c := range app.FlattenedCommands() {
		flags = append(flags, c.Flags...)
	}
	return flags
}
