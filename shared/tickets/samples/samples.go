// Package samples has a configuration for each ticket system, and what goes with
// it there: the fields of a Jira issue type, the variables of a ServiceNow
// catalog item and its business rule.
package samples

import "embed"

// Files are the samples.
//
//go:embed *.json *.js
var Files embed.FS
