package api

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/text/encoding"
	"golang.org/x/text/transform"

	"promfleet"
	"promfleet/internal/fleet"
)

// preferred gives the type that an Accept header prefers among offers, the first
// of them where it leaves it open, "" if it takes none (RFC 9110, 12.5.1).
func preferred(accept string, offers []string) string {
	best, bestQ := "", 0.0
	for part := range strings.SplitSeq(accept, ",") {
		media, params, err := mime.ParseMediaType(part)
		q := 1.0
		if v, ok := params["q"]; ok && err == nil {
			q, err = strconv.ParseFloat(v, 64)
		}
		if err != nil || !(q > bestQ) { // q may be NaN
			continue
		}
		for _, offer := range offers {
			kind, _, _ := strings.Cut(offer, "/")
			if media == offer || media == kind+"/*" || media == "*/*" {
				best, bestQ = offer, q
				break
			}
		}
	}
	if strings.TrimSpace(accept) == "" {
		return offers[0]
	}
	return best
}

// stream is a body that is read as it arrives.
type stream struct {
	media string
	body  io.Reader
}

// Resolve implements huma.Resolver.
func (s *stream) Resolve(ctx huma.Context) []error {
	s.media, _, _ = mime.ParseMediaType(ctx.Header("Content-Type")) // looked at before
	s.body = ctx.BodyReader()
	if err := ctx.SetReadDeadline(time.Now().Add(bulkTimeout)); err != nil {
		return []error{err}
	}
	return nil
}

// errTooLarge ends the reading of a body that is beyond its limit.
var errTooLarge = errors.New("too large")

// reader gives the body: at most limit bytes of valid UTF-8, without a byte order
// mark (spreadsheets put one before their CSV).
func (s *stream) reader(limit int64) io.Reader {
	r := bufio.NewReader(transform.NewReader(&limited{s.body, limit}, encoding.UTF8Validator))
	if bom, err := r.Peek(3); err == nil && string(bom) == "\xef\xbb\xbf" {
		_, _ = r.Discard(3) // was peeked at
	}
	return r
}

type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

// listReader collects what a body lists, and what is wrong with it.
type listReader[T any] struct {
	schemas huma.Registry
	item    *huma.Schema
	noun    string // of one
	most    int    // of them
	line    int    // bytes, of one as NDJSON
	items   []T
	at      func(i int) string
	bad     []promfleet.FieldError
	tooMany bool
}

type setReader = listReader[promfleet.TargetInput]

// maxBadLines bounds how many errors of a body are told at once.
const maxBadLines = 100

// readTargets reads targets from a body of one of setMedia.
func readTargets(schemas huma.Registry, item *huma.Schema, media string, r io.Reader) (fleet.GivenTargets, error) {
	s := &setReader{schemas: schemas, item: item, noun: "target", most: fleet.MaxSet, line: maxLine}
	var err error
	switch media {
	case mediaCSV:
		err = readCSV(s, r)
	case mediaNDJSON:
		err = s.ndjson(r)
	default:
		err = s.array(r)
	}
	if err := s.refused(err, "send the targets in several calls of POST"); err != nil {
		return fleet.GivenTargets{}, err
	}
	return fleet.GivenTargets{Targets: s.items, At: s.at}, nil
}

// refused says why a body is not taken. err is why it was not read to its end.
func (s *listReader[T]) refused(err error, instead string) error {
	switch {
	case errors.Is(err, errTooLarge):
		return promfleet.Errorf(promfleet.TooLarge, "the body is larger than %d MiB; %s", maxTargetSet>>20, instead)
	case errors.Is(err, encoding.ErrInvalidUTF8):
		return huma.Error400BadRequest("the body is not valid UTF-8")
	case err != nil:
		return err
	case s.tooMany:
		return promfleet.Errorf(promfleet.TooLarge, "the body has more than %d %ss; %s", s.most, s.noun, instead)
	case len(s.bad) > 0:
		return &promfleet.Error{Code: promfleet.Invalid, Message: "the input is not valid", Fields: s.bad}
	}
	return nil
}

