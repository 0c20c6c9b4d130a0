package apply

import (
	"errors"
	"fmt"
	"io/fs"

	"promfleet"
)

// found is what the disk says now of what is wanted.
type found struct {
	files  map[string]Record // those there, by path
	known  map[string]bool   // of them: not touched since they were written
	dirs   map[string]bool   // directories of jobs
	config *Record           // prometheus.yml; nil: there is none
	same   bool              // it was not touched since it was written
	theirs []byte            // what it says if the agent has not written it
}

// hash is that of prometheus.yml, empty if there is none.
func (f *found) hash() promfleet.Hash {
	if f.config == nil {
		return ""
	}
	return f.config.Hash
}

// look looks at what a set names.
func (d *Disk) look(set Set) (found, error) {
	f := found{files: map[string]Record{}, known: map[string]bool{}, dirs: map[string]bool{}}
	for _, j := range set.Jobs {
		info, err := d.targets.fs.Lstat(j.Key)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
		f.dirs[j.Key] = err == nil && info.IsDir()
		for _, file := range j.Files {
			rec, known, err := d.file(file)
			if err != nil {
				return f, err
			}
			if rec != nil {
				f.files[file.Path()], f.known[file.Path()] = *rec, known
			}
			if _, staged := d.stagedAs(file); !staged && (rec == nil || rec.Hash != file.Hash) {
				return f, fmt.Errorf("target file %s is not as it should be, and its body is not there", file.Path())
			}
		}
	}
	var err error
	f.config, f.same, f.theirs, err = d.prometheusYML()
	return f, err
}

// file tells of a target file; nil if there is none. One that was not touched
// since it was written, going by size and mtime, is not read again.
func (d *Disk) file(f File) (now *Record, known bool, err error) {
	info, err := d.targets.stat(f.Path())
	if err != nil || info == nil {
		return nil, false, err
	}
	rec, owned := d.m.Files[f.Path()]
	if owned && rec.is(info) {
		return &rec, true, nil
	}
	body, err := d.targets.fs.ReadFile(f.Path())
	if err != nil {
		return nil, false, err
	}
	now = record(promfleet.HashOf(body), info)
	if !owned && now.Hash != f.Hash {
		return nil, false, fmt.Errorf("%s is there and not the agent's: move it away", d.targets.abs(f.Path()))
	}
	return now, false, nil
}

func record(hash promfleet.Hash, info fs.FileInfo) *Record {
	return &Record{Hash: hash, Size: info.Size(), MTime: info.ModTime().UnixNano()}
}

func (r Record) is(info fs.FileInfo) bool {
	return r.MTime == info.ModTime().UnixNano() && r.Size == info.Size()
}

// prometheusYML tells of the prometheus.yml that is there; nil if there is none.
func (d *Disk) prometheusYML() (now *Record, known bool, theirs []byte, err error) {
	info, err := d.config.stat(d.name)
	if err != nil || info == nil {
		return nil, false, nil, err
	}
	rec := d.m.Config
	if rec != nil && rec.is(info) && rec.Hash != d.m.TakenOver {
		return rec, true, nil, nil
	}
	body, err := d.config.fs.ReadFile(d.name)
	if err != nil {
		return nil, false, nil, err
	}
	now = record(promfleet.HashOf(body), info)
	// The one that is being taken over is theirs until it is replaced, and so is
	// one that has appeared where the agent was about to write its first.
	if rec == nil || now.Hash == d.m.TakenOver || rec.MTime == 0 && now.Hash != rec.Hash {
		theirs = append([]byte{}, body...)
	}
	return now, false, theirs, nil
}

// Foreign gives the prometheus.yml that is there if the agent has not written it,
// and whether there is one.
func (d *Disk) Foreign() ([]byte, bool, error) {
	_, _, theirs, err := d.prometheusYML()
	return theirs, theirs != nil, err
}

// Missing gives the files that the disk does not have as they should be, and that
// are not staged: their bodies must be staged before Apply.
func (d *Disk) Missing(jobs []Job) ([]File, error) {
	var missing []File
	news := map[string]Record{}
	for _, j := range jobs {
		for _, f := range j.Files {
			now, known, err := d.file(f)
			if err != nil {
				return nil, err
			}
			if _, owned := d.m.Files[f.Path()]; owned && now != nil && !known {
				news[f.Path()] = *now
			}
			if _, staged := d.stagedAs(f); !staged && (now == nil || now.Hash != f.Hash) {
				missing = append(missing, f)
			}
		}
	}
	if len(news) > 0 {
		d.m, _ = d.step(d.m, noticed{news})
	}
	return missing, nil
}
