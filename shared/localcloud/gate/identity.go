package gate

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"vpcinterconnect/shared/localcloud/openapi"
)

// Identity is whose a key is.
type Identity struct {
	AccountID string `json:"AccountId"`
	ARN       string `json:"Arn"`
}

// Identify asks the real cloud whose o's key is, at the endpoint of a region.
// Its errors hold neither key nor signature.
func Identify(ctx context.Context, o Options, region string) (Identity, error) {
	var who Identity
	if o.Endpoint == nil {
		o.Endpoint = Public
	}
	base, err := o.Endpoint("Sts", region)
	if err != nil {
		return who, err
	}
	all := map[string]string{
		"Action": "GetCallerIdentity", "Version": "2015-04-01", "Format": "JSON", "RegionId": region,
		"AccessKeyId": o.Key.AccessKeyID, "SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0",
		"SignatureNonce": rand.Text(), "Timestamp": time.Now().UTC().Format("2006-01-02T15:04:05Z"),
	}
	if o.Key.SecurityToken != "" {
		all["SecurityToken"] = o.Key.SecurityToken
	}
	all["Signature"] = openapi.Sign(http.MethodPost, all, o.Key.AccessKeySecret)
	query := url.Values{}
	for k, v := range all {
		query.Set(k, v)
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/?"+query.Encode(), nil)
	if err != nil {
		return who, errors.New("the endpoint's URL cannot be read")
	}
	res, err := client(o.Transport).Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // u's own text has the signed URL
		}
		return who, fmt.Errorf("the real cloud cannot be reached: %w", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, longestBody))
	if err != nil {
		return who, fmt.Errorf("the real cloud's answer was cut off: %w", err)
	}
	var answer struct {
		Identity
		Code string
	}
	err = json.Unmarshal(text, &answer)
	switch {
	case res.StatusCode != http.StatusOK:
		return who, fmt.Errorf("the real cloud does not say whose this key is: HTTP %d %s", res.StatusCode, printable(answer.Code))
	case err != nil || answer.AccountID == "":
		return who, errors.New("the real cloud's answer cannot be read")
	}
	return answer.Identity, nil
}
