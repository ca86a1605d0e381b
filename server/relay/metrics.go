package relay

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"switchboard/engine"
)

// attemptSeconds counts how long targets take to answer.
func attemptSeconds() *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "switchboard_relay_attempt_duration_seconds", Help: "Attempts to deliver a message, whatever they came to.",
		Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
	}, []string{"target"})
}

// Register adds the relay's metrics; all are by target.
func (r *Relay) Register(registry *prometheus.Registry) error {
	if err := registry.Register(r.took); err != nil {
		return err
	}
	return registry.Register(newCollector(r))
}

// collector reads the state of all targets when metrics are asked for.
type collector struct {
	relay  *Relay
	series []series
}

type series struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(t engine.RelayTarget) float64
}

func newCollector(r *Relay) *collector {
	c := &collector{relay: r}
	add := func(kind prometheus.ValueType, name, help string, value func(engine.RelayTarget) float64) {
		c.series = append(c.series, series{prometheus.NewDesc("switchboard_relay_"+name, help, []string{"target", "kind"}, nil), kind, value})
	}
	add(prometheus.CounterValue, "delivered_total", "Messages that the target took.",
		func(t engine.RelayTarget) float64 { return float64(t.Delivered) })
	add(prometheus.CounterValue, "failed_total", "Attempts that the target did not take.",
		func(t engine.RelayTarget) float64 { return float64(t.Failed) })
	add(prometheus.CounterValue, "dropped_total", "Operational events that were given up.",
		func(t engine.RelayTarget) float64 { return float64(t.Dropped) })
	add(prometheus.GaugeValue, "backlog", "Messages that wait, every record of the log counted that was not looked at yet.",
		func(t engine.RelayTarget) float64 { return float64(t.Waiting) + float64(t.Unread) })
	add(prometheus.GaugeValue, "oldest_age_seconds", "Age of the oldest message that waits; 0 where none does.", age)
	add(prometheus.GaugeValue, "dead_letters", "Messages that were given up and are kept.",
		func(t engine.RelayTarget) float64 { return float64(t.Dead) })
	add(prometheus.GaugeValue, "up", "0 while the target fails altogether or said that it is gone.", up)
	return c
}

func age(t engine.RelayTarget) float64 {
	if t.Oldest == 0 {
		return 0
	}
	return max(0, time.Since(time.Unix(0, t.Oldest)).Seconds())
}

func up(t engine.RelayTarget) float64 {
	if t.State == engine.RelayPaused || t.State == engine.RelayStopped {
		return 0
	}
	return 1
}

// Describe sends the descriptions of all series.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, s := range c.series {
		ch <- s.desc
	}
}

// Collect asks every target once.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	for _, t := range c.relay.Targets() {
		if t.State == engine.RelayRemoved {
			continue // it is status that tells of it
		}
		for _, s := range c.series {
			ch <- prometheus.MustNewConstMetric(s.desc, s.kind, s.value(t), t.ID, t.Kind)
		}
	}
}
