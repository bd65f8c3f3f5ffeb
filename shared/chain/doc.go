// Package chain carries a connection through its steps: the message, the one
// table of actions and steps, the outcomes of a step, and the handler that
// turns a queue's event into a step's run and a step's outcome into the next
// message (DESIGN rules 2 to 6).
package chain
