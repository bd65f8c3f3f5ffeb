// Package engine is the local cloud's one state machine: what Alibaba Cloud's
// VPC, ECS, STS, OOS and MNS do, as far as this project knows it, with a clock
// of its own and every fault at the command of a seed.
//
// It imports nothing of the project's other parts, opens no socket and starts
// no goroutine. The wire stands in front of it (openapi, mns); the simulator
// drives it in process. Each behaviour has a source: see Sections.
package engine
