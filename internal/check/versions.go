package check

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"

	promconfig "github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"go.yaml.in/yaml/v3"

	"promfleet"
)

// Versions are the texts of a prometheus.yml that are to be compared; nil: there is
// none.
type Versions struct {
	Wanted  []byte // as it should be
	Written []byte // what the file says, which somebody may have edited
	Loaded  []byte // what the running Prometheus shows
}

// Version is one of them as a user may compare it.
type Version struct {
	Text string
	Err  error // why there is no text; fit to be shown
}

// Compared are Versions in one form.
type Compared struct {
	Wanted, Written, Loaded Version
	// Same: all three are there and mean the same.
	Same  bool
	Notes []string
}

var errNone = errors.New("there is none")

// Compare brings versions of a prometheus.yml in the directory dir to one form, in
// which they are equal where they mean the same: as Prometheus writes them, with the
// defaults filled in, those of the running one where its version has others. No text,
// note or error holds a secret: neither what Prometheus itself masks, nor passwords
// and queries in URLs, headers, and what is called like a secret; nor what external
// labels have from an environment. A secret that is another one than in Wanted is
// told from one that is the same.
func Compare(in Versions, dir string) (out Compared) {
	c := comparison{dir: dir}
	mine := c.load(in.Wanted, MaxSize)
	file, have := mine, mine
	written := mine.err == nil && in.Written != nil && bytes.Equal(in.Wanted, in.Written)
	loaded := mine.err == nil && in.Loaded != nil && mine.text == string(in.Loaded)
	if !written {
		file = c.load(in.Written, maxShown)
		if file.err != nil && in.Written != nil {
			file.err = hideWords(file.err, in.Written, in.Wanted)
		}
		written = mine.err == nil && file.err == nil && same(func() error { return sameClear(mine.clear, file.clear) })
	}
	if !loaded {
		have = c.shown(in.Loaded)
		mine.look()
		loaded = mine.err == nil && have.err == nil && same(func() error { return sameShown(mine.clear, mine.shown, have.shown) })
		if have.err == nil && mine.err == nil {
			alignTo(mine, have.shown.loaded, have.shown.root)
		}
		if file != mine && !written && have.err == nil {
			if file.look(); file.err == nil {
				alignTo(file, have.shown.loaded, have.shown.root)
			}
		}
	}
	out.Same = loaded && written
	out.Wanted = c.write(mine, nil, nil)
	out.Written, out.Loaded = out.Wanted, out.Wanted
	if !written {
		out.Written = c.write(file, mine, nil)
	}
	if !loaded {
		out.Loaded = c.write(have, mine, file)
	}
	if written && !bytes.Equal(in.Wanted, in.Written) {
		out.Notes = append(out.Notes, "the file is not written as it should be, but means the same")
	}
	c.scrub(&out)
	shown := func(v Version) bool { return out.Wanted.Err == nil && v.Err == nil }
	if shown(out.Written) && !written && out.Written.Text == out.Wanted.Text {
		out.Notes = append(out.Notes, "the file differs from what is wanted in what is not shown")
	}
	if shown(out.Loaded) && !loaded && out.Loaded.Text == out.Wanted.Text {
		out.Notes = append(out.Notes, "what is loaded differs from what is wanted in what is not shown")
	}
	return out
}

// same is a comparison that a panic of the library does not end.
func same(compare func() error) bool {
	err := func() (err error) {
		defer recoverAs(&err)
		return compare()
	}()
	return err == nil
}

// version is one of the texts on its way.
type version struct {
	clear *Config // with its secrets; nil: of what Prometheus shows
	text  string  // as Prometheus writes it
	shown *Config // text, read again; nil: nobody has asked for it
	err   error
}

type comparison struct {
	dir  string
	veil veil
}

func (c *comparison) load(text []byte, most int) *version {
	if text == nil {
		return &version{err: errNone}
	}
	whole, err := load(text, most)
	if err != nil {
		return &version{err: hideQuoted(err)}
	}
	v := &version{clear: whole}
	err = func() (err error) {
		defer recoverAs(&err)
		whole.loaded.SetDirectory(c.dir)
		v.text = whole.loaded.String()
		return nil
	}()
	if err != nil {
		v.err = hideQuoted(err)
	}
	return v
}

