package engine

// ecsState is ECS's part of the world.
type ecsState struct{}

func (e *Engine) initEcs() {}

func ecsActions() []Action { return nil }
