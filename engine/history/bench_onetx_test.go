package history_test

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/history/fold"
)

// oneTx keeps everything in one bbolt file: record, call_id, an index entry and
// a profile for each of the three numbers. It is what the store is measured
// against, and makes no more of an event than the store does.
type oneTx struct {
	db    *bbolt.DB
	rules fold.Rules
	seq   uint64
	queue chan *waiting // nil: a transaction for each event
	ended chan struct{}
}

type waiting struct {
	c    *engine.Completion
	data []byte
	done chan error
}

func newOneTx(b *testing.B, folder string, group bool) *oneTx {
	db, err := bbolt.Open(filepath.Join(folder, "one.db"), 0o600, &bbolt.Options{
		Timeout: time.Second, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, InitialMmapSize: 4 << 30, NoStatistics: true,
	})
	if err != nil {
		b.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range []string{"log", "ids", "callers", "receivers", "dids", "by callers", "by receivers", "by dids"} {
			if _, err := tx.CreateBucket([]byte(name)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	o := &oneTx{db: db, rules: fold.Rules{Zone: kolkata(b), TTL: 30 * time.Minute}, ended: make(chan struct{})}
	if group {
		o.queue = make(chan *waiting, 4096)
		go o.run()
	}
	return o
}

func (o *oneTx) take(c *engine.Completion) error {
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if o.queue == nil {
		return o.db.Update(func(tx *bbolt.Tx) error { return o.put(tx, c, data) })
	}
	w := &waiting{c, data, make(chan error, 1)}
	o.queue <- w
	return <-w.done
}

// run commits whatever queued up during the last fsync.
func (o *oneTx) run() {
	defer close(o.ended)
	for first := range o.queue {
		batch := []*waiting{first}
		for more := true; more && len(batch) < 4096; {
			select {
			case w, ok := <-o.queue:
				if more = ok; ok {
					batch = append(batch, w)
				}
			default:
				more = false
			}
		}
		err := o.db.Update(func(tx *bbolt.Tx) error {
			for _, w := range batch {
				if err := o.put(tx, w.c, w.data); err != nil {
					return err
				}
			}
			return nil
		})
		for _, w := range batch {
			w.done <- err
		}
	}
}

func (o *oneTx) put(tx *bbolt.Tx, c *engine.Completion, data []byte) error {
	ids := tx.Bucket([]byte("ids"))
	if ids.Get([]byte(c.CallID)) != nil {
		return nil
	}
	o.seq++
	log := tx.Bucket([]byte("log"))
	log.FillPercent = 1
	if err := log.Put(key(o.seq), data); err != nil {
		return err
	}
	if err := ids.Put([]byte(c.CallID), key(o.seq)); err != nil {
		return err
	}
	group, _ := (*fold.Group)(nil).With(fold.Entry{Completion: c})
	for _, change := range fold.Diff(nil, group) {
		for _, k := range fold.Keys(change.New) {
			by := append(append([]byte(k.Number), 0), key(uint64(change.New.At()))...)
			if err := tx.Bucket([]byte("by "+string(k.Kind))).Put(append(by, c.CallID...), key(o.seq)); err != nil {
				return err
			}
			profiles := tx.Bucket([]byte(k.Kind))
			var p *fold.Profile
			if old := profiles.Get([]byte(k.Number)); old != nil {
				var err error
				if p, err = fold.DecodeProfile(append([]byte{}, old...)); err != nil {
					return err
				}
			}
			p = p.Replace(k, nil, change.New, o.rules)
			if err := profiles.Put([]byte(k.Number), fold.AppendProfile(nil, p)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o *oneTx) preload(n int) error {
	for i := 1; i <= n; {
		err := o.db.Update(func(tx *bbolt.Tx) error {
			for end := min(i+10_000, n+1); i < end; i++ {
				c := event(i, n)
				data, err := json.Marshal(c)
				if err != nil {
					return err
				}
				if err := o.put(tx, c, data); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (o *oneTx) Close() error {
	if o.queue != nil {
		close(o.queue)
		<-o.ended
	}
	return o.db.Close()
}
