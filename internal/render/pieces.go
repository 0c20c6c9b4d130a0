package render

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"promfleet"
)

// MaxPiece is how many targets a piece may have. A piece is the unit of what an
// edit moves and rewrites: about 50 KB of JSON.
const MaxPiece = 1024

// SplitKey places a target among the pieces of its job: 4 bytes from its labels,
// so that equal label sets stay together and share groups, and 8 from its
// address and name. It sorts bytewise.
type SplitKey [12]byte

const keyBits = 8 * len(SplitKey{})

// KeyOf gives the SplitKey of a target.
func KeyOf(labels map[string]string, addr, name string) SplitKey {
	var k SplitKey
	l := sha256.Sum256(labelsKey(labels))
	t := sha256.Sum256([]byte(addr + "\x00" + name))
	copy(k[:4], l[:])
	copy(k[4:], t[:])
	return k
}

func labelsKey(labels map[string]string) []byte {
	b, err := encodeJSON(labels, "")
	if err != nil || labels == nil {
		return []byte("{}") // a map of strings always encodes
	}
	return b
}

// Range is the keys that share the first Bits bits of Lo, whose other bits are 0.
type Range struct {
	Lo   SplitKey
	Bits int
}

// Hi gives the greatest key of the range.
func (r Range) Hi() SplitKey {
	hi := r.Lo
	for b := r.Bits; b < keyBits; b++ {
		hi[b/8] |= 0x80 >> (b % 8)
	}
	return hi
}

// Parent gives the range twice as large that r is half of; false if r is everything.
func (r Range) Parent() (Range, bool) {
	if r.Bits == 0 {
		return r, false
	}
	p := Range{Lo: r.Lo, Bits: r.Bits - 1}
	p.Lo[p.Bits/8] &^= 0x80 >> (p.Bits % 8)
	return p, true
}

// Name gives the name of the range's piece: `all`, or the bits as hexadecimal
// and their number.
func (r Range) Name() string {
	if r.Bits == 0 {
		return "all"
	}
	return fmt.Sprintf("%s-%d", hex.EncodeToString(r.Lo[:])[:(r.Bits+3)/4], r.Bits)
}

// ParseRange gives the range of a piece's name; false if it is none.
func ParseRange(name string) (Range, bool) {
	if name == "all" {
		return Range{}, true
	}
	digits, _, ok := strings.Cut(name, "-")
	if !ok || len(digits) > 2*len(SplitKey{}) {
		return Range{}, false
	}
	b, err := hex.DecodeString(digits + strings.Repeat("0", 2*len(SplitKey{})-len(digits)))
	if err != nil {
		return Range{}, false
	}
	r := Range{Lo: SplitKey(b)}
	if _, err := fmt.Sscanf(name[len(digits):], "-%d", &r.Bits); err != nil || r.Bits < 1 || r.Bits > keyBits || r.Name() != name {
		return Range{}, false
	}
	return r, true
}

// Leaf is a piece and which of the keys are in it.
type Leaf struct {
	Range
	From, To int // keys[From:To]
}

// Split divides the sorted keys of a range into pieces: a range is a piece if it
// has at most MaxPiece keys, else each half is divided in turn. So the pieces
// depend on the keys alone, never on the order of edits. A range without keys is
// a piece too: the pieces cover everything.
func Split(r Range, keys []SplitKey) []Leaf {
	return split(nil, r, keys, 0)
}

func split(to []Leaf, r Range, keys []SplitKey, from int) []Leaf {
	if len(keys) <= MaxPiece || r.Bits == keyBits {
		return append(to, Leaf{Range: r, From: from, To: from + len(keys)})
	}
	low := Range{Lo: r.Lo, Bits: r.Bits + 1}
	high := low
	high.Lo[r.Bits/8] |= 0x80 >> (r.Bits % 8)
	mid, _ := slices.BinarySearchFunc(keys, high.Lo, func(k, lo SplitKey) int { return bytes.Compare(k[:], lo[:]) })
	to = split(to, low, keys[:mid], from)
	return split(to, high, keys[mid:], from+mid)
}

// Meta says which meta labels a job's relabelling can see.
type Meta struct{ ID, Name, Tags bool }