// broken says where a body stops being what it should be.
func broken(at string, err error, line int) error {
	if errors.Is(err, errTooLarge) || errors.Is(err, encoding.ErrInvalidUTF8) {
		return err
	}
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("it ends too early")
	case errors.Is(err, bufio.ErrTooLong):
		err = fmt.Errorf("the line is longer than %d bytes", line)
	}
	return promfleet.BadField(at, "%s", strings.TrimPrefix(err.Error(), "json: "))
}

// array reads a JSON array.
func (s *listReader[T]) array(r io.Reader) error {
	s.at = func(i int) string { return fmt.Sprintf("body[%d]", i) }
	dec := json.NewDecoder(r)
	switch open, err := dec.Token(); {
	case err != nil:
		return broken("body", err, s.line)
	case open != json.Delim('['):
		return promfleet.BadField("body", "is no list; [] is the empty one")
	}
	for i := 0; dec.More(); i++ {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return broken(s.at(i), err, s.line)
		}
		if !s.object(s.at(i), raw) {
			return nil
		}
	}
	if _, err := dec.Token(); err != nil {
		return broken("body", err, s.line)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return promfleet.BadField("body", "goes on behind the end of the list")
	}
	return nil
}

// maxLine bounds a line of NDJSON that is one target, in bytes.
const maxLine = 1 << 20

// ndjson reads a JSON object a line.
func (s *listReader[T]) ndjson(r io.Reader) error {
	lines, where := bufio.NewScanner(r), []int{}
	lines.Buffer(nil, s.line)
	s.at = func(i int) string { return fmt.Sprintf("line[%d]", where[i]) }
	n := 0
	for lines.Scan() {
		n++
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		where = append(where, n)
		if !s.object(s.at(len(where)-1), line) {
			return nil
		}
	}
	if err := lines.Err(); err != nil {
		return broken(fmt.Sprintf("line[%d]", n+1), err, s.line)
	}
	if len(where) == 0 { // an empty file, more likely than no targets
		return promfleet.BadField("body", "there is no %s; to say that there are none, send [] as %s", s.noun, mediaJSON)
	}
	return nil
}

// object takes one; false if enough is wrong already.
func (s *listReader[T]) object(at string, raw []byte) bool {
	var v any
	dec := json.NewDecoder(bytes.NewReader(raw))
	err := dec.Decode(&v)
	if err == nil {
		if _, err = dec.Token(); errors.Is(err, io.EOF) {
			err = nil
		} else {
			err = errors.New("has more than one value")
		}
	}
	var t T
	if err == nil {
		path, res := huma.NewPathBuffer(make([]byte, 0, 64), 0), &huma.ValidateResult{}
		path.Push(at)
		huma.Validate(s.schemas, s.item, path, huma.ModeWriteToServer, v, res)
		for _, e := range res.Errors[:min(len(res.Errors), maxBadLines)] {
			f := promfleet.FieldError{Location: at, Message: e.Error()}
			if d, ok := e.(huma.ErrorDetailer); ok {
				f = promfleet.FieldError{Location: d.ErrorDetail().Location, Message: d.ErrorDetail().Message}
			}
			s.bad = append(s.bad, f)
		}
		if len(res.Errors) == 0 {
			err = json.Unmarshal(raw, &t)
		}
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			at, err = at+"."+strings.TrimPrefix(wrong.Field, "ReadOnly."), fmt.Errorf("a JSON %s does not fit here", wrong.Value)
		}
	}
	if err != nil {
		s.bad = append(s.bad, promfleet.FieldError{Location: at, Message: strings.TrimPrefix(err.Error(), "json: ")})
	}
	return s.add(t) && len(s.bad) < maxBadLines
}

// add takes one; false if they are too many.
func (s *listReader[T]) add(t T) bool {
	if len(s.items) == s.most {
		s.tooMany = true
		return false
	}
	s.items = append(s.items, t)
	return true
}

// The columns of CSV. labelColumn is before the name of a label; ignored are those
// that a list shows and only the server sets.
const (
	labelColumn  = "labels."
	tagSeparator = ","
)

var (
	textColumns    = []string{"addr", "name", "remark", "tags"}
	ignoredColumns = []string{"id", "job", "created_at", "updated_at", "deleted_at"}
)

// maxColumns bounds the labels that the targets of a body may have together.
const maxColumns = 2000

