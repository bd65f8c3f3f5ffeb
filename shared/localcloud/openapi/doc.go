// Package openapi is the wire in front of the engine for the products that
// speak Alibaba Cloud's RPC protocol: signatures, timestamps, nonces and
// tokens checked, documented error bodies, one endpoint for all products and
// regions.
package openapi
