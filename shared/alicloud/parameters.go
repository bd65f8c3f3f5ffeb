package alicloud

import (
	"context"
	"encoding/json"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/oos"

	"vpcinterconnect/shared/interconnect"
)

// Parameters calls the Parameter Store of the deployment's own region.
type Parameters struct{ r *Reader }

func toParameter(p *oos.Parameter) (interconnect.Parameter, error) {
	return interconnect.Parameter{
		Name:    p.Name,
		Value:   p.Value,
		Version: p.ParameterVersion,
		Updated: p.UpdatedDate,
	}, needVersion(p.Name, p.ParameterVersion)
}

func needVersion(name string, version int) error {
	if version < 1 {
		return need("Name", name, "ParameterVersion", "")
	}
	return need("Name", name)
}

// ParametersByName returns those of up to 10 entries that are there, in any order.
func (s *Parameters) ParametersByName(ctx context.Context, names []string) ([]interconnect.Parameter, error) {
	list, err := json.Marshal(names)
	if err != nil {
		return nil, err
	}
	req, resp := oos.CreateGetParametersRequest(), oos.CreateGetParametersResponse()
	req.Names = string(list)
	if err := s.r.read(ctx, s.r.region, req, resp); err != nil {
		if interconnect.IsGone(err) { // whether names of which none is there are an error is not documented
			return nil, nil
		}
		return nil, err
	}
	items, err := each(resp.Parameters, toParameter)
	if err != nil {
		return nil, s.r.malformed(req, resp, err)
	}
	return items, nil
}

// ParameterAt returns an entry as it was at a version. The error's class is Gone if
// that is not there, or not kept any more.
func (s *Parameters) ParameterAt(ctx context.Context, name string, version int) (interconnect.Parameter, error) {
	req, resp := oos.CreateGetParameterRequest(), oos.CreateGetParameterResponse()
	req.Name, req.ParameterVersion = name, requests.NewInteger(version)
	if err := s.r.read(ctx, s.r.region, req, resp); err != nil {
		return interconnect.Parameter{}, err
	}
	p, err := toParameter(&resp.Parameter)
	if err != nil {
		return interconnect.Parameter{}, s.r.malformed(req, resp, err)
	}
	return p, nil
}

// ParametersByPath returns all entries below a path, at any depth; none if
// there are none.
func (s *Parameters) ParametersByPath(ctx context.Context, path string) ([]interconnect.Parameter, error) {
	all, err := byToken("GetParametersByPath", func(token string) ([]interconnect.Parameter, string, error) {
		req, resp := oos.CreateGetParametersByPathRequest(), oos.CreateGetParametersByPathResponse()
		req.Path = path
		req.Recursive = requests.NewBoolean(true)
		// MaxResults stays at the API's default: the largest it takes is not
		// documented beyond doubt (10, by its sister API for secrets).
		req.NextToken = token
		if err := s.r.read(ctx, s.r.region, req, resp); err != nil {
			return nil, "", err
		}
		items, err := each(resp.Parameters, toParameter)
		if err != nil {
			return nil, "", s.r.malformed(req, resp, err)
		}
		return items, resp.NextToken, nil
	})
	if interconnect.IsGone(err) { // whether an unknown path is an error is not documented
		return nil, nil
	}
	return all, err
}

// CreateParameter makes an entry and returns its version. Done but reported
// failed: the next attempt says that it exists.
func (s *Parameters) CreateParameter(ctx context.Context, name, value string) (int, error) {
	req, resp := oos.CreateCreateParameterRequest(), oos.CreateCreateParameterResponse()
	req.Name, req.Value, req.Type = name, value, "String"
	if err := s.r.write(ctx, s.r.region, req, resp); err != nil {
		return 0, err
	}
	if err := needVersion(name, resp.Parameter.ParameterVersion); err != nil {
		return 0, s.r.malformed(req, resp, err)
	}
	return resp.Parameter.ParameterVersion, nil
}

// UpdateParameter gives an entry a new value and returns its new version. Done
// but reported failed: the entry holds the value.
func (s *Parameters) UpdateParameter(ctx context.Context, name, value string) (int, error) {
	req, resp := oos.CreateUpdateParameterRequest(), oos.CreateUpdateParameterResponse()
	req.Name, req.Value = name, value
	if err := s.r.write(ctx, s.r.region, req, resp); err != nil {
		return 0, err
	}
	if err := needVersion(name, resp.Parameter.ParameterVersion); err != nil {
		return 0, s.r.malformed(req, resp, err)
	}
	return resp.Parameter.ParameterVersion, nil
}

// DeleteParameter removes an entry. The error's class is Gone if there is
// none.
func (s *Parameters) DeleteParameter(ctx context.Context, name string) error {
	req := oos.CreateDeleteParameterRequest()
	req.Name = name
	return s.r.write(ctx, s.r.region, req, oos.CreateDeleteParameterResponse())
}