// look reads what Prometheus would write.
func (v *version) look() {
	if v.err != nil || v.shown != nil {
		return
	}
	err := func() (err error) {
		defer recoverAs(&err)
		v.shown, err = loadShown([]byte(v.text))
		return err
	}()
	if err != nil {
		v.err = hideQuoted(err)
	}
}

func (c *comparison) shown(text []byte) *version {
	if text == nil {
		return &version{err: errNone}
	}
	v := &version{text: string(text)}
	v.look()
	return v
}

// sameClear says whether two configurations of one directory mean the same, secrets
// and all.
func sameClear(a, b *Config) error {
	var d differ
	if diff := d.sections(a.loaded, b.loaded, nil, nil); diff != nil {
		return errors.New(diff.path)
	}
	theirs := byName(b.loaded.ScrapeConfigs)
	for _, sc := range a.loaded.ScrapeConfigs {
		i, ok := theirs[sc.JobName]
		if !ok {
			return errors.New(sc.JobName)
		}
		if diff := d.job(sc, b.loaded.ScrapeConfigs[i], nil, nil); diff != nil {
			return errors.New(diff.path)
		}
	}
	if len(a.loaded.ScrapeConfigs) != len(b.loaded.ScrapeConfigs) {
		return errors.New("scrape_configs")
	}
	return nil
}

// alignTo gives a version the values of the running one wherever these may differ
// without meaning anything, and the running one ours where it leaves something out.
func alignTo(v *version, have *promconfig.Config, haveRoot *yaml.Node) {
	rules := shownRules{global: child(v.clear.root, "global")}
	d := differ{allow: func(path string, wanted, have side) bool {
		if rules.allow(path, wanted, have) {
			adopt(path, wanted, have)
		}
		return true // all of them are looked at
	}}
	wanted := v.shown.loaded
	ours, theirs := wanted.ScrapeConfigs, have.ScrapeConfigs
	wanted.ScrapeConfigs, have.ScrapeConfigs = nil, nil
	d.compare("", side{reflect.ValueOf(wanted).Elem(), v.clear.root}, side{reflect.ValueOf(have).Elem(), haveRoot})
	wanted.ScrapeConfigs, have.ScrapeConfigs = ours, theirs
	rules.job = true
	places := byName(theirs)
	for i, sc := range ours {
		if place, ok := places[sc.JobName]; ok {
			d.compare("", side{reflect.ValueOf(sc).Elem(), at(child(v.clear.root, "scrape_configs"), i)},
				side{reflect.ValueOf(theirs[place]).Elem(), at(child(haveRoot, "scrape_configs"), place)})
		}
	}
}

// adopt makes two values that may differ one.
func adopt(path string, wanted, have side) {
	from, to := have.v, wanted.v
	if wanted.n != nil || pathField.MatchString(path) {
		from, to = to, from
	}
	if from.IsValid() && to.IsValid() && to.CanSet() && from.Type() == to.Type() {
		to.Set(from)
	}
}

// maxText is how long a text is that is compared, in bytes.
const maxText = promfleet.MaxConfigText

// write writes a version, its jobs in the order of ours. What Prometheus shows has
// lost its secrets; file says what else may be told of its external labels.
func (c *comparison) write(v, ours, file *version) (out Version) {
	if v.err != nil {
		return Version{Err: v.err}
	}
	err := func() (err error) {
		defer recoverAs(&err)
		from := v.clear
		if from == nil {
			from = v.shown
		}
		known, text := *from.loaded, v.text
		if v.shown != nil || ours != nil {
			shown := known
			if v.shown != nil {
				shown = *v.shown.loaded
			}
			if ours != nil && ours.err == nil {
				shown.ScrapeConfigs = inOrderOf(ours.clear.loaded.ScrapeConfigs, shown.ScrapeConfigs)
			}
			known.ScrapeConfigs = inOrderOf(shown.ScrapeConfigs, known.ScrapeConfigs)
			text = shown.String()
		}
		if len(text) > maxText {
			return fmt.Errorf("its %d bytes are too many", len(text))
		}
		root, err := parse([]byte(text), maxText)
		if err != nil || root == nil {
			return err
		}
		setLabels(root, labelsToShow(v, ours, file))
		c.veil.theirs = ours != nil
		c.veil.hide(root, &known)
		var b bytes.Buffer
		enc := yaml.NewEncoder(&b)
		enc.SetIndent(2)
		if err := errors.Join(enc.Encode(root), enc.Close()); err != nil {
			return err
		}
		out.Text = b.String()
		return nil
	}()
	if err != nil {
		return Version{Err: hideQuoted(err)}
	}
	return out
}

