package dataplane

import (
	"hash/fnv"
	"math"
	"time"
)

// withinRegion is what a packet takes between two instances of a region.
const withinRegion = 150 * time.Microsecond

// place is about where a region is, in degrees.
type place struct{ north, east float64 }

// places of the regions, for times that are plausible: the cities that the
// regions' public names give.
var places = map[string]place{
	"cn-qingdao": {36.1, 120.4}, "cn-beijing": {39.9, 116.4}, "cn-zhangjiakou": {40.8, 114.9},
	"cn-huhehaote": {40.8, 111.7}, "cn-wulanchabu": {41.0, 113.1}, "cn-hangzhou": {30.3, 120.2},
	"cn-shanghai": {31.2, 121.5}, "cn-nanjing": {32.1, 118.8}, "cn-fuzhou": {26.1, 119.3},
	"cn-shenzhen": {22.5, 114.1}, "cn-heyuan": {23.7, 114.7}, "cn-guangzhou": {23.1, 113.3},
	"cn-chengdu": {30.7, 104.1}, "cn-hongkong": {22.3, 114.2}, "ap-southeast-1": {1.3, 103.8},
	"ap-southeast-3": {3.1, 101.7}, "ap-southeast-5": {-6.2, 106.8}, "ap-southeast-6": {14.6, 121.0},
	"ap-southeast-7": {13.8, 100.5}, "ap-northeast-1": {35.7, 139.7}, "ap-northeast-2": {37.6, 127.0},
	"us-west-1": {37.4, -122.1}, "us-east-1": {38.9, -77.5}, "eu-central-1": {50.1, 8.7},
	"eu-west-1": {51.5, -0.1}, "me-east-1": {25.2, 55.3},
}

// OneWay is what a packet takes from one region to another: the way along the
// ground, a half longer for the cable's bends, at two thirds of light's speed.
// It is an assumption, made for times that look right.
func OneWay(from, to string) time.Duration {
	if from == to {
		return withinRegion
	}
	a, okA := places[from]
	b, okB := places[to]
	if !okA || !okB {
		return 15*time.Millisecond + withinRegion
	}
	rad := func(d float64) float64 { return d * math.Pi / 180 }
	h := math.Pow(math.Sin(rad(b.north-a.north)/2), 2) +
		math.Cos(rad(a.north))*math.Cos(rad(b.north))*math.Pow(math.Sin(rad(b.east-a.east)/2), 2)
	kilometres := 2 * 6371 * math.Asin(math.Sqrt(h))
	return withinRegion + time.Duration(kilometres*1.5/200000*float64(time.Second))
}

// jitter lengthens a time by up to a tenth. What it draws from makes it the
// same in every replay.
func jitter(d time.Duration, parts ...string) time.Duration {
	h := fnv.New64a()
	for _, p := range parts {
		_, _ = h.Write([]byte(p))
		_, _ = h.Write([]byte{0})
	}
	return d + time.Duration(float64(d)*0.1*float64(h.Sum64()%1000)/1000)
}
