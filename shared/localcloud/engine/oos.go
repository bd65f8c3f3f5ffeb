package engine

type oosState struct{}

func (e *Engine) initOos() {}

func oosActions() []Action { return nil }
