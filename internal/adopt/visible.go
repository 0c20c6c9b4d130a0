package adopt

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"promfleet/internal/render"
)

// newcomers are the meta labels that a static target gets when it becomes one of
// the fleet's.
var newcomers = []string{render.MetaFilepath, render.MetaID, render.MetaName}

// ruledBy says which of a job's relabel_configs would make other labels of static
// targets that become the fleet's, since it sees a meta label that they get; empty:
// none. A rule that names promfleet's own labels wants them.
func ruledBy(scrapeConfig json.RawMessage) (why string) {
	var sc struct {
		RelabelConfigs []struct {
			Action       string   `json:"action"`
			SourceLabels []string `json:"source_labels"`
			TargetLabel  string   `json:"target_label"`
			Regex        *string  `json:"regex"`
			Replacement  *string  `json:"replacement"`
		} `json:"relabel_configs"`
	}
	// What does not decode Prometheus has not loaded; what did decode counts.
	_ = json.Unmarshal(scrapeConfig, &sc)
	for i, rc := range sc.RelabelConfigs {
		if slices.Contains(rc.SourceLabels, render.MetaFilepath) || rc.TargetLabel == render.MetaFilepath {
			return fmt.Sprintf("relabel_configs[%d] reads %s, which only targets in files have", i, render.MetaFilepath)
		}
		if !strings.EqualFold(rc.Action, "labelmap") {
			continue
		}
		pattern, replacement := "(.*)", "$1"
		if rc.Regex != nil {
			pattern = *rc.Regex
		}
		if rc.Replacement != nil {
			replacement = *rc.Replacement
		}
		re, err := regexp.Compile("^(?s:" + pattern + ")$") // as Prometheus does
		if err != nil {
			continue
		}
		for _, name := range newcomers {
			if made := re.ReplaceAllString(name, replacement); re.MatchString(name) && made != name {
				return fmt.Sprintf("relabel_configs[%d] (labelmap) would make a label %s of %s; narrow its regex to have them taken", i, made, name)
			}
		}
	}
	return ""
}
