//go:build unix

package doctor

import (
	"io/fs"
	"os"
	"os/user"
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// fileOf gives what tells a file from all others.
func fileOf(info fs.FileInfo) (file, bool) {
	st, is := info.Sys().(*syscall.Stat_t)
	if !is {
		return file{}, false
	}
	dev := uint64(st.Dev) //nolint:unconvert // of another type on other systems
	return file{major: uint64(unix.Major(dev)), minor: uint64(unix.Minor(dev)), inode: st.Ino}, true
}

// owner gives whose a file is.
func owner(info fs.FileInfo) (uid, gid uint32, known bool) {
	st, is := info.Sys().(*syscall.Stat_t)
	if !is {
		return 0, 0, false
	}
	return st.Uid, st.Gid, true
}

// mayWrite says why this user may not make, rename and remove files in a
// directory. It asks the kernel, so access lists and a read-only filesystem count.
func mayWrite(dir string) error {
	return unix.Faccessat(unix.AT_FDCWD, dir, unix.R_OK|unix.W_OK|unix.X_OK, unix.AT_EACCESS)
}

// mayRead says why this user may not read a file.
func mayRead(file string) error {
	return unix.Faccessat(unix.AT_FDCWD, file, unix.R_OK, unix.AT_EACCESS)
}

// space is what a filesystem has left for this user.
type space struct {
	bytes, of      uint64
	inodes, ofThem uint64 // 0 of 0: it counts none
}

func spaceAt(path string) (space, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return space{}, err
	}
	block := uint64(s.Bsize)
	left := uint64(s.Bavail)  //nolint:unconvert // of other types on other systems
	inodes := uint64(s.Ffree) //nolint:unconvert // the same
	return space{bytes: left * block, of: s.Blocks * block, inodes: inodes, ofThem: s.Files}, nil
}

// me says who runs this.
func me() string { return userName(uint32(os.Geteuid())) }

func userName(uid uint32) string {
	u, err := user.LookupId(strconv.Itoa(int(uid)))
	if err != nil {
		return "user " + strconv.Itoa(int(uid))
	}
	return "user " + u.Username
}

// mayGive tells whether this user may make a file one of that owner's.
func mayGive(uid, gid uint32) bool {
	if os.Geteuid() == 0 {
		return true
	}
	groups, err := os.Getgroups()
	return err == nil && int(uid) == os.Geteuid() && (int(gid) == os.Getegid() || slices.Contains(groups, int(gid)))
}