// setLabels gives a document's external labels other values.
func setLabels(root *yaml.Node, values map[string]string) {
	n := child(child(root, "global"), "external_labels")
	if n == nil {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		n.Content[i+1].SetString(values[n.Content[i].Value])
		n.Content[i+1].Style = 0
	}
}

// inOrderOf gives jobs in the order that others have, and then the rest.
func inOrderOf(others, jobs []*promconfig.ScrapeConfig) []*promconfig.ScrapeConfig {
	place := byName(others)
	jobs = slices.Clone(jobs)
	slices.SortStableFunc(jobs, func(a, b *promconfig.ScrapeConfig) int {
		i, known := place[a.JobName]
		j, too := place[b.JobName]
		switch {
		case known && too:
			return i - j
		case known:
			return -1
		case too:
			return 1
		}
		return 0
	})
	return jobs
}

// labelsToShow gives external labels as they are written, since loading puts values
// of an environment into them. Of those that run, only what is written somewhere.
func labelsToShow(v, ours, file *version) map[string]string {
	if v.clear != nil {
		return rawLabels(v)
	}
	known := []map[string]string{rawLabels(ours), rawLabels(file)}
	out := map[string]string{}
	v.shown.loaded.GlobalConfig.ExternalLabels.Range(func(l labels.Label) {
		out[l.Name] = maskedText
		for _, raw := range known {
			if text, there := raw[l.Name]; there && (text == l.Value || strings.Contains(text, "$")) {
				out[l.Name] = text
				break
			}
		}
	})
	return out
}

func rawLabels(v *version) map[string]string {
	if v == nil || v.clear == nil {
		return nil
	}
	return stringMap(child(child(v.clear.root, "global"), "external_labels"))
}

// scrub takes what is left of secrets out of all that is told.
func (c *comparison) scrub(out *Compared) {
	for _, v := range []*Version{&out.Wanted, &out.Written, &out.Loaded} {
		v.Text = c.veil.scrub(v.Text)
		if v.Err != nil {
			v.Err = errors.New(c.veil.scrub(v.Err.Error()))
		}
	}
}

var (
	quoted   = regexp.MustCompile("`[^`]*`?|\"[^\"]*\"?|'[^']{3,}'?")
	wordLike = regexp.MustCompile(`[^\s:,;.()\[\]{}]+`)
	noField  = regexp.MustCompile(`field ([a-zA-Z_]{1,32}) not found`)
)

// hideQuoted gives an error without what it quotes.
func hideQuoted(err error) error {
	return errors.New(quoted.ReplaceAllString(oneLine(err.Error()), maskedText))
}

// hideWords gives an error about theirs without words that only theirs has: what
// stands where it should not may be a secret.
func hideWords(err error, theirs, ours []byte) error {
	misspelt := map[string]bool{}
	for _, m := range noField.FindAllStringSubmatch(err.Error(), -1) {
		misspelt[m[1]] = true
	}
	return errors.New(wordLike.ReplaceAllStringFunc(err.Error(), func(word string) string {
		if len(word) >= leastWord && !misspelt[word] && bytes.Contains(theirs, []byte(word)) && !bytes.Contains(ours, []byte(word)) && !isField(word) {
			return maskedText
		}
		return word
	}))
}

// leastWord is how long a word is to be looked for.
const leastWord = 4

// isField tells whether a word is the name of a field of Prometheus's.
func isField(word string) bool { return fieldNames()[word] }

// fieldNames are those of all fields that a configuration may have.
var fieldNames = sync.OnceValue(func() map[string]bool {
	names, seen := map[string]bool{}, map[reflect.Type]bool{}
	var visit func(t reflect.Type)
	visit = func(t reflect.Type) {
		for t = asWritten(t); t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array || t.Kind() == reflect.Map); {
			t = asWritten(t.Elem())
		}
		if t == nil || t.Kind() != reflect.Struct || seen[t] {
			return
		}
		seen[t] = true
		for _, f := range yamlFields(t) {
			names[f.key] = true
			visit(f.typ)
		}
	}
	visit(reflect.TypeFor[promconfig.Config]())
	return names
})
