// Package trigger is the edge to Function Compute: it starts the runtime loop
// and decodes what triggers deliver: HTTP requests, timer ticks, and queue
// messages in every shape in which event streams and event buses bring them.
package trigger
