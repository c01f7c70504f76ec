package echo

// cover is the nonlinear processor.
type cover struct{ off bool }

func (c *cover) reset() { *c = cover{off: c.off} }

func (c *cover) process(out, errs []int16, echo []int32) { copy(out, errs) }
