// Package gate passes API calls on to the real cloud, and holds writes until
// somebody has said yes.
package gate
