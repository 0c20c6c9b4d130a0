package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"promfleet"
	"promfleet/internal/check"
	"promfleet/internal/render"
)

// The limits of what a record may hold. Bytes, where nothing else is said.
const (
	MaxName         = 512
	MaxRemark       = 10_000
	MaxTag          = 128
	MaxTags         = 64
	MaxLabels       = 64
	MaxLabelValue   = 4096
	MaxScrapeConfig = 256 << 10
	MaxBaseConfig   = 1 << 20
	MaxDepth        = 64
	MaxContacts     = 20
)

// fields collects what is wrong with an input, so that all of it is told at once.
type fields []promfleet.FieldError

func (f *fields) add(location, format string, args ...any) {
	*f = append(*f, promfleet.FieldError{Location: location, Message: fmt.Sprintf(format, args...)})
}

func (f fields) err() error {
	if len(f) == 0 {
		return nil
	}
	return &promfleet.Error{Code: promfleet.Invalid, Message: "the input is not valid", Fields: f}
}

// text checks a free text of one line, or of several.
func (f *fields) text(location, s string, limit int, lines bool) {
	switch {
	case len(s) > limit:
		f.add(location, "%d bytes are too many; at most %d", len(s), limit)
	case !utf8.ValidString(s):
		f.add(location, "not valid UTF-8")
	case strings.IndexFunc(s, func(r rune) bool { return unicode.IsControl(r) && (!lines || r != '\n' && r != '\t') }) >= 0:
		f.add(location, "has control characters")
	}
}

// tags checks tags and gives them sorted, each once.
func (f *fields) tags(location string, tags []string) []string {
	tags = slices.Clone(tags)
	slices.Sort(tags)
	tags = slices.Compact(tags)
	if len(tags) > MaxTags {
		f.add(location, "%d tags are too many; at most %d", len(tags), MaxTags)
		return tags
	}
	for _, t := range tags {
		f.text(location, t, MaxTag, false)
		switch {
		case strings.TrimSpace(t) != t || t == "":
			f.add(location, "tag %q is empty or has space around it", t)
		case strings.Contains(t, ","):
			f.add(location, "tag %q has a comma, which separates tags in the label %s", t, render.MetaTags)
		}
	}
	if tags == nil {
		return []string{}
	}
	return tags
}

// contacts checks ids of contacts and gives them sorted, each once.
func (f *fields) contacts(location string, ids []int64) []int64 {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if len(ids) > MaxContacts {
		f.add(location, "%d contacts are too many; at most %d", len(ids), MaxContacts)
	}
	if ids == nil {
		return []int64{}
	}
	return ids
}

// liveContacts refuses ids of contacts that are not there.
func liveContacts(ctx context.Context, tx Tx, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	live, err := tx.LiveContacts(ctx, ids)
	if err != nil {
		return err
	}
	var f fields
	for _, id := range ids {
		if !slices.Contains(live, id) {
			f.add("body.contacts", "there is no contact %d", id)
		}
	}
	return f.err()
}

func (f *fields) labels(location string, labels map[string]string) {
	if len(labels) > MaxLabels {
		f.add(location, "%d labels are too many; at most %d", len(labels), MaxLabels)
		return
	}
	for name, value := range labels {
		at := location + "." + name
		if err := check.LabelName(name); err != nil {
			f.add(at, "%v", err)
			continue
		}
		switch {
		case strings.HasPrefix(name, "__meta_") || strings.HasPrefix(name, "__tmp"):
			f.add(at, "labels that begin with __meta_ or __tmp are reserved")
		case name == "__address__":
			f.add(at, "the address of a target is its addr")
		}
		if len(value) > MaxLabelValue {
			f.add(at, "%d bytes are too many for a value; at most %d", len(value), MaxLabelValue)
		} else if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
			f.add(at, "the value is not valid UTF-8, or has a NUL character")
		}
	}
	slices.SortStableFunc(*f, func(a, b promfleet.FieldError) int { return strings.Compare(a.Location, b.Location) })
}

// target checks the fields of a target that need no look at others.
func (f *fields) target(at string, in *promfleet.TargetInput) {
	f.text(at+"name", in.Name, MaxName, false)
	f.text(at+"remark", in.Remark, MaxRemark, true)
	if in.Addr == "" {
		f.add(at+"addr", "is missing; give host, host:port, [v6]:port, or a URL for a probe job")
	} else if err := check.Address(in.Addr); err != nil {
		f.add(at+"addr", "%v", err)
	}
	f.labels(at+"labels", in.Labels)
	// To Prometheus a label with an empty value is none.
	in.Labels = maps.Clone(in.Labels)
	maps.DeleteFunc(in.Labels, func(_, value string) bool { return value == "" })
	if len(in.Labels) == 0 {
		in.Labels = nil
	}
	in.Tags = f.tags(at+"tags", in.Tags)
}

