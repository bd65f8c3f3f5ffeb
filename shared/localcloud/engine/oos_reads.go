package engine

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
)

type getParameterParameters struct {
	Name             string `api:",required"`
	ParameterVersion *int
	ResourceGroupId  string
}

func getParameter(e *Engine, t *tx, p *getParameterParameters) (*parameterAnswer, error) {
	found, err := e.parameter(t, t.seen, p.Name, false)
	if err == nil && p.ResourceGroupId != "" && found.resourceGroup != p.ResourceGroupId {
		return nil, errNoSuch("Parameter", p.Name)
	}
	if err != nil {
		return nil, err
	}
	v, ok := found.version(p.ParameterVersion)
	if !ok {
		return nil, errNoSuch("ParameterVersion", fmt.Sprintf("%s version %d", p.Name, *p.ParameterVersion))
	}
	return &parameterAnswer{Parameter: found.data(v)}, nil
}

type getSecretParameterParameters struct {
	Name             string `api:",required"`
	ParameterVersion *int
	WithDecryption   bool
}

// getSecretParameter shows a secret's value only if asked to decrypt it.
func getSecretParameter(e *Engine, t *tx, p *getSecretParameterParameters) (*parameterAnswer, error) {
	found, err := e.parameter(t, t.seen, p.Name, true)
	if err != nil {
		return nil, err
	}
	v, ok := found.version(p.ParameterVersion)
	if !ok {
		return nil, errNoSuch("ParameterVersion", fmt.Sprintf("%s version %d", p.Name, *p.ParameterVersion))
	}
	if !p.WithDecryption {
		v.value = ""
	}
	return &parameterAnswer{Parameter: found.data(v)}, nil
}

type getParametersParameters struct {
	Names string `api:",required"` // a JSON list
}

type getParametersAnswer struct {
	Answer
	InvalidParameters []string
	Parameters        []parameterData
}

// mostNames is how many parameters one call may name.
const mostNames = 10

func getParameters(e *Engine, t *tx, p *getParametersParameters) (*getParametersAnswer, error) {
	var names []string
	if err := json.Unmarshal([]byte(p.Names), &names); err != nil {
		return nil, errParameter("Names", "it is not a JSON list of names")
	}
	if len(names) < 1 || len(names) > mostNames {
		return nil, errParameter("Names", fmt.Sprintf("it must have 1 to %d names", mostNames))
	}
	a := &getParametersAnswer{InvalidParameters: []string{}, Parameters: []parameterData{}}
	for _, name := range names {
		if found, err := e.parameter(t, t.seen, name, false); err == nil {
			a.Parameters = append(a.Parameters, found.data(found.newest()))
		} else {
			a.InvalidParameters = append(a.InvalidParameters, name)
		}
	}
	return a, nil
}

type getParametersByPathParameters struct {
	MaxResults *int
	NextToken  string
	Path       string `api:",required"`
	Recursive  bool
}

type getParametersByPathAnswer struct {
	Answer
	resultPage
	Parameters []parameterData
}

// resultPage is what lists say of themselves.
type resultPage struct {
	MaxResults int
	NextToken  string
	TotalCount int
}

func getParametersByPath(e *Engine, t *tx, p *getParametersByPathParameters) (*getParametersByPathAnswer, error) {
	if !strings.HasPrefix(p.Path, "/") {
		return nil, errParameter("Path", "it must begin with /")
	}
	found := e.commonParameters(t, func(x parameter) bool { return under(p.Path, x.name, p.Recursive) })
	sort.Slice(found, func(i, j int) bool { return found[i].name < found[j].name })
	found, pg, err := paged(found, p.MaxResults, p.NextToken)
	if err != nil {
		return nil, err
	}
	a := &getParametersByPathAnswer{resultPage: pg, Parameters: []parameterData{}}
	for _, x := range found {
		a.Parameters = append(a.Parameters, x.data(x.newest()))
	}
	return a, nil
}

// commonParameters returns the region's parameters that are no secrets and that
// f accepts.
func (e *Engine) commonParameters(t *tx, f func(parameter) bool) []parameter {
	region := e.homeRegion(t)
	return e.parameters.list(t.seen, func(p parameter) bool {
		return p.region == region && p.kind != secret && f(p)
	})
}

// under says whether a name is in a folder, or, if recursive, below it.
func under(path, name string, recursive bool) bool {
	rest, ok := strings.CutPrefix(name, strings.TrimSuffix(path, "/")+"/")
	return ok && rest != "" && (recursive || !strings.Contains(rest, "/"))
}

type listParametersParameters struct {
	MaxResults      *int
	Name            string
	NextToken       string
	Path            string
	Recursive       bool
	ResourceGroupId string
	ShareType       string
	SortField       string
	SortOrder       string
	Tags            string
	Type            string
}

type listParametersAnswer struct {
	Answer
	resultPage
	Parameters []listedParameter
}

// listedParameter has no value, and its version is a string.
type listedParameter struct {
	parameterHead
	ParameterVersion string
	Tags             map[string]string
}

