package mns

import (
	"errors"
	"regexp"
	"strings"
	"sync"
)

// The SDK finds account and region by the endpoint's five pieces between dots
// and panics at any other number of them, so the form is held exactly: either
// the real endpoint over HTTPS, or a local one with the real name as its path.
var (
	realEndpoint  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^https://[0-9]+\.mns\.[a-z0-9-]+\.aliyuncs\.com$`) })
	localEndpoint = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^https?://[A-Za-z0-9-]+(:[0-9]{1,5})?/[0-9]+\.mns\.[a-z0-9-]+\.aliyuncs\.com$`)
	})
)

// endpoint checks an endpoint and returns it as the SDK wants it.
func endpoint(s string) (string, error) {
	s = strings.TrimRight(s, "/") // the SDK adds one of its own
	if !realEndpoint().MatchString(s) && !localEndpoint().MatchString(s) {
		return "", errors.New("the MNS endpoint has to be https://<account id>.mns.<region>.aliyuncs.com, or for a local cloud http://localhost:<port>/<account id>.mns.<region>.aliyuncs.com: a host without dots")
	}
	return s, nil
}
