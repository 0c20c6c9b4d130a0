package main

import (
	"strings"
	"testing"
)

// Columns line up on the terminal: a Chinese character takes two of its columns, a
// combining one none. What is written later lines up with what went before.
func TestGrid(t *testing.T) {
	var g grid
	var out strings.Builder
	for _, rows := range [][][]string{
		{{"ID", "NAME", "REMARK"}, {"1", "开发", "dev"}, {"10", "e\u0301t\u00e9", ""}, {"2", "", "x"}},
		{{"3", "生产环境", "prod"}, {"4", "a", "b"}},
	} {
		if err := g.write(&out, rows); err != nil {
			t.Fatal(err)
		}
	}
	want := `ID  NAME  REMARK
1   开发  dev
10  e` + "\u0301" + `té
2         x
3   生产环境  prod
4   a         b
`
	if out.String() != want {
		t.Errorf("\n%s\nwant\n%s", out.String(), want)
	}
}

func TestWide(t *testing.T) {
	tags := table[string]{
		columns: []string{"A", "B"}, row: func(s string) []string { return []string{s, "b\x1b"} },
		wide: []string{"C"}, more: func(s string) []string { return []string{s + s + "\n"} },
	}
	for _, tc := range []struct{ format, want string }{
		{"table", "A  B\nx  b \n"},
		{"wide", "A  B   C\nx  b   xx \n"},
	} {
		var out strings.Builder
		o := &output{to: &out}
		if err := (formatValue{o, []string{"table", "wide"}}).Set(tc.format); err != nil {
			t.Fatal(err)
		}
		if err := printOne(o, tags, "x"); err != nil || out.String() != tc.want {
			t.Errorf("%s: %v %q, want %q", tc.format, err, out.String(), tc.want)
		}
	}
}
