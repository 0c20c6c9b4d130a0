package doctor

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// tryWriting writes a file without a name in a directory and lets it go: nothing
// stays, whatever happens. Filesystems that have no such files are not tried.
func tryWriting(dir string) error {
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_WRONLY|unix.O_CLOEXEC, 0o600)
	if errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EISDIR) || errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), dir)
	// More than what small files may have in their inode.
	_, err = f.Write(make([]byte, 64<<10))
	return errors.Join(err, f.Sync(), f.Close())
}

// immutable tells of a file that chattr +i or +a has fixed.
func immutable(path string) bool {
	var st unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_BASIC_STATS, &st)
	return err == nil && st.Attributes&(unix.STATX_ATTR_IMMUTABLE|unix.STATX_ATTR_APPEND) != 0
}

// accessList tells whether a file has one, so that its mode does not say all.
func accessList(path string) bool {
	n, err := unix.Getxattr(path, "system.posix_acl_access", nil)
	return err == nil && n > 0
}
