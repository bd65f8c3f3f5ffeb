package alicloud

import (
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/aliyun/alibaba-cloud-sdk-go/services/ecs"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/oos"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/sts"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/vpc"
)

// endpointExceptions are the regions whose endpoint does not follow the rule
// <product>.<region>.aliyuncs.com, by product, as the SDK ships them
// (services/*/endpoint.go). The SDK fills these maps on first use without a
// lock, so they are fetched once here and read only.
var endpointExceptions = sync.OnceValue(func() map[string]map[string]string {
	return map[string]map[string]string{
		"Vpc": vpc.GetEndpointMap(),
		"Ecs": ecs.GetEndpointMap(),
		"Sts": sts.GetEndpointMap(),
		"Oos": oos.GetEndpointMap(),
	}
})

// centralEndpoints are of products that have one host for all regions; the SDK
// says so (services/*/endpoint.go), and users were bitten by the regional rule.
var centralEndpoints = map[string]string{"VpcPeer": "vpcpeer.aliyuncs.com"}

// A region becomes part of a host name to which signed requests go, so nothing
// else may get in.
var regionForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)+$`) })

// endpoint returns the public host of a product in a region.
func endpoint(product, region string) (string, error) {
	if !regionForm().MatchString(region) || len(region) > 50 {
		return "", fmt.Errorf("%.60q is not a region id; one looks like cn-qingdao", region)
	}
	if host := centralEndpoints[product]; host != "" {
		return host, nil
	}
	if host := endpointExceptions()[product][region]; host != "" {
		return host, nil
	}
	return strings.ToLower(product) + "." + region + ".aliyuncs.com", nil
}
