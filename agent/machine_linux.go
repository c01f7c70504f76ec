package agent

import (
	"syscall"

	"tipring/webui/api"
)

// readOnly is ST_RDONLY of statfs(2).
const readOnly = 1

// diskOf is the file system that holds path.
func diskOf(path string) api.Disk {
	d := api.Disk{Path: path}
	var s syscall.Statfs_t
	if syscall.Statfs(path, &s) != nil {
		return d
	}
	d.TotalBytes, d.FreeBytes = int64(s.Blocks)*int64(s.Bsize), int64(s.Bavail)*int64(s.Bsize)
	d.ReadOnly = s.Flags&readOnly != 0
	return d
}
