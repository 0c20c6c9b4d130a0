package main

import (
	"bytes"
	"io"
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"
)

// table is how records of a type look as a table.
type table[T any] struct {
	columns []string
	row     func(T) []string
	wide    []string                // the columns that -o wide adds
	more    func(T) []string        // and their cells
	below   func(to io.Writer, v T) // what follows the table of a single record; nil: nothing
}

// write writes the records below a head.
func (t table[T]) write(o *output, items []T) error {
	g := t.grid(o)
	return g.write(o.to, append([][]string{t.head(o)}, t.rows(o, items)...))
}

// grid is what the table is written with.
func (t table[T]) grid(o *output) grid {
	var g grid
	if o.colour != nil && coloured(*o.colour, o.to) {
		g.paint = func(j int, cell string) string { return paint(t.head(o)[j], cell) }
	}
	return g
}

func (t table[T]) head(o *output) []string {
	if !o.wide {
		return t.columns
	}
	return slices.Concat(t.columns, t.wide)
}

func (t table[T]) rows(o *output, items []T) [][]string {
	rows := make([][]string, len(items))
	for i, item := range items {
		rows[i] = slices.Clone(t.row(item))
		if o.wide && t.more != nil {
			rows[i] = append(rows[i], t.more(item)...)
		}
		for j := range rows[i] {
			rows[i][j] = plain(rows[i][j])
		}
	}
	return rows
}

// grid lines up cells by their widths on a terminal. It keeps them, so that what
// follows lines up with what went before.
type grid struct {
	widths []int
	paint  func(column int, cell string) string // nil: no colours
}

// gap is how many spaces stand between two columns.
const gap = 2

// cellWidths are those of a terminal where characters of ambiguous width are
// narrow, whatever the locale: terminals of now show them so.
var cellWidths = &runewidth.Condition{}

func (g *grid) write(to io.Writer, rows [][]string) error {
	widths := make([][]int, len(rows))
	for i, row := range rows {
		widths[i] = make([]int, len(row))
		for j, cell := range row {
			widths[i][j] = cellWidths.StringWidth(cell)
			if j == len(g.widths) {
				g.widths = append(g.widths, 0)
			}
			g.widths[j] = max(g.widths[j], widths[i][j])
		}
	}
	var b bytes.Buffer
	for i, row := range rows {
		spaces := 0 // due before the next cell that is not empty
		for j, cell := range row {
			if cell != "" {
				b.WriteString(strings.Repeat(" ", spaces))
				if g.paint != nil {
					cell = g.paint(j, cell)
				}
				b.WriteString(cell)
				spaces = 0
			}
			spaces += g.widths[j] - widths[i][j] + gap
		}
		b.WriteByte('\n')
	}
	_, err := b.WriteTo(to)
	return err
}

// printOne writes one record.
func printOne[T any](o *output, t table[T], v T) error {
	if o.format != "table" {
		return o.encode(v)
	}
	if err := t.write(o, []T{v}); err != nil || t.below == nil {
		return err
	}
	t.below(o.to, v)
	return nil
}