// readCSV reads a header line, then a target a line.
func readCSV(s *setReader, r io.Reader) error {
	in, where := csv.NewReader(r), []int{}
	in.ReuseRecord = true
	s.at = func(i int) string { return fmt.Sprintf("line[%d]", where[i]) }
	header, err := in.Read()
	if errors.Is(err, io.EOF) {
		return promfleet.BadField("line[1]", "there is no header line; it names the columns: %s, labels.NAME", strings.Join(textColumns, ", "))
	}
	if err != nil {
		return brokenCSV(err)
	}
	columns := slices.Clone(header)
	if len(columns) > maxColumns {
		return promfleet.BadField("line[1]", "%d columns are too many; at most %d", len(columns), maxColumns)
	}
	seen := make(map[string]bool, len(columns))
	for _, c := range columns {
		switch {
		case seen[c]:
			return promfleet.BadField("line[1]", "column %q is there twice", c)
		case !slices.Contains(textColumns, c) && !slices.Contains(ignoredColumns, c) && (!strings.HasPrefix(c, labelColumn) || c == labelColumn):
			return promfleet.BadField("line[1]", "there is no column %q; there are %s and labels.NAME", c, strings.Join(textColumns, ", "))
		}
		seen[c] = true
	}
	if !seen["addr"] {
		return promfleet.BadField("line[1]", "the column addr is missing")
	}
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return brokenCSV(err)
		}
		line, _ := in.FieldPos(0)
		where = append(where, line)
		if !s.add(rowTarget(columns, row)) {
			return nil
		}
	}
}

func brokenCSV(err error) error {
	var at *csv.ParseError
	if errors.As(err, &at) {
		return promfleet.BadField(fmt.Sprintf("line[%d]", at.Line), "%v", at.Err)
	}
	return broken("body", err, maxLine)
}

func rowTarget(columns, row []string) promfleet.TargetInput {
	var t promfleet.TargetInput
	for i, c := range columns {
		v := strings.Clone(row[i])
		switch c {
		case "addr":
			t.Addr = v
		case "name":
			t.Name = v
		case "remark":
			t.Remark = v
		case "tags":
			if v != "" {
				t.Tags = strings.Split(v, tagSeparator)
			}
		default:
			if label, ok := strings.CutPrefix(c, labelColumn); ok && v != "" {
				if t.Labels == nil {
					t.Labels = map[string]string{}
				}
				t.Labels[label] = v
			}
		}
	}
	return t
}

// A targetWriter writes targets in one of setMedia.
type targetWriter interface {
	begin() error
	write(t promfleet.Target) error
	end() error
}

func newTargetWriter(w io.Writer, media string, labels []string) targetWriter {
	switch media {
	case mediaCSV:
		return &csvWriter{csv.NewWriter(w), labels}
	case mediaNDJSON:
		return &jsonWriter{w: w, after: "\n"}
	default:
		return &jsonWriter{w: w, before: "[", between: ",", last: "]\n"}
	}
}

type jsonWriter struct {
	w                            io.Writer
	before, between, after, last string
	some                         bool
}

func (j *jsonWriter) begin() error {
	_, err := io.WriteString(j.w, j.before)
	return err
}

func (j *jsonWriter) write(t promfleet.Target) error {
	if j.some {
		if _, err := io.WriteString(j.w, j.between); err != nil {
			return err
		}
	}
	j.some = true
	b, err := json.Marshal(t)
	if err != nil {
		return err
	}
	if _, err := j.w.Write(b); err != nil {
		return err
	}
	_, err = io.WriteString(j.w, j.after)
	return err
}

func (j *jsonWriter) end() error {
	_, err := io.WriteString(j.w, j.last)
	return err
}

type csvWriter struct {
	csv    *csv.Writer
	labels []string
}

func (c *csvWriter) begin() error {
	header := slices.Clone(textColumns)
	for _, l := range c.labels {
		header = append(header, labelColumn+l)
	}
	return c.csv.Write(header)
}

func (c *csvWriter) write(t promfleet.Target) error {
	row := []string{t.Addr, t.Name, t.Remark, strings.Join(t.Tags, tagSeparator)}
	for _, l := range c.labels {
		row = append(row, t.Labels[l])
	}
	return c.csv.Write(row)
}

func (c *csvWriter) end() error {
	c.csv.Flush()
	return c.csv.Error()
}
