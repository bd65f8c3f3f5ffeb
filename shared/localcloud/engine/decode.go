package engine

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// decode fills an action's parameter struct from the flat parameters, refusing
// what the action does not have, what is missing and what is of the wrong type.
func decode(a *Action, flat map[string]string, v reflect.Value, s Switches) *Error {
	used := map[string]bool{}
	if err := decodeFields(flat, "", v, used); err != nil {
		return err
	}
	if s.UnknownParametersIgnored {
		return nil
	}
	for _, k := range sortedKeys(flat) {
		if !used[k] && !commonParameters[k] {
			return &Error{400, "UnsupportedParameter", fmt.Sprintf("The parameter %q is not supported: it is not one of %s's, or this cloud does not implement it.", k, a.Name)}
		}
	}
	return nil
}

// commonParameters come with every RPC call and are no business of most
// actions: the SDK sends RegionId always, and its request structs have the
// four legacy owner parameters.
var commonParameters = map[string]bool{
	"RegionId": true, "OwnerId": true, "OwnerAccount": true,
	"ResourceOwnerId": true, "ResourceOwnerAccount": true,
}

func decodeFields(flat map[string]string, prefix string, v reflect.Value, used map[string]bool) *Error {
	t := v.Type()
	for i := range t.NumField() {
		if t.Field(i).Anonymous {
			if err := decodeFields(flat, prefix, v.Field(i), used); err != nil {
				return err
			}
		}
	}
	for i, p := range ownParameters(t) {
		f := v.Field(i)
		if p.Name == "" {
			continue
		}
		name := prefix + p.Name
		if p.Type == "RepeatList" {
			n, err := decodeList(flat, name, f, used, p.Max)
			if err != nil {
				return err
			}
			if n == 0 && p.Required {
				return errMissing(name)
			}
			continue
		}
		s, there := flat[name]
		used[name] = true
		if !there || s == "" {
			if p.Required {
				return errMissing(name)
			}
			continue
		}
		if err := setScalar(f, s); err != nil {
			return &Error{400, "InvalidParameter", fmt.Sprintf("The parameter %q is not of type %s.", name, p.Type)}
		}
	}
	return nil
}

// described caches ownParameters: calls are many, types few.
var described sync.Map // reflect.Type to []Parameter

// ownParameters returns the descriptions of a struct's fields in field order;
// embedded structs have an empty one.
func ownParameters(t reflect.Type) []Parameter {
	if known, ok := described.Load(t); ok {
		return known.([]Parameter)
	}
	out := parametersOf(t)
	described.Store(t, out)
	return out
}

func parametersOf(t reflect.Type) []Parameter {
	out := make([]Parameter, t.NumField())
	all := describe(t)
	j := 0
	for i := range t.NumField() {
		if t.Field(i).Anonymous {
			j += len(describe(t.Field(i).Type))
			continue
		}
		out[i] = all[j]
		j++
	}
	return out
}

func setScalar(f reflect.Value, s string) error {
	if f.Kind() == reflect.Pointer {
		f.Set(reflect.New(f.Type().Elem()))
		f = f.Elem()
	}
	switch f.Kind() {
	case reflect.String:
		f.SetString(s)
	case reflect.Bool:
		b, err := strconv.ParseBool(s)
		if err != nil {
			return err
		}
		f.SetBool(b)
	default:
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return err
		}
		f.SetInt(n)
	}
	return nil
}

// decodeList fills a slice from name.1, name.2, ... in order of index; gaps are
// allowed, as the real gateway allows them.
func decodeList(flat map[string]string, name string, f reflect.Value, used map[string]bool, most int) (int, *Error) {
	indexes := map[int]bool{}
	for k := range flat {
		rest, ok := strings.CutPrefix(k, name+".")
		if !ok {
			continue
		}
		head, _, _ := strings.Cut(rest, ".")
		if n, err := strconv.Atoi(head); err == nil && n >= 1 {
			indexes[n] = true
		}
	}
	order := make([]int, 0, len(indexes))
	for n := range indexes {
		order = append(order, n)
	}
	slices.Sort(order)
	if most > 0 && len(order) > most {
		return 0, &Error{400, "InvalidParameter", fmt.Sprintf("The parameter %q has %d elements; at most %d are allowed.", name, len(order), most)}
	}
	if f.Kind() == reflect.Pointer {
		if len(order) == 0 {
			return 0, nil
		}
		f.Set(reflect.New(f.Type().Elem()))
		f = f.Elem()
	}
	for _, n := range order {
		elem := reflect.New(f.Type().Elem()).Elem()
		key := fmt.Sprintf("%s.%d", name, n)
		if elem.Kind() == reflect.Struct {
			if err := decodeFields(flat, key+".", elem, used); err != nil {
				return 0, err
			}
		} else {
			used[key] = true
			if err := setScalar(elem, flat[key]); err != nil {
				return 0, &Error{400, "InvalidParameter", fmt.Sprintf("The parameter %q has the wrong type.", key)}
			}
		}
		f.Set(reflect.Append(f, elem))
	}
	return len(order), nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

const missingMessage = "The input parameter %q that is mandatory for processing this request is not supplied."

func errMissing(name string) *Error {
	return &Error{400, "MissingParameter", fmt.Sprintf(missingMessage, name)}
}

func errUnknownAction(c Call) *Error {
	return &Error{404, "InvalidAction.NotFound", fmt.Sprintf("Specified api is not found, please check your url and method: %s %s.", c.Product, c.Action)}
}

func errTokenMismatch(a *Action) *Error {
	return &Error{400, "IdempotentParameterMismatch", fmt.Sprintf("The request uses the same client token as a previous, but non-identical %s request.", a.Name)}
}
