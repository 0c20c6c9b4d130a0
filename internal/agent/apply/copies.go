package apply

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"promfleet"
)

// ConfigName stands for prometheus.yml where files are named by their path below
// the targets directory. No target file has it.
const ConfigName = "prometheus.yml"

// Copies keeps what the agent has written, or is about to: the body of each file,
// compressed, in the data path. They tell a file that an agent killed half-way has
// left from one that somebody has edited, say what should be there, and put it
// back with no server to ask. A copy that is lost or damaged costs no more than
// that: it is not brought to the disk at once, and its hash is checked.
type Copies struct {
	root  *os.Root
	begun bool // see begin

	mu   sync.Mutex
	have map[string][]promfleet.Hash // by path, in the order in which they came since the start, cut to copyHash
}

const (
	copiesDir = "written"
	copyHash  = 32 // characters of a hash in a name, which must not be too long
	tempCopy  = "tmp-"
	underWay  = "under-way"
)

// OpenCopies opens the copies in a data path, which the caller has locked.
func OpenCopies(dataPath string) (*Copies, error) {
	data, err := os.OpenRoot(dataPath)
	if err != nil {
		return nil, fmt.Errorf("--data.path: %w", err)
	}
	defer data.Close()
	if err := data.Mkdir(copiesDir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("--data.path %s: %w", dataPath, err)
	}
	c := &Copies{have: map[string][]promfleet.Hash{}}
	if c.root, err = data.OpenRoot(copiesDir); err != nil {
		return nil, fmt.Errorf("--data.path %s: %w", dataPath, err)
	}
	if err := c.list(); err != nil {
		return nil, errors.Join(fmt.Errorf("--data.path %s: %w", dataPath, err), c.Close())
	}
	return c, nil
}

// list finds out what is there, and removes what a killed agent was writing.
func (c *Copies) list() error {
	entries, err := fs.ReadDir(c.root.FS(), ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		if name == underWay {
			c.begun = true
			continue
		}
		if strings.HasPrefix(name, tempCopy) {
			_ = c.root.Remove(name) // on a disk that cannot be written it may stay
			continue
		}
		if parts := strings.Split(name, "@"); len(parts) == 3 && len(parts[2]) == copyHash {
			file := parts[0]
			if parts[1] != "" {
				file += "/" + parts[1] + ".json"
			}
			c.have[file] = append(c.have[file], promfleet.Hash(parts[2]))
		}
	}
	return nil
}

// Close closes the directory.
func (c *Copies) Close() error { return c.root.Close() }

func copyName(file string, hash promfleet.Hash) string {
	key, name, _ := strings.Cut(file, "/")
	return key + "@" + strings.TrimSuffix(name, ".json") + "@" + short(hash)
}

func short(hash promfleet.Hash) string { return string(hash[:min(len(hash), copyHash)]) }

// Keep keeps the body of a file. Several may be kept at the same time.
func (c *Copies) Keep(file string, hash promfleet.Hash, body []byte) error {
	if c.Has(file, hash) {
		return nil
	}
	name := copyName(file, hash)
	temp := tempCopy + name
	err := c.root.WriteFile(temp, compress(body), 0o600)
	if err == nil {
		err = c.root.Rename(temp, name)
	}
	if err != nil {
		_ = c.root.Remove(temp)
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.have[file] = append(c.have[file], promfleet.Hash(short(hash)))
	return nil
}

// Has tells whether a file had, or is about to have, a body of a hash.
func (c *Copies) Has(file string, hash promfleet.Hash) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Contains(c.have[file], promfleet.Hash(short(hash)))
}

// newest gives the hash of what was last kept of a file, cut short; "" if nothing
// was.
func (c *Copies) newest(file string) promfleet.Hash {
	c.mu.Lock()
	defer c.mu.Unlock()
	versions := c.have[file]
	if len(versions) == 0 {
		return ""
	}
	return versions[len(versions)-1]
}

// Body gives the body of a file that has a hash; false if it is not there, or
// damaged.
func (c *Copies) Body(file string, hash promfleet.Hash) ([]byte, bool) {
	if !c.Has(file, hash) {
		return nil, false
	}
	return c.read(file, hash)
}

// read reads a copy. A damaged one is forgotten, so that it can be kept anew.
func (c *Copies) read(file string, hash promfleet.Hash) ([]byte, bool) {
	body, err := c.readFile(copyName(file, hash))
	if err == nil && short(promfleet.HashOf(body)) == short(hash) {
		return body, true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.have[file] = slices.DeleteFunc(c.have[file], func(v promfleet.Hash) bool { return string(v) == short(hash) })
	return nil, false
}

func (c *Copies) readFile(name string) ([]byte, error) {
	f, err := c.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(z, 64<<20))
}

// Only removes all copies but those: the hashes to keep of each file.
func (c *Copies) Only(keep map[string][]promfleet.Hash) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for file, versions := range c.have {
		left := slices.DeleteFunc(slices.Clone(versions), func(v promfleet.Hash) bool {
			if slices.ContainsFunc(keep[file], func(h promfleet.Hash) bool { return short(h) == string(v) }) {
				return false
			}
			err := c.root.Remove(copyName(file, v))
			if errors.Is(err, fs.ErrNotExist) {
				err = nil
			}
			errs = append(errs, err)
			return err == nil
		})
		if c.have[file] = left; len(left) == 0 {
			delete(c.have, file)
		}
	}
	return errors.Join(errs...)
}

// begin notes that files are about to be removed, end that they were: an agent that
// is killed in between does not know which.
func (c *Copies) begin() {
	if !c.begun {
		c.begun = c.root.WriteFile(underWay, nil, 0o600) == nil
	}
}

func (c *Copies) end() {
	if c.begun {
		c.begun = c.root.Remove(underWay) != nil
	}
}

var compressors = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	return z
}}

func compress(body []byte) []byte {
	var out bytes.Buffer
	z := compressors.Get().(*gzip.Writer)
	defer compressors.Put(z)
	z.Reset(&out)
	_, _ = z.Write(body) // a buffer takes everything
	_ = z.Close()
	return out.Bytes()
}