func listParameters(e *Engine, t *tx, p *listParametersParameters) (*listParametersAnswer, error) {
	tags, err := parseTags(p.Tags)
	if err != nil {
		return nil, err
	}
	if err := checkShareType(p.ShareType); err != nil {
		return nil, err
	}
	found := e.commonParameters(t, func(x parameter) bool {
		for k, v := range tags {
			if have, ok := x.tags[k]; !ok || have != v {
				return false
			}
		}
		return (p.Type == "" || x.kind == p.Type) &&
			(p.Name == "" || strings.Contains(x.name, p.Name)) &&
			(p.Path == "" || under(p.Path, x.name, p.Recursive)) &&
			(p.ResourceGroupId == "" || x.resourceGroup == p.ResourceGroupId)
	})
	if err := sortParameters(found, p.SortField, p.SortOrder); err != nil {
		return nil, err
	}
	found, pg, err := paged(found, p.MaxResults, p.NextToken)
	if err != nil {
		return nil, err
	}
	a := &listParametersAnswer{resultPage: pg, Parameters: []listedParameter{}}
	for _, x := range found {
		a.Parameters = append(a.Parameters, listedParameter{
			parameterHead: x.head(), ParameterVersion: strconv.Itoa(x.newest().number), Tags: x.data(x.newest()).Tags,
		})
	}
	return a, nil
}

// checkShareType refuses the cloud's public parameters, which this one does not
// have.
func checkShareType(s string) error {
	if s != "" && s != "Private" {
		return &Error{400, "UnsupportedParameter", "This cloud implements no ShareType but Private."}
	}
	return nil
}

func sortParameters(all []parameter, field, order string) error {
	less := map[string]func(a, b parameter) int{
		"":            func(a, b parameter) int { return strings.Compare(a.name, b.name) },
		"Name":        func(a, b parameter) int { return strings.Compare(a.name, b.name) },
		"CreatedDate": func(a, b parameter) int { return a.created.Compare(b.created) },
	}[field]
	if less == nil {
		return errParameter("SortField", "it must be Name or CreatedDate")
	}
	switch order {
	case "", "Ascending":
		slices.SortStableFunc(all, less)
	case "Descending":
		slices.SortStableFunc(all, func(a, b parameter) int { return less(b, a) })
	default:
		return errParameter("SortOrder", "it must be Ascending or Descending")
	}
	return nil
}

type listParameterVersionsParameters struct {
	MaxResults *int
	Name       string `api:",required"`
	NextToken  string
	ShareType  string
}

type listParameterVersionsAnswer struct {
	Answer
	resultPage
	Id                string
	Name              string
	Type              string
	Description       string
	CreatedBy         string
	CreatedDate       string
	ParameterVersions []listedVersion
}

type listedVersion struct {
	ParameterVersion int
	Value            string
	UpdatedBy        string
	UpdatedDate      string
}

func listParameterVersions(e *Engine, t *tx, p *listParameterVersionsParameters) (*listParameterVersionsAnswer, error) {
	if err := checkShareType(p.ShareType); err != nil {
		return nil, err
	}
	found, err := e.parameter(t, t.seen, p.Name, false)
	if err != nil {
		return nil, err
	}
	versions := slices.Clone(found.versions)
	slices.Reverse(versions)
	versions, pg, err := paged(versions, p.MaxResults, p.NextToken)
	if err != nil {
		return nil, err
	}
	h := found.head()
	a := &listParameterVersionsAnswer{
		resultPage: pg, Id: h.Id, Name: h.Name, Type: h.Type, Description: h.Description,
		CreatedBy: h.CreatedBy, CreatedDate: h.CreatedDate, ParameterVersions: []listedVersion{},
	}
	for _, v := range versions {
		a.ParameterVersions = append(a.ParameterVersions, listedVersion{
			ParameterVersion: v.number, Value: v.value, UpdatedBy: v.by, UpdatedDate: v.at.UTC().Format(timeFormat),
		})
	}
	return a, nil
}

// Page sizes of the Parameter Store's lists; UNCONFIRMED beyond what the
// metadata says.
const (
	defaultResults = 50
	mostResults    = 100
)

// paged cuts one page out of a list. A token says where the next page begins.
func paged[T any](all []T, maxResults *int, token string) ([]T, resultPage, error) {
	pg := resultPage{MaxResults: defaultResults, TotalCount: len(all)}
	if maxResults != nil {
		pg.MaxResults = *maxResults
	}
	if pg.MaxResults < 1 || pg.MaxResults > mostResults {
		return nil, pg, errParameter("MaxResults", fmt.Sprintf("it must be 1 to %d", mostResults))
	}
	from := 0
	if token != "" {
		b, err := base64.URLEncoding.DecodeString(token)
		if err == nil {
			from, err = strconv.Atoi(strings.TrimPrefix(string(b), "from:"))
		}
		if err != nil || from < 1 {
			return nil, pg, errParameter("NextToken", "it is not one that this cloud gave")
		}
	}
	from = min(from, len(all))
	to := min(from+pg.MaxResults, len(all))
	if to < len(all) {
		pg.NextToken = base64.URLEncoding.EncodeToString(fmt.Appendf(nil, "from:%d", to))
	}
	return all[from:to], pg, nil
}

func errNoSuch(what, name string) *Error {
	return &Error{404, "EntityNotExists." + what, fmt.Sprintf("The specified %s %s does not exist.", strings.ToLower(what), name)}
}
