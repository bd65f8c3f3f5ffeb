// Package mns is the wire of the Message Service: the XML over HTTP that the
// official SDKs speak, in front of the engine's queues.
package mns
