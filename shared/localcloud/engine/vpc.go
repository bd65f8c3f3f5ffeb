package engine

// vpcState is the VPC service's part of the world.
type vpcState struct{}

func (e *Engine) initVpc() {}

func vpcActions() []Action { return nil }
