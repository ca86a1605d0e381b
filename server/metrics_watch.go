package server

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// add registers what is read when metrics are asked for.
func (m *Metrics) add(collectors ...prometheus.Collector) error {
	var errs []error
	for _, c := range collectors {
		if err := m.registry.Register(c); err != nil {
			errs = append(errs, fmt.Errorf("metrics: %w", err))
		}
	}
	return errors.Join(errs...)
}

// watchFeed adds how the streams of events stand.
func (m *Metrics) watchFeed(f *Feed) error {
	return m.add(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "switchboard_event_streams", Help: "Streams of events that are open."},
			func() float64 { return float64(f.hub.Stats().Readers) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "switchboard_events_total", Help: "Events that happened, watched or not."},
			func() float64 { return float64(f.hub.Stats().Published) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "switchboard_events_lost_total", Help: "Events that a stream was too slow for, all streams together."},
			func() float64 { return float64(f.hub.Stats().Lost) }),
	)
}

// watchListener adds how a listener's connections and its certificate stand.
func (m *Metrics) watchListener(l *listener) error {
	labels := prometheus.Labels{"listener": l.name}
	err := m.add(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "switchboard_connections", Help: "Connections that are open.", ConstLabels: labels},
			func() float64 { return float64(l.pool.Stats().Open) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "switchboard_connections_evicted_total", ConstLabels: labels,
			Help: "Idle connections that were closed to make room."}, func() float64 { return float64(l.pool.Stats().Evicted) }),
	)
	if l.certs == nil || err != nil {
		return err
	}
	return m.add(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "switchboard_tls_certificate_expiry_timestamp_seconds", ConstLabels: labels,
		Help: "When the certificate in force expires."}, func() float64 { return float64(l.certs.State().NotAfter.Unix()) }))
}
