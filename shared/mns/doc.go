// Package mns sends, receives and looks at messages of Alibaba Cloud's message
// queues. It alone imports the MNS SDK, and keeps that SDK's traps in: no
// context, panics on odd input, repeats of its own, a racing rate monitor.
package mns
