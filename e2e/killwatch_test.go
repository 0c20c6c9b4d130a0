package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"promfleet/internal/check"
)

// watcher reads prometheus.yml and all target files again and again.
type watcher struct {
	h    *host
	last string // how a whole prometheus.yml ends
	seen map[string]bool

	reads, configs, targets, torn atomic.Int64
	quit, done                    chan struct{}
}

// startWatcher starts one that runs until the test ends. From now on
// prometheus.yml always has the job that is the last in it.
func startWatcher(t *testing.T, h *host) *watcher {
	w := &watcher{h: h, last: filepath.Join(h.targets(), steadyJob, "*.json") + "\"\n", seen: map[string]bool{}, quit: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		for {
			select {
			case <-w.quit:
				return
			case <-time.After(200 * time.Microsecond): // else it takes a core
				w.look(t)
			}
		}
	}()
	t.Cleanup(func() { close(w.quit); <-w.done })
	return w
}

// look reads everything once.
func (w *watcher) look(t *testing.T) {
	w.read(t, w.h.config(), &w.configs, func(body []byte) error {
		if !bytes.HasSuffix(body, []byte(w.last)) {
			return errors.New("its end is missing")
		}
		_, err := check.Load(body)
		return err
	})
	files, _ := filepath.Glob(filepath.Join(w.h.targets(), "*", "*.json"))
	for _, file := range files {
		w.read(t, file, &w.targets, func(body []byte) error {
			if !json.Valid(body) || !strings.HasPrefix(string(body), "[") {
				return errors.New("it is no JSON list")
			}
			_, err := check.TargetGroups(body)
			return err
		})
	}
}

// read reads a file as Prometheus would at this moment, and judges a body that is
// new.
func (w *watcher) read(t *testing.T, name string, distinct *atomic.Int64, judge func([]byte) error) {
	body, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && name != w.h.config():
		return // removed since it was listed
	case err != nil:
		w.torn.Add(1)
		t.Errorf("read: %v", err)
		return
	}
	w.reads.Add(1)
	if w.seen[string(body)] {
		return
	}
	w.seen[string(body)] = true
	distinct.Add(1)
	if err := judge(body); err != nil {
		w.torn.Add(1)
		t.Errorf("%s was torn: %v\n%s", name, err, body)
	}
}

func (w *watcher) report(t *testing.T) {
	t.Logf("FIGURE %d reads beside it, with %d different prometheus.yml and %d different target files: %d torn", w.reads.Load(), w.configs.Load(), w.targets.Load(), w.torn.Load())
	if w.configs.Load() < 2 || w.targets.Load() < 2 {
		t.Error("the watcher has seen no change: it proves nothing")
	}
}

// limitsOf gives the sample_limit of each job that has one.
func limitsOf(t *testing.T, yml []byte) map[string]int {
	t.Helper()
	var config struct {
		Jobs []struct {
			Name  string `yaml:"job_name"`
			Limit int    `yaml:"sample_limit"`
		} `yaml:"scrape_configs"`
	}
	if err := yaml.Unmarshal(yml, &config); err != nil {
		t.Fatal(err)
	}
	limits := map[string]int{}
	for _, j := range config.Jobs {
		if j.Limit > 0 {
			limits[j.Name] = j.Limit
		}
	}
	return limits
}