func validateJob(in *promfleet.JobInput) error {
	var f fields
	if !render.ValidKey(in.Key) {
		f.add("body.key", "must be a letter, then letters, digits and _, at most %d characters", render.MaxKey)
	}
	if in.JobName == "" {
		in.JobName = in.Key
	}
	f.text("body.job_name", in.JobName, MaxName, false)
	f.text("body.remark", in.Remark, MaxRemark, true)
	switch {
	case len(in.ScrapeConfig) > MaxScrapeConfig:
		f.add("body.scrape_config", "%d bytes are too many; at most %d", len(in.ScrapeConfig), MaxScrapeConfig)
	case check.Depth(in.ScrapeConfig) > MaxDepth:
		f.add("body.scrape_config", "is nested deeper than %d levels", MaxDepth)
	default:
		sc, err := render.Canonical(in.ScrapeConfig)
		if err != nil {
			f.add("body.scrape_config", "%v", err)
		}
		in.ScrapeConfig = sc
	}
	in.Contacts = f.contacts("body.contacts", in.Contacts)
	return f.err()
}

// checkJob asks Prometheus about the prometheus.yml that a job would become on
// its node, and gives the paths of the secrets in its scrape_config. The node's
// other jobs matter only by their names, which the store keeps unique.
func checkJob(base string, in *promfleet.JobInput) ([]string, error) {
	const first = "scrape_configs[0]"
	yml, err := render.PrometheusYML([]byte(base), []render.Job{{
		JobConfig: promfleet.JobConfig{Key: in.Key, JobName: in.JobName, ScrapeConfig: in.ScrapeConfig},
		Targets:   1,
	}}, "targets.d")
	if err != nil {
		return nil, promfleet.BadField("body.scrape_config", "%v", err)
	}
	cfg, err := check.Load(yml)
	if err != nil {
		return nil, configError(err, func(field string) string {
			rest, ok := strings.CutPrefix(field, first)
			switch {
			case !ok:
				return "body.scrape_config"
			case rest == ".job_name":
				return "body.job_name"
			default:
				return "body.scrape_config" + rest
			}
		})
	}
	var secrets []string
	for _, p := range cfg.Secrets() {
		if rest, ok := strings.CutPrefix(p, first+"."); ok {
			secrets = append(secrets, rest)
		}
	}
	return secrets, nil
}

// configError puts Prometheus's verdict as an error about a field of the input.
func configError(err error, location func(field string) string) error {
	var bad *check.Error
	if !errors.As(err, &bad) {
		return err
	}
	var f fields
	f.add(location(bad.Field), "%s", bad.Message)
	for _, more := range bad.More {
		f.add(location(more.Field), "%s", more.Message)
	}
	return f.err()
}

// mergePatch applies a JSON merge patch (RFC 7396) to a value and decodes the
// result, strictly, as another of the same type.
func mergePatch[T any](current T, patch json.RawMessage) (T, error) {
	var out T
	b, err := json.Marshal(current)
	if err != nil {
		return out, err
	}
	doc, err := decodeJSON(string(b))
	if err != nil {
		return out, err
	}
	p, err := decodeJSON(string(patch))
	if err != nil {
		return out, promfleet.BadField("body", "not valid JSON: %v", err)
	}
	fields, ok := p.(map[string]any)
	if !ok {
		return out, promfleet.BadField("body", "a merge patch is a JSON object")
	}
	// encoding/json would take a name in other letters for the same.
	names := fieldNames(reflect.TypeFor[T]())
	for name := range fields {
		if !slices.Contains(names, name) {
			return out, promfleet.BadField("body."+name, "there is no such field")
		}
	}
	if b, err = json.Marshal(merge(doc, p)); err != nil {
		return out, err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&out); err != nil {
		return out, decodeError(err)
	}
	return out, nil
}

// fieldNames gives the JSON names of a struct's fields, of embedded ones too.
func fieldNames(t reflect.Type) (names []string) {
	for f := range t.Fields() {
		if f.Anonymous {
			names = append(names, fieldNames(f.Type)...)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

func merge(doc, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	d, ok := doc.(map[string]any)
	if !ok {
		d = map[string]any{}
	}
	for k, v := range p {
		if v == nil {
			delete(d, k)
		} else {
			d[k] = merge(d[k], v)
		}
	}
	return d
}

// decodeError names the field that encoding/json could not take.
func decodeError(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return promfleet.BadField("body."+strings.TrimPrefix(wrong.Field, "ReadOnly."), "a JSON %s does not fit here", wrong.Value)
	}
	var time *time.ParseError
	if errors.As(err, &time) || strings.Contains(err.Error(), "Time.UnmarshalJSON") {
		return promfleet.BadField("body", "a time must be like 2026-01-02T15:04:05Z (RFC 3339)")
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return promfleet.BadField("body."+strings.Trim(name, `"`), "there is no such field")
	}
	return promfleet.BadField("body", "%s", strings.TrimPrefix(err.Error(), "json: "))
}
