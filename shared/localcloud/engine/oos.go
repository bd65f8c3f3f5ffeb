package engine

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

var oos = product{"oos", "2019-06-01"}

func oosActions() []Action {
	return []Action{
		write(oos, "CreateParameter", 0, createParameter),
		write(oos, "CreateSecretParameter", 0, createSecretParameter),
		write(oos, "UpdateParameter", 0, updateParameter),
		write(oos, "DeleteParameter", 0, deleteParameter),
		write(oos, "DeleteSecretParameter", 0, deleteSecretParameter),
		read(oos, "GetParameter", 0, getParameter),
		read(oos, "GetSecretParameter", 0, getSecretParameter),
		read(oos, "GetParameters", 0, getParameters),
		read(oos, "GetParametersByPath", 0, getParametersByPath),
		read(oos, "ListParameters", 0, listParameters),
		read(oos, "ListParameterVersions", 0, listParameterVersions),
	}
}

type oosState struct{ parameters table[parameter] }

func (e *Engine) initOos() { e.parameters = newTable[parameter]() }

// parameter is one entry of the Parameter Store with all its versions.
type parameter struct {
	region        string
	name          string
	id            string
	kind          string // String, StringList or Secret
	description   string
	constraints   string
	resourceGroup string
	keyID         string
	tags          map[string]string
	createdBy     string
	created       time.Time
	versions      []parameterVersion // oldest first; never empty
}

type parameterVersion struct {
	number int
	value  string
	by     string
	at     time.Time
}

const secret = "Secret"

// keptVersions bounds a parameter's history; how many the real store keeps is
// UNCONFIRMED.
const keptVersions = 100

func parameterKey(region, name string) string { return region + " " + name }

func (p parameter) newest() parameterVersion { return p.versions[len(p.versions)-1] }

// version finds a version by number; nil means the newest.
func (p parameter) version(number *int) (parameterVersion, bool) {
	if number == nil {
		return p.newest(), true
	}
	i := slices.IndexFunc(p.versions, func(v parameterVersion) bool { return v.number == *number })
	if i < 0 {
		return parameterVersion{}, false
	}
	return p.versions[i], true
}

// parameterData is a parameter as most answers have it.
type parameterData struct {
	parameterHead
	ParameterVersion int
	Value            string
	Constraints      string
	KeyId            string
	Tags             map[string]string
}

// parameterHead is what all answers say of a parameter.
type parameterHead struct {
	Id              string
	Name            string
	Type            string
	Description     string
	ResourceGroupId string
	ShareType       string
	CreatedBy       string
	CreatedDate     string
	UpdatedBy       string
	UpdatedDate     string
}

type parameterAnswer struct {
	Answer
	Parameter parameterData
}

func (p parameter) head() parameterHead {
	v := p.newest()
	return parameterHead{
		Id: p.id, Name: p.name, Type: p.kind, Description: p.description, ResourceGroupId: p.resourceGroup,
		ShareType: "Private", CreatedBy: p.createdBy, CreatedDate: p.created.UTC().Format(timeFormat),
		UpdatedBy: v.by, UpdatedDate: v.at.UTC().Format(timeFormat),
	}
}

func (p parameter) data(v parameterVersion) parameterData {
	return parameterData{
		parameterHead: p.head(), ParameterVersion: v.number, Value: v.value,
		Constraints: p.constraints, KeyId: p.keyID, Tags: maps.Clone(p.tags),
	}
}

type createParameterParameters struct {
	ClientToken     string
	Constraints     string
	Description     string
	Name            string `api:",required"`
	ResourceGroupId string
	Tags            string
	Type            string `api:",required"`
	Value           string `api:",required"`
}

type createSecretParameterParameters struct {
	ClientToken     string
	Constraints     string
	DKMSInstanceId  string
	Description     string
	KeyId           string
	Name            string `api:",required"`
	ResourceGroupId string
	Tags            string
	Type            string
	Value           string `api:",required"`
}

func createParameter(e *Engine, t *tx, p *createParameterParameters) (*parameterAnswer, error) {
	if p.Type != "String" && p.Type != "StringList" {
		return nil, errParameter("Type", "it must be String or StringList")
	}
	return e.createParameter(t, parameter{
		name: p.Name, kind: p.Type, description: p.Description, constraints: p.Constraints, resourceGroup: p.ResourceGroupId,
	}, p.Value, p.Tags)
}

func createSecretParameter(e *Engine, t *tx, p *createSecretParameterParameters) (*parameterAnswer, error) {
	switch {
	case p.Type != "" && p.Type != secret:
		return nil, errParameter("Type", "it must be Secret")
	case p.DKMSInstanceId != "":
		return nil, &Error{400, "UnsupportedParameter", "The parameter \"DKMSInstanceId\" is not implemented by this cloud."}
	}
	a, err := e.createParameter(t, parameter{
		name: p.Name, kind: secret, description: p.Description, constraints: p.Constraints, resourceGroup: p.ResourceGroupId,
		keyID: p.KeyId,
	}, p.Value, p.Tags)
	if err == nil {
		a.Parameter.Value = "" // the answer does not show what was hidden
	}
	return a, err
}

