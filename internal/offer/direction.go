package offer

// A Direction is what one side does with a stream, from its own point of view (RFC 3264
// section 5.1): a set of Send and Receive.
type Direction uint8

// The four directions.
const (
	Inactive Direction = 0
	SendOnly Direction = 1
	RecvOnly Direction = 2
	SendRecv Direction = SendOnly | RecvOnly
)

// String is the attribute's name.
func (d Direction) String() string {
	return [...]string{"inactive", "sendonly", "recvonly", "sendrecv"}[d&SendRecv]
}

// CanSend reports whether the side sends.
func (d Direction) CanSend() bool { return d&SendOnly != 0 }

// CanReceive reports whether the side receives.
func (d Direction) CanReceive() bool { return d&RecvOnly != 0 }

// Reverse is the same stream seen from the other side.
func (d Direction) Reverse() Direction { return d&SendOnly<<1 | d&RecvOnly>>1 }

func directionOf(name string) (Direction, bool) {
	switch name {
	case "inactive":
		return Inactive, true
	case "sendonly":
		return SendOnly, true
	case "recvonly":
		return RecvOnly, true
	case "sendrecv":
		return SendRecv, true
	}
	return 0, false
}
