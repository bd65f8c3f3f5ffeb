package engine

type stsState struct{}

func (e *Engine) initSts() {}

func stsActions() []Action { return nil }