func (e *Engine) createParameter(t *tx, p parameter, value, tags string) (*parameterAnswer, error) {
	if err := e.checkParameterName(p.name); err != nil {
		return nil, err
	}
	if err := checkDescription(p.description); err != nil {
		return nil, err
	}
	parsed, err := parseTags(tags)
	if err != nil {
		return nil, err
	}
	if err := checkValue(p.constraints, value); err != nil {
		return nil, err
	}
	p.region = e.homeRegion(t)
	if _, ok := e.parameters.get(latest, parameterKey(p.region, p.name)); ok {
		return nil, &Error{409, "EntityAlreadyExists.Parameter", fmt.Sprintf("The specified parameter %s already exists.", p.name)}
	}
	p.id, p.tags, p.created = e.newID("p"), parsed, t.now
	p.createdBy = e.callerARN(t.caller)
	p.versions = []parameterVersion{{number: 1, value: value, by: p.createdBy, at: t.now}}
	e.parameters.put(t.now, parameterKey(p.region, p.name), p)
	return &parameterAnswer{Parameter: p.data(p.newest())}, nil
}

type updateParameterParameters struct {
	Description     *string
	Name            string `api:",required"`
	ResourceGroupId *string
	Tags            string
	Value           string `api:",required"`
}

type updateParameterAnswer struct {
	Answer
	Parameter updatedParameter
}

// updatedParameter is what an update answers: no value, and the tags as one
// string of JSON.
type updatedParameter struct {
	parameterHead
	ParameterVersion int
	Constraints      string
	Tags             string
}

// updateParameter writes a new version. There is no condition on the old one.
func updateParameter(e *Engine, t *tx, p *updateParameterParameters) (*updateParameterAnswer, error) {
	old, err := e.parameter(t, latest, p.Name, false)
	if err != nil {
		return nil, err
	}
	if p.Tags != "" {
		if old.tags, err = parseTags(p.Tags); err != nil {
			return nil, err
		}
	}
	if p.Description != nil {
		old.description = *p.Description
	}
	if err := checkDescription(old.description); err != nil {
		return nil, err
	}
	if p.ResourceGroupId != nil {
		old.resourceGroup = *p.ResourceGroupId
	}
	if err := checkValue(old.constraints, p.Value); err != nil {
		return nil, err
	}
	last := old.newest()
	versions := append(slices.Clone(old.versions), parameterVersion{
		number: last.number + 1, value: p.Value, by: e.callerARN(t.caller), at: t.now,
	})
	old.versions = versions[max(0, len(versions)-keptVersions):]
	e.parameters.put(t.now, parameterKey(old.region, old.name), old)
	tags, _ := json.Marshal(old.tags)
	return &updateParameterAnswer{Parameter: updatedParameter{
		parameterHead: old.head(), ParameterVersion: old.newest().number, Constraints: old.constraints, Tags: string(tags),
	}}, nil
}

type namedParameter struct {
	Name string `api:",required"`
}

func deleteParameter(e *Engine, t *tx, p *namedParameter) (*Answer, error) {
	return e.deleteParameter(t, p.Name, false)
}

func deleteSecretParameter(e *Engine, t *tx, p *namedParameter) (*Answer, error) {
	return e.deleteParameter(t, p.Name, true)
}

func (e *Engine) deleteParameter(t *tx, name string, isSecret bool) (*Answer, error) {
	p, err := e.parameter(t, latest, name, isSecret)
	if err != nil {
		return nil, err
	}
	e.parameters.remove(t.now, parameterKey(p.region, p.name))
	return &Answer{}, nil
}

// parameter finds a parameter of the call's region. Common and secret ones
// share their names, and each kind's actions do not see the other's.
func (e *Engine) parameter(t *tx, asOf time.Time, name string, isSecret bool) (parameter, error) {
	p, ok := e.parameters.get(asOf, parameterKey(e.homeRegion(t), name))
	if !ok || (p.kind == secret) != isSecret {
		return parameter{}, errNoSuch("Parameter", name)
	}
	return p, nil
}

// checkParameterName holds a name to the documented form.
func (e *Engine) checkParameterName(name string) error {
	longest := 180
	if e.opt.Switches.LongParameterNames {
		longest = 200
	}
	if len(name) < 2 || len(name) > longest {
		return errParameter("Name", fmt.Sprintf("it must have 2 to %d characters", longest))
	}
	legal := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("-_/", r)
	}
	if strings.ContainsFunc(name, func(r rune) bool { return !legal(r) }) {
		return errParameter("Name", "it may have letters, digits, -, _ and /")
	}
	for _, reserved := range []string{"ALIYUN", "ACS", "ALIBABA", "ALICLOUD", "OOS"} {
		if strings.HasPrefix(strings.ToUpper(name), reserved) {
			return errParameter("Name", "it must not begin with "+reserved)
		}
	}
	return nil
}

func errParameter(name, problem string) *Error {
	return &Error{400, "InvalidParameter", fmt.Sprintf("The parameter %s is invalid: %s.", name, problem)}
}
