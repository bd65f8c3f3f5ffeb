package gate

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// hosts are those that do not follow the rule <product>.<region>.aliyuncs.com:
// of the regions that customers can use, what the official SDK ships
// (services/*/endpoint.go of alibaba-cloud-sdk-go; a test compares the two).
var hosts = []struct {
	product, host string
	regions       []string // nil: all
}{
	{"Vpc", "vpc.aliyuncs.com", []string{
		"cn-hangzhou", "cn-hangzhou-finance", "cn-shanghai-finance-1", "cn-shenzhen-finance-1", "cn-beijing-finance-pop", "cn-beijing-gov-1", "cn-north-2-gov-1", "cn-wuhan", "cn-fujian",
	}},
	{"Ecs", "ecs-cn-hangzhou.aliyuncs.com", []string{"cn-hangzhou", "cn-shanghai-finance-1", "cn-shenzhen-finance-1", "cn-fujian"}},
	{"Ecs", "ecs.aliyuncs.com", []string{"cn-hangzhou-finance", "cn-beijing-finance-pop", "cn-beijing-gov-1", "cn-north-2-gov-1", "cn-wuhan"}},
	{"Sts", "sts.aliyuncs.com", []string{"cn-hangzhou-finance", "cn-beijing-finance-1", "cn-beijing-finance-pop", "cn-beijing-gov-1", "cn-wuhan", "cn-fujian"}},
	{"Sts", "sts-vpc.cn-north-2-gov-1.aliyuncs.com", []string{"cn-north-2-gov-1"}},
	{"Sts", "sts-vpc.cn-shenzhen-finance-1.aliyuncs.com", []string{"cn-shenzhen-finance-1"}},
	{"VpcPeer", "vpcpeer.aliyuncs.com", nil},
}

// A region becomes part of a host name to which signed requests go, so nothing
// else may get in.
var regionForm = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)+$`)

// Public returns the URL of a product of the real cloud in a region.
func Public(product, region string) (string, error) {
	if !regionForm.MatchString(region) || len(region) > 50 {
		return "", fmt.Errorf("%.60q is not a region id; one looks like cn-qingdao", region)
	}
	for _, h := range hosts {
		if strings.EqualFold(h.product, product) && (h.regions == nil || slices.Contains(h.regions, region)) {
			return "https://" + h.host, nil
		}
	}
	return "https://" + strings.ToLower(product) + "." + region + ".aliyuncs.com", nil
}
