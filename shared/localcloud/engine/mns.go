package engine

type mnsState struct{}

func (e *Engine) initMns() {}

func mnsOpenActions() []Action { return nil }
