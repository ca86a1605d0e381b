package lint

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"switchboard/engine"
)

// shares looks at the weights of a distribution by percent.
func (p *plan) shares(e map[string]any, at []string) {
	distribution, _ := e["distribution"].(map[string]any)
	weights, _ := distribution["weights"].(map[string]any)
	if len(weights) == 0 {
		return
	}
	at = append(at, "distribution", "weights")
	field := strings.Join(at[1:], ".")
	sum, members := 0.0, p.members(e)
	for _, number := range slices.Sorted(maps.Keys(weights)) {
		weight, ok := weights[number].(json.Number)
		if !ok {
			continue // the schema's to say
		}
		w, _ := weight.Float64()
		sum += w
		if !slices.Contains(members, any(number)) {
			p.report("", append(at, number), fmt.Sprintf("%s: %s is not in the team", field, engine.Mask(number)),
				"add the number to the team, or give its share to those who are in it")
		}
	}
	if math.Abs(sum-100) > 1e-9 {
		p.report("distribution", at, fmt.Sprintf("%s sum to %s, not to 100", field, strconv.FormatFloat(sum, 'f', -1, 64)),
			"change the shares so that they make 100 together")
	}
	if mode, ok := distribution["mode"].(string); ok && mode != "percent" {
		p.report("", at, fmt.Sprintf("%s count in mode percent alone, and the mode is %s", field, mode), "write mode: percent, or remove the weights")
	}
}