// The meta labels that a target may carry.
const (
	MetaID   = "__meta_promfleet_target_id"
	MetaName = "__meta_promfleet_target_name"
	MetaTags = "__meta_promfleet_tags"
)

// MetaSeen tells which meta labels the relabel_configs of a scrape_config can
// see: as a source label, or by a labelmap, labeldrop or labelkeep whose regex
// matches. Only those are written, so that nobody pays for what he does not use.
func MetaSeen(scrapeConfig json.RawMessage) Meta {
	sees := relabelling(scrapeConfig)
	return Meta{ID: sees(MetaID), Name: sees(MetaName), Tags: sees(MetaTags)}
}

// MetaFilepath is the meta label in which file_sd says where a target is from.
const MetaFilepath = "__meta_filepath"

// FilepathSeen tells whether relabelling can see MetaFilepath.
func FilepathSeen(scrapeConfig json.RawMessage) bool { return relabelling(scrapeConfig)(MetaFilepath) }

// relabelling gives what tells whether the relabel_configs can see a label.
func relabelling(scrapeConfig json.RawMessage) (sees func(name string) bool) {
	var sc struct {
		RelabelConfigs []struct {
			Action       string   `json:"action"`
			SourceLabels []string `json:"source_labels"`
			TargetLabel  string   `json:"target_label"`
			Regex        *string  `json:"regex"`
		} `json:"relabel_configs"`
	}
	// What does not decode is not accepted by Prometheus either; what did decode counts.
	_ = json.Unmarshal(scrapeConfig, &sc)
	var all []func(string) bool
	see := func(match func(string) bool) { all = append(all, match) }
	for _, rc := range sc.RelabelConfigs {
		see(func(name string) bool { return slices.Contains(rc.SourceLabels, name) })
		switch strings.ToLower(rc.Action) {
		case "keepequal", "dropequal": // these read it
			see(func(name string) bool { return rc.TargetLabel == name })
		case "labelmap", "labeldrop", "labelkeep":
			pattern := "(.*)"
			if rc.Regex != nil {
				pattern = *rc.Regex
			}
			// Anchored, as relabel.NewRegexp does.
			if re, err := regexp.Compile("^(?s:" + pattern + ")$"); err == nil {
				see(re.MatchString)
			}
		}
	}
	return func(name string) bool {
		return slices.ContainsFunc(all, func(match func(string) bool) bool { return match(name) })
	}
}

// group is a target group of a file_sd file.
type group struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels,omitempty"`
}

// TargetFile renders a file_sd file. Targets with equal labels share a group,
// since Prometheus reads a file of few groups much faster than one of many;
// groups and addresses are sorted.
func TargetFile(targets []promfleet.Target, meta Meta) ([]byte, error) {
	groups := make([]Group, 0, len(targets))
	for _, t := range targets {
		labels := t.Labels
		if meta != (Meta{}) {
			labels = maps.Clone(labels)
			if labels == nil {
				labels = map[string]string{}
			}
			if meta.ID {
				labels[MetaID] = fmt.Sprint(t.ID)
			}
			if meta.Name && t.Name != "" {
				labels[MetaName] = t.Name
			}
			if meta.Tags && len(t.Tags) > 0 {
				labels[MetaTags] = "," + strings.Join(slices.Sorted(slices.Values(t.Tags)), ",") + ","
			}
		}
		groups = append(groups, Group{Targets: []string{t.Addr}, Labels: labels})
	}
	list := []group{}
	for _, g := range merged(groups) {
		list = append(list, group(g))
	}
	return encodeJSON(list, " ")
}

// merged has one group for each set of labels; groups and addresses are sorted.
func merged(groups []Group) []Group {
	byLabels := map[string]*Group{}
	for _, g := range groups {
		k := string(labelsKey(g.Labels))
		if byLabels[k] == nil {
			byLabels[k] = &Group{Labels: g.Labels}
		}
		byLabels[k].Targets = append(byLabels[k].Targets, g.Targets...)
	}
	list := make([]Group, 0, len(byLabels))
	for _, k := range slices.Sorted(maps.Keys(byLabels)) {
		slices.Sort(byLabels[k].Targets)
		list = append(list, *byLabels[k])
	}
	return list
}
