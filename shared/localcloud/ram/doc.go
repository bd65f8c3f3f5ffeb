// Package ram is the permissions of the local cloud: RAM's policy language, a
// table of what each API call needs, and a judge that holds the calls of roles
// to their policies and remembers which permissions were used.
package ram
