package transport

import (
	"fmt"
	"net"
	"sync"
)

// zoneNames remembers the names of interfaces that link-local peers came through.
type zoneNames struct {
	mu    sync.Mutex
	names map[int]string
}

func (z *zoneNames) name(index int) string {
	z.mu.Lock()
	defer z.mu.Unlock()
	if n, ok := z.names[index]; ok {
		return n
	}
	ifc, err := net.InterfaceByIndex(index)
	if err != nil {
		return fmt.Sprint(index)
	}
	if z.names == nil {
		z.names = make(map[int]string)
	}
	z.names[index] = ifc.Name
	return ifc.Name
}
