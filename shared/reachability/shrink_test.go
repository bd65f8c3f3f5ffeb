package reachability_test

import (
	"reflect"

	"vpcinterconnect/shared/localcloud/world"
)

// shrunk returns the worlds that are one thing smaller: one element of any of
// the lists less.
func shrunk(w *world.World) (out []*world.World) {
	for n := range countRemovable(reflect.ValueOf(w).Elem()) {
		less := clone(w)
		k := n
		removeNth(reflect.ValueOf(less).Elem(), &k)
		out = append(out, less)
	}
	return out
}

func clone(w *world.World) *world.World {
	return deepCopy(reflect.ValueOf(w)).Interface().(*world.World)
}

func deepCopy(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return v
		}
		p := reflect.New(v.Type().Elem())
		p.Elem().Set(deepCopy(v.Elem()))
		return p
	case reflect.Struct:
		c := reflect.New(v.Type()).Elem()
		for n := range v.NumField() {
			c.Field(n).Set(deepCopy(v.Field(n)))
		}
		return c
	case reflect.Slice:
		if v.IsNil() {
			return v
		}
		c := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for n := range v.Len() {
			c.Index(n).Set(deepCopy(v.Index(n)))
		}
		return c
	}
	return v
}

func countRemovable(v reflect.Value) (n int) {
	each(v, func(list reflect.Value) bool { n += list.Len(); return true })
	return n
}

// removeNth takes the k-th element of all lists away.
func removeNth(v reflect.Value, k *int) {
	each(v, func(list reflect.Value) bool {
		if *k >= list.Len() {
			*k -= list.Len()
			return true
		}
		list.Set(reflect.AppendSlice(list.Slice(0, *k), list.Slice(*k+1, list.Len())))
		return false
	})
}

// each calls f with every list in v, until it says false.
func each(v reflect.Value, f func(reflect.Value) bool) bool {
	switch v.Kind() {
	case reflect.Pointer:
		return v.IsNil() || each(v.Elem(), f)
	case reflect.Struct:
		for n := range v.NumField() {
			if !each(v.Field(n), f) {
				return false
			}
		}
	case reflect.Slice:
		if !f(v) {
			return false
		}
		for n := range v.Len() {
			if !each(v.Index(n), f) {
				return false
			}
		}
	}
	return true
}
