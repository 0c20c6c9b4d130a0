package main

import "github.com/alecthomas/kingpin/v2"

// given is a text flag that tells whether it stood on the command line: an empty
// value is a value.
type given struct {
	set   bool
	value string
}

func givenFlag(cmd *kingpin.CmdClause, name, help string) *given {
	g := &given{}
	cmd.Flag(name, help).IsSetByUser(&g.set).StringVar(&g.value)
	return g
}

// into puts the value into a patch, if it was given.
func (g *given) into(patch map[string]any, field string) {
	if g.set {
		patch[field] = g.value
	}
}

// or gives the value, or another if it was not given.
func (g *given) or(other string) string {
	if g.set {
		return g.value
	}
	return other
}

// givenList is a flag that may be repeated for the values that a record is to have
// instead of its own, and one that takes all of them away.
type givenList[V any] struct {
	values *[]V
	none   *bool
}

func tagFlags(cmd *kingpin.CmdClause) givenList[string] {
	return givenList[string]{
		values: cmd.Flag("tag", "Tag, instead of those it has; may be repeated.").Strings(),
		none:   cmd.Flag("no-tags", "Take all tags away.").Bool(),
	}
}

func contactFlags(cmd *kingpin.CmdClause) givenList[int64] {
	return givenList[int64]{
		values: cmd.Flag("contact", "id of a contact to reach about it, instead of those it has; may be repeated.").Int64List(),
		none:   cmd.Flag("no-contacts", "Take all contacts away.").Bool(),
	}
}

// into puts the values into a patch, if any were given.
func (g givenList[V]) into(patch map[string]any, field string) {
	if *g.none || len(*g.values) > 0 {
		patch[field] = g.or(nil)
	}
}

// or gives the values, or others if none were given.
func (g givenList[V]) or(other []V) []V {
	switch {
	case *g.none:
		return []V{}
	case len(*g.values) > 0:
		return *g.values
	}
	return other
}

// release is a flag that takes a record from those who manage it by fleet files.
type release struct{ on bool }

func releaseFlag(cmd *kingpin.CmdClause, name, help string) *release {
	r := &release{}
	cmd.Flag(name, help).BoolVar(&r.on)
	return r
}

// into puts it into a patch, if it was given.
func (r *release) into(patch map[string]any, fields ...string) {
	if r.on {
		for _, f := range fields {
			patch[f] = ""
		}
	}
}
